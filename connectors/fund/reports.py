"""Reports: each version of a quarter's books as rows, which stay when the next version comes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.fund.books import Books, read_books
from connectors.fund.drop import pull_quarters
from connectors.fund.statements import LINES
from connectors.fund.tables import (
    FIGURES,
    fund_cash_flows,
    fund_kpis,
    fund_positions,
    fund_reports,
    fund_statements,
)
from gateway.connector import Dataset, Rows


def read_report(record: Any) -> Rows:
    """The rows of a quarter's version. Raises `Unreadable` when its books are not consistent."""
    books = read_books(record)
    quarter, currency = record["quarter"], books.manifest.currency
    report = {"report": f"{quarter}/{books.manifest.version}"}
    priced = {**report, "currency": currency}
    return {
        fund_reports: [_report(report["report"], quarter, books)],
        fund_positions: [{**priced, **_position(account)} for account in books.accounts],
        fund_statements: [
            {**priced, "shareholder": each["shareholder"], "period": each["period"], **_minor(each, LINES)}
            for each in books.statements
        ],
        fund_cash_flows: [
            {**priced, "kind": kind, "number": number, **_flow(flow)}
            for kind, found in (("CALL", books.calls), ("DISTRIBUTION", books.distributions))
            for number, flow in enumerate(found, 1)
        ],
        fund_kpis: [{**report, **kpi} for kpi in books.kpis],
    }


def _report(identity: str, quarter: str, books: Books) -> dict[str, Any]:
    manifest = books.manifest
    sums = {name: sum(account[name] for account in books.accounts) for name in FIGURES}
    return {
        "id": identity,
        "quarter": quarter,
        "version": manifest.version,
        "published_at": manifest.published_at,
        "currency": manifest.currency,
        **_minor(sums, FIGURES),
        "gmv_minor": books.gmv,
    }


def _minor(figures: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {f"{name}_minor": figures[name] for name in names}


def _position(account: Mapping[str, Any]) -> dict[str, Any]:
    known = {"shareholder": account["shareholder"], "stake_bp": account["stake"]}
    return {**known, **_minor(account, FIGURES)}


def _flow(flow: Mapping[str, Any]) -> dict[str, Any]:
    return {"shareholder": flow["shareholder"], "day": flow["day"], "amount_minor": flow["amount"]}


reports = Dataset(
    "reports",
    pull_quarters,
    read_report,
    covers={"reports": "fund:reports"},
    children=dict.fromkeys((fund_positions, fund_statements, fund_cash_flows, fund_kpis), "report"),
)
