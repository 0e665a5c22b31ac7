"""Query: how shipments are found, and how they hang on orders."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import strawberry
from sqlalchemy import bindparam, select

from gateway.access.request import Access, grouped
from gateway.access.scopes import requires
from gateway.engine.batch import batch
from gateway.shipments import parcels
from gateway.shipments.corridors import Corridor, corridors
from gateway.shipments.parcels import shipment_numbers, shipment_orders, shipments
from gateway.shipments.shipment import Shipment
from gateway.store.queries import Query, Row, as_keys, keys


async def shipment(roots: Sequence[None], access: Access, *, tracking_number: str) -> list[Row | None]:
    """The newest parcel of this number, be it an alias; null where there is none that the caller may see."""
    found = await access.fetch(_numbered(_columns(access)), number=parcels.tracking_number(tracking_number))
    return [found[0] if found else None for _ in roots]


async def order_shipments(rows: Sequence[Row], access: Access) -> list[list[Row]]:
    """The parcels it came in, or comes in."""
    ids = [row.id for row in rows]
    return grouped(await access.fetch(_of_orders(_columns(access)), keys=as_keys(ids)), ids)


def _columns(access: Access) -> tuple[str, ...]:
    return access.columns(shipments, "Shipment", "id")


@cache
def _numbered(columns: tuple[str, ...]) -> Query:
    return Query(
        select(*(shipments.c[name] for name in columns))
        .join(shipment_numbers, shipment_numbers.c.shipment_id == shipments.c.id)
        .where(shipment_numbers.c.number == bindparam("number"))
        .order_by(shipments.c.shipped_at.desc(), shipments.c.id.desc())
        .limit(1)
    )


@cache
def _of_orders(columns: tuple[str, ...]) -> Query:
    level = keys()
    return Query(
        select(shipment_orders.c.order_id.label("key_"), *(shipments.c[name] for name in columns))
        .join(shipments, shipments.c.id == shipment_orders.c.shipment_id)
        .where(shipment_orders.c.order_id.in_(select(level.c.value)))
        .order_by(shipment_orders.c.order_id, shipments.c.shipped_at, shipments.c.id)
    )


@strawberry.type
class ShipmentQuery:
    """What shipments add to the queries."""

    shipment: Shipment | None = batch(shipment, requires=requires("clients:read"))
    corridors: list[Corridor] = batch(corridors, requires=requires("clients:read"), list_size=2, cost=200)


@strawberry.type
class OrderShipments:
    """What shipments add to every order."""

    shipments: list[Shipment] = batch(order_shipments, needs=["id"], list_size=3)
