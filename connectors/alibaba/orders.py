"""Orders: what AliExpress's seller sees of them, read into the shared tables, and the type that shows them.

Documented by the partner: `aliexpress.solution.order.get`, the fields of `order_dto` and
`order_product_dto`, and the statuses. Modelled, for no source says it: the words in `end_reason`, that
`pay_amount` comes with `cent` and `cent_factor` here as amounts do in `order.info.get`, and a product's
`category_name`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import strawberry
from sqlalchemy import Column, ForeignKey, Text

from connectors.alibaba.commissions import AlibabaCommission, commissions
from connectors.alibaba.details import AlibabaAddress, AlibabaOrderDetail, detail, receipt_address
from connectors.alibaba.fields import fields, listed, money, optional, text, whole
from connectors.alibaba.listings import Listing
from connectors.alibaba.members import PARTY
from connectors.alibaba.pacific import moment
from connectors.alibaba.parcels import AlibabaParcel, tracking
from gateway.connector import (
    Access,
    Dataset,
    Order,
    OrderStatus,
    Row,
    Rows,
    Unreadable,
    batch,
    follows,
    instant,
    order_lines,
    orders,
    requires,
    table,
)

alibaba_orders = table(
    "alibaba_orders",
    Column("order_id", Text, ForeignKey("orders.id"), primary_key=True),
    Column("logistics_status", Text),
    rows=follows("orders", "orders.id = this.order_id"),
)
"""What AliExpress says of an order beyond what all partners say."""

STATUSES: Mapping[str, OrderStatus] = {
    "PLACE_ORDER_SUCCESS": OrderStatus.AWAITING_PAYMENT,
    "WAIT_SELLER_SEND_GOODS": OrderStatus.AWAITING_SHIPMENT,
    "SELLER_PART_SEND_GOODS": OrderStatus.PARTLY_SHIPPED,
    "WAIT_BUYER_ACCEPT_GOODS": OrderStatus.SHIPPED,
    "FUND_PROCESSING": OrderStatus.COMPLETED,
    "PAYMENT_PROCESSING": OrderStatus.COMPLETED,
    "FINISH": OrderStatus.COMPLETED,
    "ARCHIVE": OrderStatus.COMPLETED,
    "IN_ISSUE": OrderStatus.DISPUTED,
    "IN_CANCEL": OrderStatus.ON_HOLD,
    "IN_FROZEN": OrderStatus.ON_HOLD,
    "WAIT_SELLER_EXAMINE_MONEY": OrderStatus.ON_HOLD,
    "RISK_CONTROL": OrderStatus.ON_HOLD,
    "RISK_CONTROL_HOLD": OrderStatus.ON_HOLD,
}
"""The partner's statuses in the shared words; one that is not here is UNKNOWN."""

ENDS: Mapping[str, OrderStatus] = {
    "cancel_order_close_trade": OrderStatus.CANCELLED,
    "pay_timeout": OrderStatus.CANCELLED,
    "send_goods_timeout": OrderStatus.CANCELLED,
    "refund_order_close_trade": OrderStatus.REFUNDED,
}
"""Why an order is over, where that is no completion; the partner's `FINISH` covers both."""


def read_order(record: Any) -> Rows:
    """One `order_dto` as rows. Raises `Unreadable`."""
    order = fields(record, "order")
    id_ = f"AlibabaOrder:{whole(order, 'order_id')}"
    status = text(order, "order_status")
    paid = money(order, "pay_amount")
    placed = text(order, "gmt_create")
    modified = "gmt_update" if order.get("gmt_update") else "gmt_create"
    row = {
        "id": id_,
        "party": PARTY,
        "account_id": f"{PARTY}:{text(order, 'buyer_login_id')}",
        "placed_at": instant(moment(placed, "gmt_create")),
        "placed_at_raw": placed,
        "modified_at": instant(moment(order[modified], modified)),
        "status": _status(status, order.get("end_reason")).value,
        "status_raw": status,
        "total_minor": paid.minor,
        "currency": paid.currency,
    }
    products = listed(order.get("product_list"), "order_product_dto")
    if not products:
        raise Unreadable("product_list is empty, though nobody orders nothing")
    return {
        orders: [row],
        order_lines: [_line(id_, number, product) for number, product in enumerate(products, 1)],
        alibaba_orders: [{"order_id": id_, "logistics_status": optional(order, "logistics_status")}],
    }


def _line(order_id: str, number: int, record: object) -> dict[str, object]:
    product = fields(record, "product")
    paid = money(product, "total_product_amount")
    return {
        "order_id": order_id,
        "line": number,
        "product_id": str(whole(product, "product_id")),
        "name": text(product, "product_name"),
        "category": optional(product, "category_name"),
        "quantity": whole(product, "product_count"),
        "total_minor": paid.minor,
        "currency": paid.currency,
    }


def _status(status: str, end: object) -> OrderStatus:
    found = STATUSES.get(status, OrderStatus.UNKNOWN)
    if found is OrderStatus.COMPLETED and isinstance(end, str):
        return ENDS.get(end, found)
    return found


async def logistics_statuses(rows: Sequence[Row], access: Access) -> list[str | None]:
    """Where the parcel is, in AliExpress's own words."""
    found = await access.one(alibaba_orders, "order_id", [row.id for row in rows], ("logistics_status",))
    return [row.logistics_status if row else None for row in found]


@strawberry.type(directives=[requires("alibaba:read")])
class AlibabaOrder(Order):
    """An order placed on AliExpress."""

    logistics_status: str | None = batch(logistics_statuses, needs=["id"])
    commissions: list[AlibabaCommission] = commissions
    tracking: list[AlibabaParcel] | None = tracking
    detail: AlibabaOrderDetail | None = detail
    receipt_address: AlibabaAddress | None = receipt_address


order_list = Listing("aliexpress.solution.order.get", "order_dto", statuses=(None, "FINISH"))

dataset = Dataset(
    name="orders",
    pull=order_list.pull,
    read=read_order,
    covers={"orders": "alibaba:read"},
    children={order_lines: "order_id", alibaba_orders: "order_id"},
    identity=("order_id",),
)
