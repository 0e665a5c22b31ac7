"""Parcels: the tables of shipments, of what carriers say of them, and which orders they carry.

A marketplace writes `shipments`, `shipment_orders` and `shipment_numbers` with its orders; a carrier writes
`trackings`, each with all its `tracking_events`, and further `shipment_numbers`. One order may come in several parcels,
and one parcel may hold several orders. Whoever sees an order sees its parcels: they belong to the order's party,
whichever carrier told of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    Select,
    String,
    Text,
    exists,
    func,
    select,
)

from gateway.access.rules import follows
from gateway.shipments.milestones import FINAL, Carrier
from gateway.store.queries import Row
from gateway.store.tables import Instant, table

_OF_ORDER = follows("shipment_orders", "shipment_orders.shipment_id = this.shipment_id")

shipments = table(
    "shipments",
    Column("id", Text, primary_key=True),
    Column("tracking_number", Text, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("carrier_raw", Text, nullable=False),
    Column("origin", String(2)),
    Column("destination", String(2)),
    Column("shipped_at", Instant),
    Column("value_minor", BigInteger),
    Column("currency", String(3)),
    Column("weight_grams", Integer),
    Index("ix_shipments_shipped_at", "shipped_at"),
    rows=follows("shipment_orders", "shipment_orders.shipment_id = this.id"),
)
"""One row a parcel; `id` is what `shipment_id` makes. `carrier` is a value of `Carrier`, `carrier_raw` the partner's.

`origin` and `destination` are countries (ISO 3166-1 alpha-2); value and currency, the goods' price, are null together.
"""

shipment_orders = table(
    "shipment_orders",
    Column("shipment_id", Text, ForeignKey("shipments.id"), primary_key=True),
    Column("order_id", Text, ForeignKey("orders.id"), primary_key=True),
    Index("ix_shipment_orders_order_id", "order_id"),
    rows=follows("orders", "orders.id = this.order_id"),
)
"""Which orders are in which parcel."""

shipment_numbers = table(
    "shipment_numbers",
    Column("number", Text, primary_key=True),
    Column("shipment_id", Text, ForeignKey("shipments.id"), primary_key=True),
    Column("carrier", Text, nullable=False),
    Index("ix_shipment_numbers_shipment_id", "shipment_id"),
    rows=_OF_ORDER,
)
"""Every number by which a parcel is known, the first one too: the last mile often has one of its own.

`carrier` is the one to ask about this number.
"""

trackings = table(
    "trackings",
    Column("id", Text, primary_key=True),
    Column("shipment_id", Text, ForeignKey("shipments.id"), nullable=False),
    Column("carrier", Text, nullable=False),
    Column("status_raw", Text),
    Column("weight_grams", Integer),
    Index("ix_trackings_shipment_id", "shipment_id"),
    rows=_OF_ORDER,
)
"""What one carrier says of one parcel; `id` is what `tracking_id` makes."""

tracking_events = table(
    "tracking_events",
    Column("tracking_id", Text, ForeignKey("trackings.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("shipment_id", Text, ForeignKey("shipments.id"), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("occurred_at_raw", Text, nullable=False),
    Column("utc_offset", String(6), nullable=False),
    Column("zone_assumed", Integer, nullable=False),
    Column("milestone", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("description", Text),
    Column("place", Text),
    Column("country", String(2)),
    Index("ix_tracking_events_shipment_id", "shipment_id", "occurred_at", "milestone"),
    rows=_OF_ORDER,
)
"""What happened to a parcel, as its carrier says; a tracking's events are replaced together (a dataset's `children`).

`number` counts a tracking's events from 1, oldest first. `milestone` is a value of `Milestone`, `code` the carrier's
own. `utc_offset` is the wall clock's, as `+08:00`; `zone_assumed` is 1 where the carrier did not say it. No text here
names a person.
"""


def tracking_number(text: str) -> str:
    """A number as it is kept and looked for: without blanks and dashes, in capitals."""
    return "".join(text.split()).replace("-", "").upper()


def shipment_id(number: str, first_seen: datetime) -> str:
    """The key of a parcel: carriers use a number again after twelve months, so the year it was sent in is part of it.

    `first_seen` is the aware moment at which the marketplace says that it was sent (of the order, if it does not say).
    """
    return f"{tracking_number(number)}:{first_seen.astimezone(UTC).year}"


def tracking_id(shipment: str, carrier: str) -> str:
    """The key of what a carrier says of a parcel."""
    return f"{shipment}:{carrier}"


def alike_together(parcels: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    """Open parcels, so many at a time; those of one number are together, for a pull goes on behind a number."""
    start = 0
    while start < len(parcels):
        end = min(start + size, len(parcels))
        while end < len(parcels) and parcels[end].number == parcels[end - 1].number:
            end += 1
        yield parcels[start:end]
        start = end


DAYS_OPEN = 60
"""For so long a parcel is asked about, counted back from when the newest one was sent."""


def open_parcels(carrier: Carrier) -> Select[Any]:
    """What a carrier is to be asked of: numbers of parcels that are not at their end, each with its shipment.

    Rows have `number`, `shipment_id`, `origin` and `destination`, in the order of the numbers.
    """
    # One that is said to be sent in a time to come ends the time of no other.
    now = func.strftime("%Y-%m-%dT%H:%M:%SZ", "now")
    newest = select(func.max(shipments.c.shipped_at)).where(shipments.c.shipped_at <= now).scalar_subquery()
    since = func.strftime("%Y-%m-%dT%H:%M:%SZ", newest, f"-{DAYS_OPEN} days")
    ended = exists().where(
        tracking_events.c.shipment_id == shipments.c.id,
        tracking_events.c.milestone.in_([milestone.value for milestone in FINAL]),
    )
    return (
        select(
            shipment_numbers.c.number,
            shipment_numbers.c.shipment_id,
            shipments.c.origin,
            shipments.c.destination,
        )
        .join(shipments, shipments.c.id == shipment_numbers.c.shipment_id)
        .where(shipment_numbers.c.carrier == carrier.value, shipments.c.shipped_at >= since, ~ended)
        .order_by(shipment_numbers.c.number, shipment_numbers.c.shipment_id)
    )
