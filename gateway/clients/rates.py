"""Rates: what currencies cost in roubles, day by day, and so what one is worth in another.

A rate has no row for days on which none was set: it stays in force until the next one, over Sundays and holidays, and
`LONGEST` at most. Between two currencies other than the rouble it is that of their prices of one and the same day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from sqlalchemy import Column, Integer, String, Text, bindparam, select

from gateway.access.request import Access
from gateway.access.rules import agreed
from gateway.store.queries import Query, Row, as_keys, keys
from gateway.store.tables import table

ROUBLE = "RUB"

LONGEST = timedelta(days=14)
"""A rate is in force for so long at most: the New Year's holidays are the longest time without a new one."""

exchange_rates = table(
    "exchange_rates",
    Column("currency", String(3), primary_key=True),
    Column("effective_on", Text, primary_key=True),
    Column("nominal", Integer, nullable=False),
    Column("roubles", Text, nullable=False),
    rows=agreed("rates", owner="'CBR'"),
)
"""`nominal` units of `currency` are `roubles`, an exact decimal, from the day on until another rate is in force.

A connector writes it, for the Bank of Russia, whose rates they are.
"""


class Wanted(NamedTuple):
    """A rate that is asked for: what one `base` costs in `quote` on a day."""

    base: str
    quote: str
    on: date

    @property
    def foreign(self) -> set[str]:
        """The currencies that must have a price in roubles for it."""
        return {self.base, self.quote} - {ROUBLE}


@dataclass(frozen=True, slots=True)
class Quotient:
    """A rate in force since a day: `paid` units of the one currency are `bought` units of the other, both exact."""

    effective_on: date
    paid: Decimal
    bought: Decimal

    def of(self, minor: int) -> Fraction:
        """So many minor units of the base in those of the quote, exact."""
        return minor * Fraction(self.paid) / Fraction(self.bought)


async def rates_in_force(wanted: Sequence[Wanted], access: Access) -> list[Quotient | None]:
    """The rates that are asked for, by one statement; None where the caller may read none of the 14 days before."""
    days = [each.on for each in wanted] or [date.min]
    span = {"since": _back(min(days), LONGEST.days), "until": max(days).isoformat()}
    currencies = as_keys(sorted({code for each in wanted for code in each.foreign}))
    prices: dict[str, dict[str, Row]] = {}
    for row in await access.fetch(_prices(), currencies=currencies, **span):
        prices.setdefault(row.currency, {})[row.effective_on] = row
    return [_rate(prices, each) for each in wanted]


@cache
def _prices() -> Query:
    rates = exchange_rates.c
    return Query(
        select(rates.currency, rates.effective_on, rates.nominal, rates.roubles)
        .where(rates.currency.in_(select(keys("currencies").c.value)))
        .where(rates.effective_on >= bindparam("since"), rates.effective_on <= bindparam("until"))
    )


def _back(on: date, days: int) -> str:
    """The day so many days before; there is none before the first."""
    return date.fromordinal(max(on.toordinal() - days, 1)).isoformat()


def _rate(prices: Mapping[str, Mapping[str, Row]], wanted: Wanted) -> Quotient | None:
    """Roubles for one unit of the base over roubles for one of the quote."""
    needed = [prices.get(code, {}) for code in wanted.foreign]
    # Two prices of different days make a rate of neither.
    before = (_back(wanted.on, days) for days in range(LONGEST.days + 1))
    newest = next((day for day in before if needed and all(day in each for each in needed)), None)
    if newest is None:
        return None
    (paid, bought), (cost, units) = (
        _roubles(prices[code][newest] if code in wanted.foreign else None)
        for code in (wanted.base, wanted.quote)
    )
    return Quotient(date.fromisoformat(newest), paid * units, bought * cost)


def _roubles(price: Row | None) -> tuple[Decimal, Decimal]:
    """Roubles, and how many units they buy; a rouble itself has no price."""
    return (Decimal(1), Decimal(1)) if price is None else (Decimal(price.roubles), Decimal(price.nominal))
