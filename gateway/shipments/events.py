"""Events: what carriers say that happened to a parcel."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from gateway.access.request import Access
from gateway.access.scopes import requires
from gateway.clients.scalars import DateTime
from gateway.engine.batch import batch
from gateway.shipments.milestones import Carrier, Milestone
from gateway.shipments.parcels import tracking_events
from gateway.store.queries import Row

OLDEST_FIRST = (("occurred_at", False), ("tracking_id", False), ("number", False))


def carriers(rows: Sequence[Row], access: Access) -> list[str]:
    """Who says so."""
    return [row.tracking_id.rpartition(":")[2] for row in rows]


def assumptions(rows: Sequence[Row], access: Access) -> list[bool]:
    """Whether the carrier left the time zone out, so that `occurredAt` may be hours off."""
    return [bool(row.zone_assumed) for row in rows]


@strawberry.type(directives=[requires("clients:read")])
class TrackingEvent:
    """Something that happened to a parcel."""

    occurred_at: DateTime
    occurred_at_raw: str = strawberry.field(description="The time as the carrier wrote it.")
    utc_offset: str = strawberry.field(description="The wall clock's, as +08:00.")
    zone_assumed: bool = batch(assumptions, needs=["zone_assumed"])
    carrier: Carrier = batch(carriers, needs=["tracking_id"])
    milestone: Milestone
    code: str = strawberry.field(description="The carrier's own.")
    description: str | None = strawberry.field(description="In the carrier's words.")
    place: str | None
    country: str | None = strawberry.field(description="ISO 3166-1 alpha-2.")


async def shipment_events(rows: Sequence[Row], access: Access) -> list[list[Row]]:
    """What happened to it, oldest first, from all carriers that carried it."""
    columns = access.columns(tracking_events, "TrackingEvent", "occurred_at")
    return await access.rows(tracking_events, "shipment_id", [row.id for row in rows], columns, OLDEST_FIRST)
