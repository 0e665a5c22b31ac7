"""Orders: what was bought on Pandao.

In this shape an order is one product; the products of one checkout share a transaction id.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import strawberry
from sqlalchemy import Column, ForeignKey, Text

from connectors.mailru.changes import Feed, changes
from connectors.mailru.parcels import parcel_rows
from connectors.mailru.refunds import PandaoRefund, mailru_refunds, order_refunds, refund_rows
from connectors.mailru.users import PARTY, account_id
from connectors.mailru.values import (
    CURRENCY,
    Fields,
    flag,
    kopecks,
    moment,
    number,
    text,
    text_or_none,
    unwrapped,
)
from gateway.connector import (
    Access,
    Batch,
    Cursor,
    Dataset,
    Order,
    OrderStatus,
    Row,
    Rows,
    Upstream,
    batch,
    follows,
    order_lines,
    orders,
    requires,
    shipment_orders,
    table,
)

FEED = Feed("/api/v2/order/multi-get", "Order", "order_id")

_STATUSES = {
    "APPROVED": OrderStatus.AWAITING_SHIPMENT,
    "SHIPPED": OrderStatus.SHIPPED,
    "REFUNDED": OrderStatus.REFUNDED,
    "REQUIRE_REVIEW": OrderStatus.ON_HOLD,
}

mailru_orders = table(
    "mailru_orders",
    Column("order_id", Text, ForeignKey("orders.id"), primary_key=True),
    Column("transaction_id", Text),
    rows=follows("orders", "orders.id = this.order_id"),
)
"""What Pandao says of an order beyond what all partners do."""


def pull_orders(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
    """The orders changed since the cursor."""
    return changes(upstream, FEED, cursor)


def read_order(record: Any) -> Rows:
    """One order with its one line. Amounts are roubles, whatever was bought."""
    order = unwrapped(record, "Order")
    identity = f"PandaoOrder:{text(order, 'order_id')}"
    paid = {"total_minor": kopecks(order, "order_total"), "currency": CURRENCY}
    line = {
        "order_id": identity,
        "line": 1,
        "product_id": text(order, "product_id"),
        "name": text(order, "product_name"),
        "category": text_or_none(order, "product_category"),
        "quantity": number(order, "quantity"),
        **paid,
    }
    extra = {"order_id": identity, "transaction_id": text_or_none(order, "transaction_id")}
    head = {"id": identity, **_head(order), **paid}
    sent, refunded = parcel_rows(order, identity), refund_rows(order, identity)
    return {orders: [head], order_lines: [line], mailru_orders: [extra], **sent, **refunded}


def _head(order: Fields) -> dict[str, Any]:
    return {
        "party": PARTY,
        "account_id": account_id(text(order, "buyer_id")),
        "placed_at": moment(order, "order_time"),
        "placed_at_raw": order["order_time"],
        "modified_at": moment(order, "last_updated"),
        "status": _status(order).value,
        "status_raw": order["state"],
    }


def _status(order: Fields) -> OrderStatus:
    status = _STATUSES.get(text(order, "state"), OrderStatus.UNKNOWN)
    # An order that has arrived stays SHIPPED; only the confirmed tracking tells.
    if status is OrderStatus.SHIPPED and flag(order, "tracking_confirmed"):
        return OrderStatus.COMPLETED
    return status


pandao_orders = Dataset(
    "orders",
    pull_orders,
    read_order,
    covers={"orders": "mailru:read"},
    children={order_lines: "order_id", shipment_orders: "order_id", mailru_refunds: "order_id"},
    identity=("Order", "order_id"),
)


async def transaction_ids(rows: Sequence[Row], access: Access) -> list[str | None]:
    """The checkout it was part of; orders with the same one were paid together."""
    found = await access.one(mailru_orders, "order_id", [row.id for row in rows], ("transaction_id",))
    return [row and row.transaction_id for row in found]


@strawberry.type(directives=[requires("mailru:read")])
class PandaoOrder(Order):
    """One product bought on Pandao."""

    transaction_id: strawberry.ID | None = batch(transaction_ids, needs=["id"])
    refunds: list[PandaoRefund] | None = batch(order_refunds, needs=["id"], list_size=2)
