"""Reports: the fund's quarters as tables and as GraphQL. Nothing here is a person's or leads to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import strawberry
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Text

from connectors.fund.books import read_books
from connectors.fund.drop import QUARTER, pull_quarters
from gateway.connector import (
    Access,
    Amount,
    Dataset,
    DateTime,
    FieldError,
    Instant,
    Money,
    Row,
    Rows,
    agreed,
    batch,
    follows,
    requires,
    table,
)

FIGURES = ("commitment", "nav_begin", "contributions", "distributions", "gain", "nav")

_OF_REPORT = follows("fund_reports", "fund_reports.quarter = this.quarter")


def _figures() -> list[Column[Any]]:
    return [Column(f"{name}_minor", BigInteger, nullable=False) for name in FIGURES]


fund_reports = table(
    "fund_reports",
    Column("quarter", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("currency", String(3), nullable=False),
    *_figures(),
    Column("gmv_minor", BigInteger),
    rows=agreed("reports", owner="'RDIF'"),
)

fund_positions = table(
    "fund_positions",
    Column("quarter", Text, ForeignKey("fund_reports.quarter"), primary_key=True),
    Column("shareholder", Text, primary_key=True),
    Column("stake_bp", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
    *_figures(),
    rows=_OF_REPORT,
)
"""A shareholder's capital account; `stake_bp` is in basis points."""

fund_cash_flows = table(
    "fund_cash_flows",
    Column("quarter", Text, ForeignKey("fund_reports.quarter"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("shareholder", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    rows=_OF_REPORT,
)
"""Single payments; `kind` is CALL (by a shareholder) or DISTRIBUTION (to one)."""


def read_report(record: Any) -> Rows:
    """A quarter's rows. Raises `Unreadable` when its books are not consistent."""
    books = read_books(record)
    quarter = {"quarter": record["quarter"], "currency": books.manifest.currency}
    report = {"version": books.manifest.version, "published_at": books.manifest.published_at}
    sums = {f"{name}_minor": sum(account[name] for account in books.accounts) for name in FIGURES}
    positions = [_position(account) for account in books.accounts]
    flows = {"CALL": books.calls, "DISTRIBUTION": books.distributions}
    return {
        fund_reports: [{**quarter, **report, **sums, "gmv_minor": books.gmv}],
        fund_positions: [{**quarter, **position} for position in positions],
        fund_cash_flows: [
            {**quarter, "kind": kind, "number": number, **_flow(flow)}
            for kind, found in flows.items()
            for number, flow in enumerate(found, 1)
        ],
    }


def _position(account: Mapping[str, Any]) -> dict[str, Any]:
    figures = {f"{name}_minor": account[name] for name in FIGURES}
    return {"shareholder": account["shareholder"], "stake_bp": account["stake"], **figures}


def _flow(flow: Mapping[str, Any]) -> dict[str, Any]:
    return {"shareholder": flow["shareholder"], "day": flow["day"], "amount_minor": flow["amount"]}


reports = Dataset(
    "reports",
    pull_quarters,
    read_report,
    covers={"reports": "fund:reports"},
    children={fund_positions: "quarter", fund_cash_flows: "quarter"},
)


def _money(column: str, description: str) -> Any:
    """A field with an amount of a row that has its currency."""

    def amounts(rows: Sequence[Row], access: Access) -> list[Amount | None]:
        found = [(getattr(row, column), row.currency) for row in rows]
        return [None if minor is None else Amount(minor, currency) for minor, currency in found]

    return batch(amounts, needs=[column, "currency"], description=description)


def stakes(rows: Sequence[Row], access: Access) -> list[Decimal]:
    """Its part of the venture, in per cent."""
    return [Decimal(row.stake_bp).scaleb(-2) for row in rows]


def days(rows: Sequence[Row], access: Access) -> list[date]:
    """When it was paid."""
    return [date.fromisoformat(row.day) for row in rows]


@strawberry.type(directives=[requires("fund:reports")])
class FundPosition:
    """What one shareholder holds at the end of a quarter, and how it came to that."""

    shareholder: str
    stake: Decimal = batch(stakes, needs=["stake_bp"])
    commitment: Money = _money("commitment_minor", "What it has promised to pay in, in all.")
    contributions: Money = _money("contributions_minor", "What it paid in during the quarter.")
    distributions: Money = _money("distributions_minor", "What it was paid during the quarter.")
    gain: Money = _money("gain_minor", "What its part gained in value, below zero for a loss.")
    nav: Money = _money("nav_minor", "What its part is worth at the end of the quarter.")


@strawberry.type(directives=[requires("fund:reports")])
class FundCashFlow:
    """A payment between the fund and a shareholder."""

    shareholder: str
    day: date = batch(days, needs=["day"])
    amount: Money = _money("amount_minor", "How much was paid.")


async def report_positions(reports: Sequence[Row], access: Access) -> list[list[Row]]:
    """The shareholders, the largest first."""
    columns = access.columns(fund_positions, "FundPosition")
    order = (("stake_bp", True), ("shareholder", False))
    return await access.rows(fund_positions, "quarter", [r.quarter for r in reports], columns, order)


async def capital_calls(reports: Sequence[Row], access: Access) -> list[list[Row]]:
    """What the shareholders paid in during the quarter, payment by payment."""
    return await _flows(reports, access, "CALL")


async def distribution_payments(reports: Sequence[Row], access: Access) -> list[list[Row]]:
    """What the shareholders were paid during the quarter, payment by payment."""
    return await _flows(reports, access, "DISTRIBUTION")


async def _flows(reports: Sequence[Row], access: Access, kind: str) -> list[list[Row]]:
    columns = access.columns(fund_cash_flows, "FundCashFlow", "kind")
    quarters = [report.quarter for report in reports]
    found = await access.rows(fund_cash_flows, "quarter", quarters, columns, (("number", False),))
    return [[row for row in rows if row.kind == kind] for rows in found]


@strawberry.type(directives=[requires("fund:reports")])
class FundReport:
    """A quarter of the fund. A restated quarter has a higher version and replaces the one before."""

    quarter: str
    version: int
    published_at: DateTime
    commitments: Money = _money("commitment_minor", "What all shareholders have promised to pay in.")
    contributions: Money = _money("contributions_minor", "What they paid in during the quarter.")
    distributions: Money = _money("distributions_minor", "What they were paid during the quarter.")
    nav: Money = _money("nav_minor", "What the fund is worth at the end of the quarter.")
    gmv: Money | None = _money("gmv_minor", "The venture's sales of the quarter, as the fund was told them.")
    positions: list[FundPosition] = batch(report_positions, needs=["quarter"], list_size=10)
    capital_calls: list[FundCashFlow] = batch(capital_calls, needs=["quarter"], list_size=10)
    distribution_payments: list[FundCashFlow] = batch(distribution_payments, needs=["quarter"], list_size=10)


async def fund_report(parents: Sequence[Any], access: Access, *, quarter: str) -> list[Row | None]:
    """The fund's report of a quarter, such as 2017Q1; null where there is none that the caller may see."""
    if not QUARTER.fullmatch(quarter):
        raise FieldError("A quarter is a year and Q1 to Q4, as 2017Q1.", "BAD_USER_INPUT", argument="quarter")
    columns = access.columns(fund_reports, "FundReport", "quarter")
    found = await access.one(fund_reports, "quarter", [quarter], columns)
    return found * len(parents)


@strawberry.type
class FundQuery:
    """What the fund adds to the queries."""

    fund_report: FundReport | None = batch(fund_report, requires=requires("fund:reports"))
