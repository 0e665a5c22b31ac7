"""Fields: what one currency is worth in another on a day, by the rates of the Bank of Russia."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from typing import Any

import strawberry

from gateway.connector import ROUBLE, Access, FieldError, Wanted, batch, rates_in_force, requires

SOURCE = "CBR"

_CODE = re.compile("[A-Z]{3}")
_EXACT, _CROSS = Context(prec=28), Context(prec=12)


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


async def fx_rates(
    parents: Sequence[Any], access: Access, *, base: str, quote: str, on: date
) -> list[Rate | None]:
    """What one `base` cost in `quote` on a day; null where the bank had set no rate for 14 days.

    After the newest day that was pulled, its rate is given, and may yet be followed by another.
    """
    for name, code in (("base", base), ("quote", quote)):
        if not _CODE.fullmatch(code):
            raise FieldError("A currency is three capitals, as USD.", "BAD_USER_INPUT", argument=name)
    [found] = await rates_in_force([Wanted(base, quote, on)], access)
    if found is None:
        return [None] * len(parents)
    # Nominals are powers of ten, so that for roubles nothing is rounded.
    rate = (_EXACT if quote == ROUBLE else _CROSS).divide(found.paid, found.bought)
    return [Rate(base, quote, rate, on, found.effective_on)] * len(parents)


@strawberry.type
class RatesQuery:
    """What the bank adds to the queries."""

    fx_rate: FxRate | None = batch(fx_rates, requires=requires("cbr:rates"))
