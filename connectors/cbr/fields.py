"""Fields: what one currency is worth in another on a day, by the rates of the Bank of Russia."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal
from functools import cache
from typing import Any

import strawberry
from sqlalchemy import bindparam, select

from connectors.cbr.rates import cbr_rates
from gateway.connector import Access, FieldError, Query, Row, as_keys, batch, keys, requires

ROUBLE = "RUB"
SOURCE = "CBR"

LONGEST = timedelta(days=14)
"""A rate is in force for so long at most: the New Year's holidays are the longest time without a new one."""

_CODE = re.compile("[A-Z]{3}")
_CROSS = Context(prec=12)


@dataclass(frozen=True, slots=True)
class Rate:
    """The values behind an `FxRate`."""

    base: str
    quote: str
    rate: Decimal
    requested_on: date
    effective_on: date
    source: str = SOURCE


@strawberry.type(directives=[requires("cbr:rates")])
class FxRate:
    """An exchange rate as the Bank of Russia set it: so many `quote` are one `base`.

    Exact for roubles; between two others it is computed over the rouble from rates of one day, to 12 digits.
    """

    base: str = strawberry.field(description="ISO 4217.")
    quote: str = strawberry.field(description="ISO 4217.")
    rate: Decimal
    requested_on: date
    effective_on: date = strawberry.field(
        description="The day it is in force since; earlier than requested over Sundays and holidays."
    )
    source: str = strawberry.field(description="Who set it.")


@cache
def _prices() -> Query:
    found = cbr_rates.c
    return Query(
        select(found.currency, found.effective_on, found.nominal, found.roubles)
        .where(found.currency.in_(select(keys().c.value)))
        .where(found.effective_on <= bindparam("on"), found.effective_on >= bindparam("since"))
        .order_by(found.effective_on.desc())
    )


async def fx_rates(
    parents: Sequence[Any], access: Access, *, base: str, quote: str, on: date
) -> list[Rate | None]:
    """What one `base` cost in `quote` on a day; null where the bank had set no rate for 14 days.

    After the newest day that was pulled, its rate is given, and may yet be followed by another.
    """
    for name, code in (("base", base), ("quote", quote)):
        if not _CODE.fullmatch(code):
            raise FieldError("A currency is three capitals, as USD.", "BAD_USER_INPUT", argument=name)
    since = max(on, date.min + LONGEST) - LONGEST
    currencies = as_keys(sorted({base, quote} - {ROUBLE}))
    found = await access.fetch(_prices(), keys=currencies, on=on.isoformat(), since=since.isoformat())
    day = _newest(found, {base, quote} - {ROUBLE})
    if day is None:
        return [None] * len(parents)
    prices = {row.currency: row for row in found if row.effective_on == day}
    rate = _rate(prices, base, quote)
    return [Rate(base, quote, rate, on, date.fromisoformat(day))] * len(parents)


def _newest(rows: Sequence[Row], needed: set[str]) -> str | None:
    """The newest day on which all the currencies have a rate: two of different days make no rate of either."""
    days: dict[str, set[str]] = {}
    for row in rows:
        days.setdefault(row.effective_on, set()).add(row.currency)
    return max((day for day, present in days.items() if present >= needed), default=None)


def _rate(prices: Mapping[str, Row], base: str, quote: str) -> Decimal:
    """Roubles for one `base` over roubles for one `quote`."""
    above, below = _roubles(prices, base), _roubles(prices, quote)
    (paid, bought), (cost, units) = above, below
    if quote == ROUBLE:
        # Nominals are powers of ten, so that nothing is rounded.
        return paid / bought
    return _CROSS.divide(paid * units, bought * cost)


def _roubles(prices: Mapping[str, Row], currency: str) -> tuple[Decimal, Decimal]:
    """Roubles, and how many units they buy."""
    if currency == ROUBLE:
        return Decimal(1), Decimal(1)
    return Decimal(prices[currency].roubles), Decimal(prices[currency].nominal)


@strawberry.type
class RatesQuery:
    """What the bank adds to the queries."""

    fx_rate: FxRate | None = batch(fx_rates, requires=requires("cbr:rates"))
