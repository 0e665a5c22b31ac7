"""Corridors: how many parcels go which way, and how long each leg of it takes.

Everything is counted in SQL, over the parcels that the caller may see one by one; so nothing needs to be withheld here
that is not withheld there. A leg ends where a parcel first reached one of its ends, and counts once it did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

import strawberry
from sqlalchemy import Subquery, and_, bindparam, case, func, literal, select, union_all

from gateway.access.request import Access
from gateway.access.scopes import requires
from gateway.clients.scalars import DateTime
from gateway.engine.weights import list_size
from gateway.shipments.parcels import shipments, tracking_events
from gateway.store.queries import Query, Row

EUROPE = (
    *("AD", "AL", "AT", "BA", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR"),
    *("HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL", "NO", "PL"),
    *("PT", "RO", "RS", "SE", "SI", "SK", "SM", "UA", "VA"),
)
"""Countries of Europe other than Russia and Belarus, whose customs are Russia's."""


@strawberry.enum
class CorridorRoute(Enum):
    """Which way parcels go."""

    CHINA_RUSSIA = strawberry.enum_value("CHINA_RUSSIA", description="From China to Russia.")
    CHINA_RUSSIA_EUROPE = strawberry.enum_value(
        "CHINA_RUSSIA_EUROPE", description="From China through Russia to another country of Europe."
    )


@strawberry.enum
class LegName(Enum):
    """A part of the way, from the first milestone that is named to the first of the others."""

    FIRST_MILE = strawberry.enum_value("FIRST_MILE", description="ACCEPTED to EXPORTED.")
    LINE_HAUL = strawberry.enum_value("LINE_HAUL", description="EXPORTED to IMPORTED or TRANSIT_ARRIVED.")
    TRANSIT = strawberry.enum_value("TRANSIT", description="TRANSIT_ARRIVED to TRANSIT_DEPARTED.")
    ONWARD = strawberry.enum_value("ONWARD", description="TRANSIT_DEPARTED to IMPORTED.")
    CUSTOMS = strawberry.enum_value("CUSTOMS", description="IMPORTED to CUSTOMS_CLEARED.")
    LAST_MILE = strawberry.enum_value(
        "LAST_MILE", description="CUSTOMS_CLEARED to AT_PICKUP_POINT or DELIVERED."
    )
    WHOLE = strawberry.enum_value("WHOLE", description="ACCEPTED to DELIVERED.")


ENDS: Mapping[LegName, tuple[str, tuple[str, ...]]] = {
    LegName.FIRST_MILE: ("ACCEPTED", ("EXPORTED",)),
    LegName.LINE_HAUL: ("EXPORTED", ("IMPORTED", "TRANSIT_ARRIVED")),
    LegName.TRANSIT: ("TRANSIT_ARRIVED", ("TRANSIT_DEPARTED",)),
    LegName.ONWARD: ("TRANSIT_DEPARTED", ("IMPORTED",)),
    LegName.CUSTOMS: ("IMPORTED", ("CUSTOMS_CLEARED",)),
    LegName.LAST_MILE: ("CUSTOMS_CLEARED", ("AT_PICKUP_POINT", "DELIVERED")),
    LegName.WHOLE: ("ACCEPTED", ("DELIVERED",)),
}
"""Where a leg begins, and where it ends."""


@strawberry.type(directives=[requires("clients:read")])
class CorridorLeg:
    """How long a part of the way takes, in days."""

    leg: LegName
    volume: int = strawberry.field(description="Parcels that have it behind them.")
    median: float
    percentile90: float = strawberry.field(description="What nine of ten do not exceed.")


@strawberry.type(directives=[requires("clients:read")])
class Corridor:
    """A way that parcels go."""

    route: CorridorRoute
    volume: int = strawberry.field(description="Parcels that went, or are, this way.")
    legs: list[CorridorLeg] = strawberry.field(
        description="The parts of the way that a parcel has behind it.", directives=[list_size(7)]
    )


class _Place(NamedTuple):
    """Where a leg stands among the others."""

    leg: LegName
    begin: str
    end: str


