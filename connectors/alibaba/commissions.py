"""Commissions: what affiliates who brought a client earn on orders, pulled by the partner's cursor.

Documented by the partner: `aliexpress.affiliate.order.listbyindex`, its statuses, that `start_query_index_id` goes on
where an answer's indices ended, `resp_result` with codes of its own (200 is success), amounts in cents, rates as
`7.00%`. Modelled: that commissions are in cents like amounts, and that the index of an order grows when its status
changes. One SDK describes the two indices the wrong way round, so the larger counts, whatever it is called.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from sqlalchemy import BigInteger, Column, Index, Integer, String, Text

from connectors.alibaba.calls import Found, call
from connectors.alibaba.fields import cents, currency, fields, listed, optional, text, whole
from connectors.alibaba.listings import BEGINNING
from connectors.alibaba.pacific import moment, wall
from connectors.alibaba.refusals import refusal
from gateway.connector import (
    Access,
    Amount,
    Batch,
    Cursor,
    Dataset,
    DateTime,
    Instant,
    Kind,
    Money,
    PartnerError,
    Row,
    Rows,
    Unreadable,
    Upstream,
    ahead,
    batch,
    follows,
    instant,
    requires,
    table,
)

METHOD = "aliexpress.affiliate.order.listbyindex"
PAGE_SIZE = 50

_SUCCESS = "200"
_NOT_REGISTERED = "401"
_RATE = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?%")

alibaba_commissions = table(
    "alibaba_commissions",
    Column("id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("product_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("status_raw", Text, nullable=False),
    Column("effect", Text),
    Column("rate_bp", Integer, nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    Column("commission_minor", BigInteger),
    Column("currency", String(3), nullable=False),
    Column("new_buyer", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_alibaba_commissions_order_id", "order_id"),
    rows=follows("orders", "orders.id = this.order_id"),
)
"""One row a line of an order that came by an affiliate; seen with the order, so of an unknown order by nobody."""


@strawberry.enum
class AlibabaCommissionStatus(Enum):
    """How sure a commission is."""

    PAID = strawberry.enum_value("PAID", description="The client paid.")
    RECEIVED = strawberry.enum_value("RECEIVED", description="The client has the goods.")
    SETTLED = strawberry.enum_value("SETTLED", description="The affiliate is paid.")
    INVALID = strawberry.enum_value("INVALID", description="Nothing is paid.")
    UNKNOWN = "UNKNOWN"


STATUSES: Mapping[str, AlibabaCommissionStatus] = {
    "Payment Completed": AlibabaCommissionStatus.PAID,
    "Buyer Confirmed Receipt": AlibabaCommissionStatus.RECEIVED,
    "Completed Settlement": AlibabaCommissionStatus.SETTLED,
    "Invalid": AlibabaCommissionStatus.INVALID,
}
"""In the order in which an order goes through them: of one that changes while all are read, the later counts."""


def pull_commissions(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
    """All orders behind the cursor, which has the last index of each status."""
    return ahead(_batches(upstream, cursor))


async def _batches(upstream: Upstream, cursor: Cursor) -> AsyncGenerator[Batch, None]:
    known = dict(cursor)
    for status in STATUSES:
        while True:
            orders, last = await _page(upstream, status, known.get(status))
            if not orders or last is None or last == known.get(status):
                break
            known[status] = last
            yield Batch(orders, dict(known))
    yield Batch([], dict(known))


def _position(index: str) -> tuple[int, str]:
    """An index as it sorts: its time first, which has no fixed length."""
    time = index.partition("_")[0]
    return (int(time) if time.isascii() and time.isdigit() and len(time) < 20 else 0, index)


async def _page(upstream: Upstream, status: str, after: str | None) -> tuple[list[Any], str | None]:
    """The orders behind an index, and the last of theirs."""
    asked = {
        "start_time": wall(BEGINNING),
        "end_time": wall(datetime.now(UTC) + timedelta(days=1)),
        "status": status,
        "page_size": PAGE_SIZE,
        "start_query_index_id": after,
    }
    found = await call(upstream, METHOD, asked, judge=_judge)
    try:
        result = fields(found["resp_result"].get("result") or {}, "result")
        orders = listed(result.get("orders"), "order")
    except Unreadable as error:
        raise PartnerError(Kind.DRIFT, f"{METHOD}: {error}") from None
    named = (result.get(name) for name in ("min_query_index_id", "max_query_index_id"))
    return orders, max(map(str, filter(None, named)), key=_position, default=None)


def _judge(found: Found) -> None:
    """Raise for what is no success by this method's rule: 200 in `resp_code`, whatever stands around it."""
    result = found.get("resp_result")
    if not isinstance(result, dict):
        raise PartnerError(Kind.DRIFT, f"{METHOD} answered without a result")
    code = str(result.get("resp_code"))
    if code == _NOT_REGISTERED:
        raise PartnerError(Kind.AUTH, f"{METHOD} was refused: no publisher is registered", code=code)
    if code != _SUCCESS:
        raise refusal({"code": code, "msg": result.get("resp_msg")}, METHOD)


