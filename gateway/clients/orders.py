"""Orders: what clients bought, from whichever partner; the table, the public types, and how they are loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import NamedTuple

import strawberry
from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Text

from gateway.access.request import Access, Page
from gateway.access.rules import follows, shared
from gateway.clients.connections import Node
from gateway.clients.scalars import BigInt, DateTime, Party
from gateway.engine.batch import batch
from gateway.store.queries import Row
from gateway.store.tables import Instant, table

orders = table(
    "orders",
    Column("id", Text, primary_key=True),
    Column("party", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("client_id", BigInteger, ForeignKey("clients.id")),
    Column("placed_at", Instant, nullable=False),
    Column("placed_at_raw", Text, nullable=False),
    Column("modified_at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("status_raw", Text, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    # A client's page of orders is read off this index alone: where they stand, then what `Order` shows of them.
    Index(
        "ix_orders_client_id",
        *("client_id", "placed_at", "id", "party"),
        *("status", "status_raw", "total_minor", "currency"),
    ),
    Index("ix_orders_account_id", "account_id"),
    rows=shared("orders"),
    dated=("modified_at", ("status", "status_raw", "total_minor", "currency")),
)
"""One row an order; `id` is `<GraphQL type>:<the partner's order id>`."""

order_lines = table(
    "order_lines",
    Column("order_id", Text, ForeignKey("orders.id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("product_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("category", Text),
    Column("quantity", Integer, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    rows=follows("orders", "orders.id = this.order_id"),
)

NEWEST_FIRST = (("placed_at", True), ("id", True))


@strawberry.enum
class OrderStatus(Enum):
    """Where an order stands, in words that all partners share; `statusRaw` has the partner's own."""

    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    AWAITING_SHIPMENT = "AWAITING_SHIPMENT"
    PARTLY_SHIPPED = "PARTLY_SHIPPED"
    SHIPPED = "SHIPPED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"
    ON_HOLD = "ON_HOLD"
    UNKNOWN = "UNKNOWN"


class Amount(NamedTuple):
    """Money as a value of a batch function."""

    minor: int
    currency: str


_AMOUNT: Callable[[tuple[int, str]], Amount] = partial(tuple.__new__, Amount)


def amount(money: Sequence[Amount], access: Access) -> list[Decimal]:
    """In major units, exact."""
    return [Decimal(minor).scaleb(-2) for minor, _ in money]


@strawberry.type
class Money:
    """An exact amount of money."""

    minor: BigInt = strawberry.field(description="In minor units: cents, kopecks.")
    currency: str = strawberry.field(description="ISO 4217.")
    amount: Decimal = batch(amount, needs=["minor", "currency"])


def total(rows: Sequence[Row], access: Access) -> list[Amount]:
    """What was paid, shipping included."""
    return list(map(_AMOUNT, [(row.total_minor, row.currency) for row in rows]))


@strawberry.type
class OrderLine:
    """One product of an order."""

    product_id: strawberry.ID = strawberry.field(description="The partner's own id of the product.")
    name: str
    category: str | None
    quantity: int
    total: Money = batch(total, needs=["total_minor", "currency"])


async def lines(parents: Sequence[Row], access: Access) -> list[list[Row]]:
    """The products, in the partner's order."""
    columns = access.columns(order_lines, "OrderLine")
    return await access.rows(order_lines, "order_id", [o.id for o in parents], columns, (("line", False),))


@strawberry.interface
class Order(Node):
    """What a client bought in one go. Each partner's orders are a type of their own."""

    id: strawberry.ID
    party: Party = strawberry.field(description="Whose order it is.")
    placed_at: DateTime
    status: OrderStatus
    status_raw: str = strawberry.field(description="The status in the partner's own words.")
    total: Money = batch(total, needs=["total_minor", "currency"])
    lines: list[OrderLine] = batch(lines, needs=["id"], list_size=20)

    @staticmethod
    def type_names(rows: Sequence[Row]) -> list[str]:
        """An order's id begins with the name of its type."""
        return [row.id.partition(":")[0] for row in rows]


async def order_pages(
    access: Access, clients: Sequence[int], *, party: str | None, first: int | None, after: str | None
) -> list[Page]:
    """For each client, a page of its orders, newest first; of one party or of all that the caller may see."""
    return await access.pages(
        orders,
        "client_id",
        clients,
        access.columns(orders, "Order", "id"),
        NEWEST_FIRST,
        first=first,
        after=after,
        where=("party",) if party else (),
        count="total_count" in access.asked.get("OrderConnection", ()),
        **({"party": party} if party else {}),
    )
