"""Statements: each shareholder's capital account in the lines of ILPA's reporting template.

Modelled: ILPA's exact names of lines were not at hand. A sheet has each shareholder three times, over the
quarter (QTD), the year (YTD) and since inception (ITD), and what comes in and goes out in a period makes its
ending NAV of the one that it began with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.fund.sheets import Columns, amount, shareholder
from gateway.connector import Unreadable

PERIODS = ("QTD", "YTD", "ITD")

ADDED = ("nav_begin", "contributions", "fee_offsets", "realised_gain", "unrealised_gain")
TAKEN = (
    "distributions",
    "management_fees",
    "partnership_expenses",
    "facility_costs",
    "incentive_allocation",
)
LINES = (
    "nav_begin",
    "contributions",
    "distributions",
    "management_fees",
    "fee_offsets",
    "partnership_expenses",
    "facility_costs",
    "realised_gain",
    "unrealised_gain",
    "incentive_allocation",
    "nav",
)
SAME = ("nav_begin", "contributions", "distributions", "nav")
"""What the quarter's statement has in common with the capital account."""

Rows = Sequence[Mapping[str, Any]]


def period(text: str) -> str:
    """One of `PERIODS`."""
    if text not in PERIODS:
        raise ValueError
    return text


STATEMENT: Columns = {"shareholder": shareholder, "period": period, **dict.fromkeys(LINES, amount)}


def ending(lines: Mapping[str, int]) -> int:
    """The NAV that follows from a period's other lines."""
    return sum(lines[name] for name in ADDED) - sum(lines[name] for name in TAKEN)


def check_statements(statements: Rows, accounts: Rows) -> None:
    """Raises `Unreadable` for the first thing in which statements and capital accounts do not agree."""
    by_key = {(each["shareholder"], each["period"]): each for each in statements}
    wanted = {(account["shareholder"], period) for account in accounts for period in PERIODS}
    if len(by_key) != len(statements) or by_key.keys() != wanted:
        raise Unreadable("the statements are not each shareholder's three")
    for (holder, over), lines in by_key.items():
        if ending(lines) != lines["nav"]:
            raise Unreadable(f"the {over} statement of {holder} does not add up to its nav")
    for account in accounts:
        quarter, year, inception = (by_key[account["shareholder"], each] for each in PERIODS)
        if any(quarter[name] != account[name] for name in SAME):
            raise Unreadable(f"the QTD statement of {account['shareholder']} is not its capital account")
        if not year["nav"] == inception["nav"] == quarter["nav"] or inception["nav_begin"]:
            raise Unreadable(f"the statements of {account['shareholder']} do not meet")
