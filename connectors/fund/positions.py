"""Positions: what each shareholder holds, and its capital account over quarter, year and life of the fund."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any

import strawberry
from sqlalchemy import bindparam, select

from connectors.fund.multiples import FundMultiples, Multiples, of_positions
from connectors.fund.tables import fund_positions, fund_statements
from gateway.connector import Access, Amount, Money, Query, Row, as_keys, batch, keys, requires


def money(column: str, description: str) -> Any:
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


@strawberry.enum
class FundPeriod(StrEnum):
    """What a capital account is over: the quarter, the year to its end, or all the time since the fund began."""

    QTD = "QTD"
    YTD = "YTD"
    ITD = "ITD"


@strawberry.type(directives=[requires("fund:reports")])
class CapitalAccount:
    """A shareholder's capital account over a period, in the lines of ILPA's reporting template.

    What it began with, with all that came in and without all that went out, is its ending NAV.
    """

    nav_begin: Money = money("nav_begin_minor", "What the part was worth when the period began.")
    contributions: Money = money("contributions_minor", "What was paid in.")
    distributions: Money = money("distributions_minor", "What was paid out.")
    management_fees: Money = money("management_fees_minor", "The manager's fees, before offsets.")
    fee_offsets: Money = money("fee_offsets_minor", "What of the fees was waived or set off.")
    partnership_expenses: Money = money("partnership_expenses_minor", "The fund's own expenses.")
    facility_costs: Money = money("facility_costs_minor", "Interest and fees of its credit lines.")
    realised_gain: Money = money("realised_gain_minor", "Gain of what was sold, below zero for a loss.")
    unrealised_gain: Money = money("unrealised_gain_minor", "Change in value of what is still held.")
    incentive_allocation: Money = money("incentive_allocation_minor", "The manager's share of the gain.")
    nav: Money = money("nav_minor", "What the part is worth when the period ends.")


@cache
def _statements(columns: tuple[str, ...]) -> Query:
    found = fund_statements.c
    return Query(
        select(found.report, found.shareholder, *(found[name] for name in columns))
        .where(found.report.in_(select(keys().c.value)))
        .where(found.period == bindparam("period"))
    )


async def capital_accounts(
    positions: Sequence[Row], access: Access, *, period: FundPeriod
) -> list[Row | None]:
    """Its capital account; null where the fund gave none."""
    columns = access.columns(fund_statements, "CapitalAccount")
    return await _accounts(positions, access, period, columns)


async def position_multiples(positions: Sequence[Row], access: Access) -> list[Multiples | None]:
    """What its money has become since inception; null where the fund gave no statement, or nothing was paid in."""
    columns = ("contributions_minor", "distributions_minor", "nav_minor")
    return of_positions(positions, await _accounts(positions, access, FundPeriod.ITD, columns))


async def _accounts(
    positions: Sequence[Row], access: Access, period: FundPeriod, columns: tuple[str, ...]
) -> list[Row | None]:
    reports = as_keys(sorted({each.report for each in positions}))
    found = await access.fetch(_statements(columns), keys=reports, period=period)
    by_key = {(row[0], row[1]): row for row in found}
    return [by_key.get((each.report, each.shareholder)) for each in positions]


@strawberry.type(directives=[requires("fund:reports")])
class FundPosition:
    """What one shareholder holds at the end of a quarter, and how it came to that."""

    shareholder: str
    stake: Decimal = batch(stakes, needs=["stake_bp"])
    commitment: Money = money("commitment_minor", "What it has promised to pay in, in all.")
    contributions: Money = money("contributions_minor", "What it paid in during the quarter.")
    distributions: Money = money("distributions_minor", "What it was paid during the quarter.")
    gain: Money = money("gain_minor", "What its part gained in value, below zero for a loss.")
    nav: Money = money("nav_minor", "What its part is worth at the end of the quarter.")
    capital_account: CapitalAccount | None = batch(capital_accounts, needs=["report", "shareholder"])
    multiples: FundMultiples | None = batch(
        position_multiples, needs=["report", "shareholder", "commitment_minor"]
    )


@strawberry.type(directives=[requires("fund:reports")])
class FundCashFlow:
    """A payment between the fund and a shareholder."""

    shareholder: str
    day: date = batch(days, needs=["day"])
    amount: Money = money("amount_minor", "How much was paid.")


async def report_positions(reports: Sequence[Row], access: Access) -> list[list[Row]]:
    """The shareholders, the largest first."""
    columns = access.columns(fund_positions, "FundPosition")
    order = (("stake_bp", True), ("shareholder", False))
    return await access.rows(fund_positions, "report", [each.id for each in reports], columns, order)
