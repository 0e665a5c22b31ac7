"""Tables: the fund's quarters, each version of them a report that is never changed again.

Two times: `quarter` says when the figures hold, `published_at` when the fund said them. What was known at some moment
are the reports published by then, of each quarter the highest version.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Text

from connectors.fund.statements import LINES
from gateway.connector import Instant, agreed, follows, table

FIGURES = ("commitment", "nav_begin", "contributions", "distributions", "gain", "nav")

_OF_REPORT = follows("fund_reports", "fund_reports.id = this.report")


def _minor(*names: str) -> list[Column[Any]]:
    return [Column(f"{name}_minor", BigInteger, nullable=False) for name in names]


def _report() -> Column[Any]:
    return Column("report", Text, ForeignKey("fund_reports.id"), primary_key=True)


fund_reports = table(
    "fund_reports",
    Column("id", Text, primary_key=True),
    Column("quarter", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("currency", String(3), nullable=False),
    *_minor(*FIGURES),
    Column("gmv_minor", BigInteger),
    Index("ix_fund_reports_quarter", "quarter", "version"),
    rows=agreed("reports", owner="'RDIF'"),
)
"""`id` is `<quarter>/<version>`."""

fund_positions = table(
    "fund_positions",
    _report(),
    Column("shareholder", Text, primary_key=True),
    Column("stake_bp", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
    *_minor(*FIGURES),
    rows=_OF_REPORT,
)
"""A shareholder's part of the quarter; `stake_bp` is in basis points."""

fund_statements = table(
    "fund_statements",
    _report(),
    Column("shareholder", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("currency", String(3), nullable=False),
    *_minor(*LINES),
    rows=_OF_REPORT,
)
"""A shareholder's capital account over a `period`: QTD, YTD or ITD."""

fund_cash_flows = table(
    "fund_cash_flows",
    _report(),
    Column("kind", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("shareholder", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    rows=_OF_REPORT,
)
"""Single payments; `kind` is CALL (by a shareholder) or DISTRIBUTION (to one)."""

fund_kpis = table(
    "fund_kpis",
    _report(),
    Column("name", Text, primary_key=True),
    Column("definition", Integer, nullable=False),
    Column("value", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("rates_source", Text),
    Column("rates_on", Text),
    rows=_OF_REPORT,
)
"""The venture's figures; `value` is an exact decimal, `rates_…` whose rates of which day it was converted at."""
