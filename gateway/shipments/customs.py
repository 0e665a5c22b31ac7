"""Customs: whether duty is due for a parcel, by the limit that held when it came in.

A limit per month holds for all that a person gets in it, so that a parcel above it is dutiable for certain, and one
below it is free only as far as this parcel goes.

Documented: the limits are of euros, and a price in another currency is compared at the central bank's rate that is in
force on the day of the declaration. Modelled: that is the day on which the parcel came to customs, as carriers do not
tell of declarations; and the bank is that of Russia for all members of the union.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

import strawberry
from sqlalchemy import func, select

from gateway.access.request import Access
from gateway.access.scopes import requires
from gateway.clients.orders import Amount, Money
from gateway.clients.rates import Quotient, Wanted, rates_in_force
from gateway.engine.batch import batch
from gateway.shipments.limits import MEMBERS, DutyPeriod, Limit, limit_on
from gateway.shipments.parcels import tracking_events, trackings
from gateway.store.queries import Query, Row, as_keys, keys

MOSCOW = ZoneInfo("Europe/Moscow")
EURO = "EUR"


@strawberry.enum
class Duty(StrEnum):
    """Whether customs ask duty for a parcel."""

    DUE = "DUE"
    FREE = "FREE"
    UNKNOWN = "UNKNOWN"


def limit_values(limits: Sequence[Limit], access: Access) -> list[Amount]:
    """The price of the goods up to which no duty is asked."""
    return [Amount(limit.euro_cents, EURO) for limit in limits]


def least_duties(limits: Sequence[Limit], access: Access) -> list[Amount]:
    """The least that is asked for a kilogram above the limit."""
    return [Amount(limit.per_kilogram, EURO) for limit in limits]


@strawberry.type(directives=[requires("clients:read")])
class CustomsLimit:
    """Up to where a person's parcel is free of duty; above it, a part of the excess is asked."""

    since: date
    until: date | None = strawberry.field(description="The last day; null where it still holds.")
    value: Money = batch(limit_values)
    grams: int
    per: DutyPeriod
    percent: int = strawberry.field(description="Of the excess value.")
    least_per_kilogram: Money = batch(least_duties)
    source: str = strawberry.field(description="The act that says so.")


@strawberry.type(directives=[requires("clients:read")])
class Customs:
    """What customs ask for a parcel."""

    duty: Duty
    reason: str = strawberry.field(description="Why, in a sentence.")
    entered_on: date = strawberry.field(
        description="When it came to customs, by Moscow's clock; when it was sent, as long as it has not."
    )
    limit: CustomsLimit = strawberry.field(description="The limit that held on that day.")


async def customs(rows: Sequence[Row], access: Access) -> list[Customs | None]:
    """Whether duty is due, and by which limit; null where no limit is known, as outside the Eurasian Economic Union.

    A price in another currency is compared in euros, over roubles, at the Bank of Russia's rates in force on that day;
    your token must be good for the rates.
    """
    entries = dict(await access.fetch(_entries(), keys=as_keys([row.id for row in rows])))
    weights = await weights_of(rows, access)
    days = [_entered(row, entries.get(row.id)) for row in rows]
    rates = await _rates(rows, days, access)
    return [
        None if day is None else _assessed(row, grams, day, rates.get(Wanted(row.currency, EURO, day)))
        for row, grams, day in zip(rows, weights, days, strict=True)
    ]


async def _rates(
    rows: Sequence[Row], days: Sequence[date | None], access: Access
) -> dict[Wanted, Quotient | None]:
    """What other currencies than the euro cost in it on the days on which parcels with such prices came."""
    wanted = {
        Wanted(row.currency, EURO, day)
        for row, day in zip(rows, days, strict=True)
        if day is not None and row.currency not in (None, EURO)
    }
    return dict(zip(wanted, await rates_in_force([*wanted], access), strict=True))


async def weights_of(rows: Sequence[Row], access: Access) -> list[int | None]:
    """In grams: as the marketplace says, and where it does not, as the carriers weighed."""
    weighed = dict(await access.fetch(_weights(), keys=as_keys([row.id for row in rows])))
    return [row.weight_grams or weighed.get(row.id) for row in rows]


@cache
def _entries() -> Query:
    events = tracking_events.c
    entered = events.milestone.in_(("IMPORTED", "CUSTOMS_ENTERED", "CUSTOMS_CLEARED"))
    level = select(keys().c.value)
    return Query(
        select(events.shipment_id, func.min(events.occurred_at).label("entered_at"))
        .where(events.shipment_id.in_(level), entered)
        .group_by(events.shipment_id)
    )


@cache
def _weights() -> Query:
    level = select(keys().c.value)
    return Query(
        select(trackings.c.shipment_id, func.max(trackings.c.weight_grams).label("grams"))
        .where(trackings.c.shipment_id.in_(level))
        .group_by(trackings.c.shipment_id)
    )


def _entered(row: Row, entered_at: str | None) -> date | None:
    """The day whose limit and rates hold; None of a parcel that is none of the union's customs'."""
    moment = entered_at or row.shipped_at
    if row.destination not in MEMBERS or not moment:
        return None
    return datetime.fromisoformat(moment).astimezone(MOSCOW).date()


def _assessed(row: Row, grams: int | None, day: date, rate: Quotient | None) -> Customs | None:
    limit = limit_on(day)
    if limit is None:
        return None
    duty, reason = _judged(limit, _euro_cents(row, rate), grams)
    if duty is Duty.UNKNOWN and row.currency not in (None, EURO) and rate is None:
        reason = f"Its price is in {row.currency}, and there is no rate to euros that day that you may read."
    return Customs(duty=duty, reason=reason, entered_on=day, limit=limit)  # type: ignore[arg-type]


def _euro_cents(row: Row, rate: Quotient | None) -> Fraction | None:
    """The price in cents of euros, exact: whether it is above a limit must not hang on how it is rounded."""
    if row.currency == EURO:
        return Fraction(row.value_minor)
    return None if rate is None else rate.of(row.value_minor)


def _judged(limit: Limit, euro_cents: Fraction | None, grams: int | None) -> tuple[Duty, str]:
    """The verdict on a parcel of this value and weight, each None where it is not known."""
    if grams is not None and grams > limit.grams:
        return Duty.DUE, f"It weighs more than {limit.grams // 1000} kg."
    if euro_cents is None:
        return Duty.UNKNOWN, "What it is worth in euros is not known."
    if euro_cents > limit.euro_cents:
        return Duty.DUE, f"It is worth more than {limit.euro_cents // 100} EUR."
    if grams is None:
        return Duty.UNKNOWN, "What it weighs is not known."
    if limit.per is DutyPeriod.MONTH:
        return Duty.FREE, "It is below the limit, in which the person's other parcels of the month count too."
    return Duty.FREE, "It is below the limit."
