"""Figures: the venture's KPIs in the graph, with all that one must know to compare two of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import cache

import strawberry
from sqlalchemy import exists, select

from connectors.fund.kpis import DEFINITIONS
from connectors.fund.tables import fund_kpis, fund_reports
from gateway.connector import Access, Query, Row, as_keys, batch, keys, requires


def values(rows: Sequence[Row], access: Access) -> list[Decimal]:
    """The figure, exact."""
    return [Decimal(row.value) for row in rows]


def meanings(rows: Sequence[Row], access: Access) -> list[str | None]:
    """The definition in words; null for one that the gateway does not know."""
    return [DEFINITIONS.get((row.name, row.definition)) for row in rows]


def rates_days(rows: Sequence[Row], access: Access) -> list[date | None]:
    """The day of these rates."""
    return [date.fromisoformat(row.rates_on) if row.rates_on else None for row in rows]


def restatements(rows: Sequence[Row], access: Access) -> list[bool]:
    """Whether an earlier version of the quarter gave another figure, or the same under another definition."""
    return [bool(row.restated) for row in rows]


@strawberry.type(directives=[requires("fund:reports")])
class FundKpi:
    """A figure of the venture's quarter, as the fund was told it."""

    name: str
    definition: int = strawberry.field(description="The version of what the name means.")
    meaning: str | None = batch(meanings, needs=["name", "definition"])
    value: Decimal = batch(values, needs=["value"])
    unit: str = strawberry.field(description="A currency (ISO 4217), or count, percent or days.")
    zone: str = strawberry.field(description="The time zone whose days make the quarter.")
    rates_source: str | None = strawberry.field(
        description="Whose exchange rates were used; null where there was nothing to convert."
    )
    rates_on: date | None = batch(rates_days, needs=["rates_on"])
    restated: bool = batch(restatements, needs=["restated"])


@cache
def _kpis() -> Query:
    report, earlier = fund_reports, fund_reports.alias("earlier")
    kpi, before = fund_kpis, fund_kpis.alias("before")
    # Values are texts of one form, so that a difference of texts is one of numbers.
    differs = (before.c.value != kpi.c.value) | (before.c.definition != kpi.c.definition)
    restated = exists(
        select(earlier.c.id)
        .join(before, before.c.report == earlier.c.id)
        .where(earlier.c.quarter == report.c.quarter, earlier.c.version < report.c.version)
        .where(before.c.name == kpi.c.name, differs)
        .correlate(report, kpi)
    )
    names = ("name", "definition", "value", "unit", "zone", "rates_source", "rates_on")
    return Query(
        select(kpi.c.report, *(kpi.c[name] for name in names), restated.label("restated"))
        .join(report, report.c.id == kpi.c.report)
        .where(kpi.c.report.in_(select(keys().c.value)))
        .order_by(kpi.c.report, kpi.c.name)
    )


async def report_kpis(reports: Sequence[Row], access: Access) -> list[list[Row]]:
    """The venture's figures of the quarter, by name."""
    found = await access.fetch(_kpis(), keys=as_keys([each.id for each in reports]))
    return [[row for row in found if row.report == each.id] for each in reports]
