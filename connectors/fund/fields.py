"""Fields: the fund's quarters in the graph, as they are known now or were at any moment. No row is a person's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import strawberry
from sqlalchemy import bindparam, select

from connectors.fund.drop import QUARTER
from connectors.fund.figures import FundKpi, report_kpis
from connectors.fund.positions import FundCashFlow, FundPosition, money, report_positions
from connectors.fund.tables import fund_cash_flows, fund_reports
from gateway.connector import (
    Access,
    DateTime,
    FieldError,
    Money,
    Query,
    Row,
    as_keys,
    batch,
    keys,
    requires,
)

ALWAYS = "9999-12-31T23:59:59Z"


async def capital_calls(reports: Sequence[Row], access: Access) -> list[list[Row]]:
    """What the shareholders paid in during the quarter, payment by payment."""
    return await _flows(reports, access, "CALL")


async def distribution_payments(reports: Sequence[Row], access: Access) -> list[list[Row]]:
    """What the shareholders were paid during the quarter, payment by payment."""
    return await _flows(reports, access, "DISTRIBUTION")


async def _flows(reports: Sequence[Row], access: Access, kind: str) -> list[list[Row]]:
    columns = access.columns(fund_cash_flows, "FundCashFlow", "kind")
    ids = [report.id for report in reports]
    found = await access.rows(fund_cash_flows, "report", ids, columns, (("number", False),))
    return [[row for row in rows if row.kind == kind] for rows in found]


async def superseding_moments(reports: Sequence[Row], access: Access) -> list[str | None]:
    """When the next version was published; null for the newest."""
    found = await _versions(reports, access, ("quarter", "version", "published_at"))
    return [
        next((row.published_at for row in rows if row.version > report.version), None)
        for report, rows in zip(reports, found, strict=True)
    ]


async def report_versions(reports: Sequence[Row], access: Access) -> list[list[Row]]:
    """All versions of the quarter, the first one first."""
    columns = access.columns(fund_reports, "FundReport", "version")
    return await _versions(reports, access, columns)


async def _versions(reports: Sequence[Row], access: Access, columns: tuple[str, ...]) -> list[list[Row]]:
    quarters = [report.quarter for report in reports]
    return await access.rows(fund_reports, "quarter", quarters, columns, (("version", False),))


@strawberry.type(directives=[requires("fund:reports")])
class FundReport:
    """A version of a quarter of the fund. A restated quarter has a higher version, beside the ones before."""

    quarter: str
    version: int
    published_at: DateTime
    superseded_at: DateTime | None = batch(superseding_moments, needs=["quarter", "version"])
    commitments: Money = money("commitment_minor", "What all shareholders have promised to pay in.")
    contributions: Money = money("contributions_minor", "What they paid in during the quarter.")
    distributions: Money = money("distributions_minor", "What they were paid during the quarter.")
    nav: Money = money("nav_minor", "What the fund is worth at the end of the quarter.")
    gmv: Money | None = money("gmv_minor", "The venture's sales of the quarter, as the fund was told them.")
    kpis: list[FundKpi] = batch(report_kpis, needs=["id"], list_size=20)
    positions: list[FundPosition] = batch(report_positions, needs=["id"], list_size=10)
    capital_calls: list[FundCashFlow] = batch(capital_calls, needs=["id"], list_size=10)
    distribution_payments: list[FundCashFlow] = batch(distribution_payments, needs=["id"], list_size=10)
    versions: list[FundReport] = batch(report_versions, needs=["quarter"], list_size=5)


@cache
def _known(columns: tuple[str, ...]) -> Query:
    found = fund_reports.c
    return Query(
        select(*(found[name] for name in columns))
        .where(found.quarter.in_(select(keys().c.value)))
        .where(found.published_at <= bindparam("as_of"))
        .order_by(found.version.desc())
        .limit(1)
    )


async def fund_report(
    parents: Sequence[Any], access: Access, *, quarter: str, as_of: DateTime | None = None
) -> list[Row | None]:
    """The fund's report of a quarter, such as 2017Q1; null where there is none that the caller may see.

    It is the newest version, or with `asOf` the one that was the newest at that moment.
    """
    if not QUARTER.fullmatch(quarter):
        raise FieldError("A quarter is a year and Q1 to Q4, as 2017Q1.", "BAD_USER_INPUT", argument="quarter")
    columns = access.columns(fund_reports, "FundReport", "quarter")
    found = await access.fetch(_known(columns), keys=as_keys([quarter]), as_of=as_of or ALWAYS)
    return (found or [None]) * len(parents)


@strawberry.type
class FundQuery:
    """What the fund adds to the queries."""

    fund_report: FundReport | None = batch(fund_report, requires=requires("fund:reports"))
