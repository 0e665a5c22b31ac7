"""Payments: what customers paid by card, and of each client the sums that are settled."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import strawberry
from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Text, func, select

from connectors.bank.customers import customer_id, moment
from connectors.bank.lists import pull
from gateway.connector import (
    Access,
    Amount,
    Batch,
    Cursor,
    Dataset,
    DateTime,
    Instant,
    Money,
    Query,
    Row,
    Rows,
    Unreadable,
    Upstream,
    as_keys,
    batch,
    keys,
    list_size,
    requires,
    shared,
    table,
)

bank_payments = table(
    "bank_payments",
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("client_id", BigInteger, ForeignKey("clients.id")),
    Column("status", Text, nullable=False),
    Column("status_raw", Text, nullable=False),
    Column("settled_at", Instant),
    Column("total_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Index("ix_bank_payments_client_id", "client_id"),
    rows=shared("payments", owner="'BANK'"),
)
"""`status` is AUTHORISED, SETTLED or REVERSED, or UNKNOWN with the bank's own word in `status_raw`."""

STATUSES = {"authorised": "AUTHORISED", "settled": "SETTLED", "reversed": "REVERSED"}
_AMOUNT = re.compile(r"[0-9]{1,12}\.[0-9]{2}")


def read_payment(record: Mapping[str, Any]) -> Rows:
    """A payment's row. Raises `Unreadable`."""
    amount, currency, status = record["amount"]["value"], record["amount"]["currency"], record["status"]
    if not isinstance(amount, str) or not _AMOUNT.fullmatch(amount):
        raise Unreadable("the amount is not a decimal of two places")
    if not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency):
        raise Unreadable("the currency is not a code of ISO 4217")
    if not isinstance(status, str) or not status:
        raise Unreadable("the status is not a word")
    settled = record.get("settled_at")
    row = {
        "id": customer_id(record["id"]),
        "account_id": f"BANK:{customer_id(record['customer'])}",
        "status": STATUSES.get(status, "UNKNOWN"),
        "status_raw": status,
        "settled_at": None if settled is None else moment(settled, "settled_at"),
        "total_minor": int(Decimal(amount).scaleb(2)),
        "currency": currency,
    }
    return {bank_payments: [row]}


def pull_payments(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
    """Payments that are new or changed."""
    return pull(upstream, "/v1/payments", cursor)


payments = Dataset(
    "payments", pull_payments, read_payment, covers={"payments": "bank:read"}, identity=("id",)
)


@strawberry.type(directives=[requires("bank:read")])
class CardPayments:
    """What a client paid with the bank's cards."""

    settled: list[Money] = strawberry.field(
        description="The sum that is settled, in each currency.", directives=[list_size(3)]
    )
    last_settled_at: DateTime = strawberry.field(description="When the last payment was settled.")


@cache
def _sums() -> Query:
    found = bank_payments.c
    return Query(
        select(
            found.client_id,
            found.currency,
            func.sum(found.total_minor).label("minor"),
            func.max(found.settled_at).label("last"),
        )
        .where(found.client_id.in_(select(keys().c.value)), found.status == "SETTLED")
        .group_by(found.client_id, found.currency)
        .order_by(found.currency)
    )


async def card_payments(clients: Sequence[Row], access: Access) -> list[CardPayments | None]:
    """What the client paid with the bank's cards; null where nothing is settled that the caller may see."""
    of_client: dict[int, list[Row]] = defaultdict(list)
    for row in await access.fetch(_sums(), keys=as_keys([client.key for client in clients])):
        of_client[row.client_id].append(row)
    return [_told(of_client[client.key]) if client.key in of_client else None for client in clients]


def _told(sums: Sequence[Row]) -> CardPayments:
    settled: Any = [Amount(row.minor, row.currency) for row in sums]
    return CardPayments(settled=settled, last_settled_at=max(row.last for row in sums))


@strawberry.type
class BankClient:
    """What the bank adds to a client."""

    bank: CardPayments | None = batch(card_payments, needs=["key"], requires=requires("bank:read"))
