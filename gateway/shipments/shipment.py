"""Shipment: a parcel as a caller sees it, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import strawberry
from strawberry.scalars import JSON

from gateway.access.request import Access
from gateway.access.scopes import requires
from gateway.clients.orders import Amount, Money
from gateway.clients.scalars import DateTime
from gateway.engine.batch import batch
from gateway.shipments.customs import Customs, customs, weights_of
from gateway.shipments.epcis import epcis_documents
from gateway.shipments.events import OLDEST_FIRST, TrackingEvent, shipment_events
from gateway.shipments.milestones import Carrier, Milestone
from gateway.shipments.numbers import NumberFormat, number_format
from gateway.shipments.parcels import shipment_numbers, shipment_orders, tracking_events
from gateway.store.queries import Row


@strawberry.type(directives=[requires("clients:read")])
class ShipmentProgress:
    """How far a parcel is."""

    milestone: Milestone = strawberry.field(
        description="The newest that is known; UNKNOWN where no carrier says anything that is understood."
    )
    reached_at: DateTime | None
    delivered_at: DateTime | None = strawberry.field(
        description="When its recipient had it. Waiting at a pick-up point is not that, whatever it says there."
    )


@strawberry.enum
class ShipmentWarning(Enum):
    """What is to be taken with care."""

    WRONG_CHECK_DIGIT = strawberry.enum_value(
        "WRONG_CHECK_DIGIT", description="The number looks like one of UPU's and is none."
    )
    ZONE_ASSUMED = strawberry.enum_value(
        "ZONE_ASSUMED", description="A carrier left the time zone of an event out."
    )
    UNKNOWN_CODE = strawberry.enum_value(
        "UNKNOWN_CODE", description="An event has a code that is in no table; it counts for nothing."
    )


_TOLD = ("milestone", "occurred_at", "zone_assumed")


async def _events(rows: Sequence[Row], access: Access) -> list[list[Row]]:
    return await access.rows(tracking_events, "shipment_id", [row.id for row in rows], _TOLD, OLDEST_FIRST)


async def progresses(rows: Sequence[Row], access: Access) -> list[ShipmentProgress]:
    """How far it is, as the carriers' events say."""
    return [_progress(found) for found in await _events(rows, access)]


def _progress(events: Sequence[Row]) -> ShipmentProgress:
    known = [each for each in events if each.milestone != Milestone.UNKNOWN.value]
    newest = known[-1] if known else None
    delivered = [each for each in known if each.milestone == Milestone.DELIVERED.value]
    return ShipmentProgress(
        milestone=newest.milestone if newest else Milestone.UNKNOWN.name,  # type: ignore[arg-type]
        reached_at=newest.occurred_at if newest else None,
        delivered_at=delivered[-1].occurred_at if delivered else None,
    )


async def warnings(rows: Sequence[Row], access: Access) -> list[list[str]]:
    """What is to be taken with care about it."""
    return [
        _warnings(row.tracking_number, found)
        for row, found in zip(rows, await _events(rows, access), strict=True)
    ]


def _warnings(number: str, events: Sequence[Row]) -> list[str]:
    found = {
        ShipmentWarning.WRONG_CHECK_DIGIT: number_format(number) is NumberFormat.S10_WRONG,
        ShipmentWarning.ZONE_ASSUMED: any(each.zone_assumed for each in events),
        ShipmentWarning.UNKNOWN_CODE: any(each.milestone == Milestone.UNKNOWN.value for each in events),
    }
    return [warning.name for warning, holds in found.items() if holds]


def formats(rows: Sequence[Row], access: Access) -> list[str]:
    """What kind of number it is, by its looks."""
    return [number_format(row.tracking_number).name for row in rows]


async def aliases(rows: Sequence[Row], access: Access) -> list[list[str]]:
    """Its other numbers: the last mile often gives one of its own."""
    ids = [row.id for row in rows]
    found = await access.rows(shipment_numbers, "shipment_id", ids, ("number",), (("number", False),))
    return [
        [each.number for each in numbers if each.number != row.tracking_number]
        for row, numbers in zip(rows, found, strict=True)
    ]


async def order_ids(rows: Sequence[Row], access: Access) -> list[list[str]]:
    """The orders in it, for `node`: several where they were sent together."""
    ids = [row.id for row in rows]
    found = await access.rows(shipment_orders, "shipment_id", ids, ("order_id",), (("order_id", False),))
    return [[each.order_id for each in orders] for orders in found]


def values(rows: Sequence[Row], access: Access) -> list[Amount | None]:
    """The price of the goods in it."""
    return [None if row.value_minor is None else Amount(row.value_minor, row.currency) for row in rows]


@strawberry.type(directives=[requires("clients:read")])
class Shipment:
    """A parcel. Whoever sees one of the orders in it sees it."""

    tracking_number: str
    number_format: NumberFormat = batch(formats, needs=["tracking_number"])
    aliases: list[str] = batch(aliases, needs=["id", "tracking_number"], list_size=3)
    carrier: Carrier = strawberry.field(description="Who carries it first.")
    carrier_raw: str = strawberry.field(description="The same in the partner's own words.")
    origin: str | None = strawberry.field(description="The country it is from, ISO 3166-1 alpha-2.")
    destination: str | None = strawberry.field(description="The country it goes to, ISO 3166-1 alpha-2.")
    shipped_at: DateTime | None
    value: Money | None = batch(values, needs=["value_minor", "currency"])
    weight_grams: int | None = batch(weights_of, needs=["id", "weight_grams"])
    order_ids: list[strawberry.ID] = batch(order_ids, needs=["id"], list_size=3)
    progress: ShipmentProgress = batch(progresses, needs=["id"])
    events: list[TrackingEvent] = batch(shipment_events, needs=["id"], list_size=20)
    warnings: list[ShipmentWarning] = batch(warnings, needs=["id", "tracking_number"], list_size=3)
    customs: Customs | None = batch(
        customs, needs=["id", "destination", "shipped_at", "value_minor", "currency", "weight_grams"]
    )
    epcis: JSON = batch(epcis_documents, needs=["id", "tracking_number"], cost=20)
