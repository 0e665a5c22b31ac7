"""Refunds: what was paid back for an order, whole or in part, as the order itself says.

Documented for the family (Wish v2, since August 2019): `refunds` of an order, each with `refund_time`, `refund_amount`,
`merchant_responsible_amount` and `refund_reason`. That they are wrapped in nothing, as other elements are, is modelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Text

from connectors.mailru.values import CURRENCY, Fields, kopecks, moment, text_or_none
from gateway.connector import (
    Access,
    Amount,
    DateTime,
    Instant,
    Money,
    Row,
    Rows,
    Unreadable,
    batch,
    follows,
    requires,
    table,
)

mailru_refunds = table(
    "mailru_refunds",
    Column("order_id", Text, ForeignKey("orders.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("refunded_at", Instant, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("seller_minor", BigInteger),
    Column("reason", Text),
    rows=follows("orders", "orders.id = this.order_id"),
)
"""Refunds of an order, numbered from 1, oldest first; amounts are in kopecks."""


def refund_rows(order: Fields, identity: str) -> Rows:
    """The refunds of an order; no rows where there are none. Raises `Unreadable`."""
    found = order.get("refunds") or []
    if not isinstance(found, list):
        raise Unreadable("refunds is not a list")
    refunds = sorted(map(_refund, found), key=lambda each: each["refunded_at"])
    rows = [{"order_id": identity, "number": place, **each} for place, each in enumerate(refunds, 1)]
    return {mailru_refunds: rows} if rows else {}


def _refund(refund: Any) -> dict[str, Any]:
    if not isinstance(refund, dict):
        raise Unreadable("a refund is not an object")
    borne = text_or_none(refund, "merchant_responsible_amount")
    return {
        "refunded_at": moment(refund, "refund_time"),
        "amount_minor": kopecks(refund, "refund_amount"),
        "seller_minor": kopecks(refund, "merchant_responsible_amount") if borne else None,
        "reason": text_or_none(refund, "refund_reason"),
    }


def amounts(rows: Sequence[Row], access: Access) -> list[Amount]:
    """What was paid back."""
    return [Amount(row.amount_minor, CURRENCY) for row in rows]


def seller_amounts(rows: Sequence[Row], access: Access) -> list[Amount | None]:
    """What of it the seller bears, null where Pandao does not say."""
    return [None if row.seller_minor is None else Amount(row.seller_minor, CURRENCY) for row in rows]


@strawberry.type(directives=[requires("mailru:read")])
class PandaoRefund:
    """What was paid back for an order, or for a part of it."""

    refunded_at: DateTime
    amount: Money = batch(amounts, needs=["amount_minor"])
    seller_amount: Money | None = batch(seller_amounts, needs=["seller_minor"])
    reason: str | None = strawberry.field(description="Why, in Pandao's words.")


async def order_refunds(rows: Sequence[Row], access: Access) -> list[list[Row]]:
    """What was paid back for it, oldest first."""
    columns = access.columns(mailru_refunds, "PandaoRefund")
    keys = [row.id for row in rows]
    return await access.rows(mailru_refunds, "order_id", keys, columns, (("number", False),))
