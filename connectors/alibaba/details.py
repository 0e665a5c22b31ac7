"""What AliExpress says of one order at this moment: its money, its refund, its parcels, and where it goes.

Documented by the partner: `aliexpress.solution.order.info.get` and `…order.receiptinfo.get`, one order a call, money
with cents beside the amount, misspelt names, times with and without seconds. Modelled: that `data` and an error never
come together.

The address is the client's own: it is given out to nobody who may not see the client's profile at AliExpress, as the
row rules have it, and asked of the partner for no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import strawberry
from sqlalchemy import select

from connectors.alibaba.calls import call
from connectors.alibaba.fields import fields, inner, listed, money, optional, spelt, text, whole
from connectors.alibaba.live import COST, answers, partner_id
from connectors.alibaba.pacific import moment
from connectors.alibaba.refusals import refusal
from gateway.connector import (
    Access,
    Amount,
    DateTime,
    Kind,
    Money,
    PartnerError,
    Query,
    Row,
    Upstream,
    as_keys,
    batch,
    instant,
    keys,
    list_size,
    orders,
    profiles,
    requires,
)

INFO = "aliexpress.solution.order.info.get"
RECEIPT = "aliexpress.solution.order.receiptinfo.get"


class Delivery(NamedTuple):
    """A parcel as the order's detail names it."""

    tracking_number: str
    service: str | None
    sent_at: str | None
    received_at: str | None


class Refund(NamedTuple):
    """What became of the money that went back, in the partner's words."""

    status: str
    amount: Amount | None


class Detail(NamedTuple):
    """An order's detail."""

    paid_at: str | None
    list_price: Amount | None
    discount: Amount | None
    shipping: Amount | None
    fee: Amount | None
    refund: Refund | None
    deliveries: list[Delivery]
    variants: list[str]


class Address(NamedTuple):
    """Where an order goes; the partner leaves out what it has no value for."""

    name: str | None
    country: str | None
    region: str | None
    city: str | None
    street: str | None
    local_street: str | None
    postcode: str | None
    phone: str | None


@strawberry.type(directives=[requires("alibaba:read")])
class AlibabaDelivery:
    """A parcel that an order was sent in."""

    tracking_number: str
    service: str | None = strawberry.field(description="How it is sent, in AliExpress's words.")
    sent_at: DateTime | None
    received_at: DateTime | None


@strawberry.type(directives=[requires("alibaba:read")])
class AlibabaRefund:
    """Money that goes back to the client."""

    status: str = strawberry.field(description="In AliExpress's words, as `wait_refund` or `refund_ok`.")
    amount: Money | None


@strawberry.type(directives=[requires("alibaba:read")])
class AlibabaOrderDetail:
    """What AliExpress says of an order beyond what its list says."""

    paid_at: DateTime | None
    list_price: Money | None = strawberry.field(description="Before anything was taken off.")
    discount: Money | None
    shipping: Money | None
    fee: Money | None = strawberry.field(description="What AliExpress keeps.")
    refund: AlibabaRefund | None
    deliveries: list[AlibabaDelivery] = strawberry.field(
        description="What it was sent in.", directives=[list_size(2)]
    )
    variants: list[str] = strawberry.field(
        description="The variants bought, as `Ships From: China`, each once.", directives=[list_size(10)]
    )


@strawberry.type(directives=[requires(["alibaba:read", "clients:pii"])])
class AlibabaAddress:
    """Where an order goes: a client's personal data."""

    name: str | None
    country: str | None = strawberry.field(description="ISO 3166-1, as AliExpress has it.")
    region: str | None
    city: str | None
    street: str | None
    local_street: str | None = strawberry.field(description="The same in the country's own script.")
    postcode: str | None
    phone: str | None


async def order_details(rows: Sequence[Row], access: Access) -> list[Detail | Exception | None]:
    """What AliExpress says of the order at this moment; it is asked once for each order."""
    return await answers(access, [partner_id(row.id) for row in rows], _detail)