def read_commission(record: Any) -> Rows:
    """One affiliate order as a row. Raises `Unreadable`."""
    order = fields(record, "order")
    money = currency(order, "settled_currency")
    status = text(order, "order_status")
    finished = order.get("estimated_finished_commission") is not None
    earned = "estimated_finished_commission" if finished else "estimated_paid_commission"
    row = {
        "id": str(whole(order, "sub_order_id")),
        "order_id": f"AlibabaOrder:{whole(order, 'order_id')}",
        "product_id": str(whole(order, "product_id")),
        "status": STATUSES.get(status, AlibabaCommissionStatus.UNKNOWN).value,
        "status_raw": status,
        "effect": optional(order, "effect_detail_status"),
        "rate_bp": _basis_points(order),
        "paid_minor": cents(order, "paid_amount", money).minor,
        "commission_minor": cents(order, earned, money).minor if order.get(earned) is not None else None,
        "currency": money,
        "new_buyer": int(order.get("is_new_buyer") == "Y"),
        "created_at": instant(moment(order.get("created_time"), "created_time")),
    }
    return {alibaba_commissions: [row]}


def _basis_points(order: Mapping[str, Any]) -> int:
    found = _RATE.fullmatch(text(order, "commission_rate"))
    if found is None:
        raise Unreadable("commission_rate is not a rate in per cent")
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


dataset = Dataset(
    name="commissions",
    pull=pull_commissions,
    read=read_commission,
    covers={"orders": "alibaba:read"},
    identity=("sub_order_id",),
)


def rates(rows: Sequence[Row], access: Access) -> list[Decimal]:
    """In per cent."""
    return [Decimal(row.rate_bp).scaleb(-2) for row in rows]


def paid(rows: Sequence[Row], access: Access) -> list[Amount]:
    """What the client paid for the line."""
    return [Amount(row.paid_minor, row.currency) for row in rows]


def earned(rows: Sequence[Row], access: Access) -> list[Amount | None]:
    """What the affiliate earns, as AliExpress estimates it."""
    return [
        None if row.commission_minor is None else Amount(row.commission_minor, row.currency) for row in rows
    ]


def new_buyers(rows: Sequence[Row], access: Access) -> list[bool]:
    """Whether it was the client's first order there."""
    return [bool(row.new_buyer) for row in rows]


@strawberry.type(directives=[requires("alibaba:read")])
class AlibabaCommission:
    """What an affiliate who brought the client earns on a line of an order."""

    product_id: strawberry.ID = strawberry.field(description="AliExpress's own id of the product.")
    status: AlibabaCommissionStatus
    status_raw: str = strawberry.field(description="The status in AliExpress's own words.")
    effect: str | None = strawberry.field(
        description="Why nothing is paid, in AliExpress's words: `FullRefund`, `Antispam`."
    )
    rate: Decimal = batch(rates, needs=["rate_bp"])
    paid: Money = batch(paid, needs=["paid_minor", "currency"])
    commission: Money | None = batch(earned, needs=["commission_minor", "currency"])
    new_buyer: bool = batch(new_buyers, needs=["new_buyer"])
    created_at: DateTime


async def order_commissions(rows: Sequence[Row], access: Access) -> list[list[Row]]:
    """What affiliates earn on the order; empty where the client came by none."""
    columns = access.columns(alibaba_commissions, "AlibabaCommission")
    return await access.rows(
        alibaba_commissions, "order_id", [row.id for row in rows], columns, (("id", False),)
    )


commissions = batch(order_commissions, needs=["id"], list_size=2)
"""The field of an order."""
