"""Books: a quarter of the fund as its files say it, taken only when files and sums agree.

Amounts in the files are decimals of the manifest's currency; here they are minor units. Books are consistent
when each file has the size, SHA-256 and rows that the manifest says; the stakes are the contract's; every
shareholder's NAV is the former one with contributions, distributions and gain; the shareholders' figures add
up to the fund's; and the single calls and distributions to each shareholder's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.fund.kpis import KPI, check_kpis, sales
from connectors.fund.manifest import TOTALS, Manifest, read_manifest
from connectors.fund.sheets import Columns, amount, day, read_sheet, shareholder
from connectors.fund.statements import STATEMENT, check_statements
from gateway.connector import Unreadable

STAKES: Mapping[str, int] = {"ALIBABA": 4800, "MEGAFON": 2400, "MAILRU": 1500, "RDIF": 1300}
"""The contract's, in basis points."""

ACCOUNT: Columns = {
    "shareholder": shareholder,
    "stake": amount,
    "commitment": amount,
    "nav_begin": amount,
    "contributions": amount,
    "distributions": amount,
    "gain": amount,
    "nav": amount,
}
FLOW: Columns = {"shareholder": shareholder, "day": day, "amount": amount}

SHEETS: Mapping[str, Columns] = {
    "capital_account.csv": ACCOUNT,
    "capital_calls.csv": FLOW,
    "distributions.csv": FLOW,
    "statements.csv": STATEMENT,
    "kpis.csv": KPI,
}
OPTIONAL = ("statements.csv", "kpis.csv")

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Books:
    """A quarter's books; `totals` are the fund's, `gmv` its sales, None where they are not given.

    Statements and KPIs are empty where the quarter has none.
    """

    manifest: Manifest
    accounts: Rows
    calls: Rows
    distributions: Rows
    statements: Rows
    kpis: Rows
    totals: Mapping[str, int]
    gmv: int | None


def read_books(record: Mapping[str, Any]) -> Books:
    """The books in a quarter's record. Raises `Unreadable` for the first thing in which they do not agree."""
    manifest = read_manifest(record)
    if record.get("altered"):
        raise Unreadable("this version was published before, and was not the same")
    accounts, calls, distributions, statements, kpis = (_sheet(record, manifest, name) for name in SHEETS)
    _check_accounts(accounts)
    totals = {name: sum(account[name] for account in accounts) for name in TOTALS}
    for name, total in totals.items():
        if _decimal(manifest.totals[name], name) != total:
            raise Unreadable(f"the shareholders' {name} does not add up to the fund's")
    _check_flows(accounts, "contributions", calls)
    _check_flows(accounts, "distributions", distributions)
    if "statements.csv" in manifest.rows:
        check_statements(statements, accounts)
    check_kpis(kpis)
    gmv = sales(kpis, manifest.currency)
    return Books(manifest, accounts, calls, distributions, statements, kpis, totals, gmv)


def _sheet(record: Mapping[str, Any], manifest: Manifest, name: str) -> Rows:
    if name not in manifest.rows:
        if name in OPTIONAL:
            return []
        raise Unreadable(f"the manifest does not list {name}")
    return read_sheet(name, record["files"][name]["text"], SHEETS[name], manifest.rows[name])


def _decimal(text: str, name: str) -> int:
    try:
        return amount(text)
    except ValueError:
        raise Unreadable(f"the fund's {name} in the manifest is not an amount") from None


def _check_accounts(accounts: Rows) -> None:
    stakes = {account["shareholder"]: account["stake"] for account in accounts}
    if len(stakes) != len(accounts) or stakes != STAKES:
        raise Unreadable("the shareholders and their stakes are not the contract's")
    for account in accounts:
        added = account["contributions"] - account["distributions"] + account["gain"]
        if account["nav_begin"] + added != account["nav"]:
            raise Unreadable(f"the nav of {account['shareholder']} does not follow from the one before")


def _check_flows(accounts: Rows, name: str, flows: Rows) -> None:
    sums: Counter[str] = Counter()
    for flow in flows:
        sums[flow["shareholder"]] += flow["amount"]
    if dict(sums) != {account["shareholder"]: account[name] for account in accounts if account[name]}:
        raise Unreadable(f"the single {name} do not add up to the shareholders'")