async def receipt_addresses(rows: Sequence[Row], access: Access) -> list[Address | Exception | None]:
    """Where the order goes; null where the caller may not see the client's profile at AliExpress."""
    found = await access.fetch(_seen(), keys=as_keys([row.id for row in rows]))
    seen = {row.id for row in found}
    if not seen:
        return [None] * len(rows)
    return await answers(access, [partner_id(row.id) if row.id in seen else None for row in rows], _address)


@cache
def _seen() -> Query:
    """The orders whose client's profile, of the same account, the caller may see."""
    return Query(
        select(orders.c.id)
        .join(profiles, profiles.c.account_id == orders.c.account_id)
        .where(orders.c.id.in_(select(keys().c.value)))
    )


detail = batch(order_details, needs=["id"], cost=COST)
receipt_address = batch(
    receipt_addresses, needs=["id"], cost=COST, requires=requires(["alibaba:read", "clients:pii"])
)


async def _detail(upstream: Upstream, order: str) -> Detail:
    found = await call(upstream, INFO, {"param1": {"order_id": whole({"id": order}, "id")}}, shared=True)
    return read_detail(_data(fields(found.get("result"), "result"), INFO))


async def _address(upstream: Upstream, order: str) -> Address:
    found = await call(upstream, RECEIPT, {"param1": {"order_id": whole({"id": order}, "id")}}, shared=True)
    return read_address(fields(found.get("result"), "result"))


def _data(result: Mapping[str, Any], method: str) -> Mapping[str, Any]:
    """What an answer with codes of its own holds. An error code beside data means nothing."""
    if result.get("data"):
        return fields(result["data"], "data")
    if result.get("error_code"):
        raise refusal({"code": result["error_code"], "msg": spelt(result, "message")}, method)
    raise PartnerError(Kind.DRIFT, f"{method} answered with neither data nor an error")


def read_detail(data: Mapping[str, Any]) -> Detail:
    """An order's detail. Raises `Unreadable`."""
    sent = listed(data.get("logistic_info_list"), "global_aeop_tp_logistic_info_dto")
    children = listed(data.get("child_order_ext_info_list"), "global_aeop_tp_order_product_info_dto")
    return Detail(
        _moment(data, "gmt_pay_success"),
        _amount(data, "init_order_amount"),
        _amount(data, "order_discount_info"),
        _amount(data, "logistics_amount"),
        _amount(data, "escrow_fee"),
        _refund(data.get("refund_info")),
        [_delivery(fields(each, "logistic_info")) for each in sent],
        list(dict.fromkeys(said for each in children for said in _variant(fields(each, "child_order")))),
    )


def _delivery(record: Mapping[str, Any]) -> Delivery:
    service = optional(record, "logistics_service_name")
    number = text(record, "logistics_no")
    return Delivery(number, service, _moment(record, "gmt_send"), _moment(record, "gmt_received"))


def _refund(value: object) -> Refund | None:
    if not value:
        return None
    record = fields(value, "refund_info")
    return Refund(text(record, "refund_status"), _amount(record, "refund_cash_amt"))


def _variant(child: Mapping[str, Any]) -> list[str]:
    """The properties of what was bought; none where the text in which they stand is no JSON, as happens."""
    found = inner(child, "sku")
    named = found.get("sku") if isinstance(found, dict) else None
    pairs = [each for each in named if isinstance(each, dict)] if isinstance(named, list) else []
    return [f"{each.get('pName')}: {each.get('pValue')}" for each in pairs]


def read_address(record: Mapping[str, Any]) -> Address:
    """Where an order goes. Raises `Unreadable`."""
    numbers = ("phone_country", "phone_area", "phone_number")
    landline = " ".join(filter(None, (optional(record, name) for name in numbers)))
    return Address(
        optional(record, "contact_person"),
        optional(record, "country"),
        optional(record, "province"),
        optional(record, "city"),
        optional(record, "detail_address") or optional(record, "address"),
        optional(record, "localized_address"),
        optional(record, "zip"),
        optional(record, "mobile_no") or landline or None,
    )


def _amount(record: Mapping[str, Any], name: str) -> Amount | None:
    return money(record, name) if spelt(record, name) is not None else None


def _moment(record: Mapping[str, Any], name: str) -> str | None:
    return instant(moment(record[name], name)) if record.get(name) else None