_PLACES = [_Place(leg, f"begin_{number}", f"end_{number}") for number, leg in enumerate(ENDS)]


async def corridors(
    roots: Sequence[None],
    access: Access,
    *,
    shipped_after: DateTime | None = None,
    shipped_before: DateTime | None = None,
) -> list[list[Corridor]]:
    """How many parcels went which way, and how long they took: of those sent in a period, as far as the caller sees."""
    period = {"after": shipped_after or "", "before": shipped_before or "~"}
    volumes = await access.fetch(_volumes(), **period)
    legs = await access.fetch(_legs(), **period) if "legs" in access.asked.get("Corridor", ()) else []
    found = [Corridor(route=row.route, volume=row.volume, legs=_of_route(legs, row.route)) for row in volumes]
    return [found for _ in roots]


def _of_route(rows: Sequence[Row], route: str) -> list[CorridorLeg]:
    known = {row.leg: row for row in rows if row.route == route}
    return [
        CorridorLeg(
            leg=known[leg.value].leg,
            volume=known[leg.value].volume,
            median=round(known[leg.value].median, 2),
            percentile90=round(known[leg.value].percentile90, 2),
        )
        for leg in ENDS
        if leg.value in known
    ]


def _parcels() -> Subquery:
    """Each parcel of the period that went one of the routes: its route, and when it first reached what."""
    event = tracking_events.c
    first = {
        name: func.min(case((event.milestone.in_(ends), event.occurred_at))).label(name)
        for place in _PLACES
        for name, ends in ((place.begin, (ENDS[place.leg][0],)), (place.end, ENDS[place.leg][1]))
    }
    through = func.max(case((event.country == "RU", 1), else_=0)) == 1
    route = case(
        (shipments.c.destination == "RU", CorridorRoute.CHINA_RUSSIA.value),
        (and_(shipments.c.destination.in_(EUROPE), through), CorridorRoute.CHINA_RUSSIA_EUROPE.value),
    )
    return (
        select(shipments.c.id, route.label("route"), *first.values())
        .outerjoin(tracking_events, event.shipment_id == shipments.c.id)
        .where(shipments.c.origin == "CN", shipments.c.destination.in_(("RU", *EUROPE)))
        .where(shipments.c.shipped_at >= bindparam("after"), shipments.c.shipped_at < bindparam("before"))
        .group_by(shipments.c.id, shipments.c.destination)
        .subquery("parcels_")
    )


@cache
def _volumes() -> Query:
    parcels = _parcels()
    return Query(
        select(parcels.c.route, func.count().label("volume"))
        .where(parcels.c.route.is_not(None))
        .group_by(parcels.c.route)
        .order_by(parcels.c.route)
    )


@cache
def _legs() -> Query:
    """The percentiles are those of the nearest rank: a duration that a parcel really took."""
    parcels = select(_parcels()).cte("legs_")
    took = [_took(parcels, place) for place in _PLACES]
    every = union_all(*took).subquery("took_")
    group = (every.c.route, every.c.leg)
    ranked = select(
        *every.c,
        func.row_number().over(partition_by=group, order_by=every.c.days).label("place"),
        func.count().over(partition_by=group).label("volume"),
    ).subquery("ranked_")
    volume = ranked.c.volume
    return Query(
        select(
            ranked.c.route,
            ranked.c.leg,
            func.max(volume).label("volume"),
            func.max(case((ranked.c.place == (volume + 1) // 2, ranked.c.days))).label("median"),
            func.max(case((ranked.c.place == (volume * 9 + 9) // 10, ranked.c.days))).label("percentile90"),
        ).group_by(ranked.c.route, ranked.c.leg)
    )


def _took(parcels: Any, place: _Place) -> Any:
    begin, end = parcels.c[place.begin], parcels.c[place.end]
    days = func.julianday(end) - func.julianday(begin)
    # A clock that is wrong makes a leg end before it begins; such a one says nothing about how long it takes.
    return select(parcels.c.route, literal(place.leg.value).label("leg"), days.label("days")).where(
        parcels.c.route.is_not(None), end >= begin
    )
