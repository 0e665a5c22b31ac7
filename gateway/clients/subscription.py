"""Subscription: what can be followed as it happens, whoever the partners are."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import strawberry

from gateway.access.request import Access
from gateway.clients.orders import Order, orders
from gateway.clients.scalars import Party
from gateway.engine.batch import subscription
from gateway.store.queries import Row


async def order_changes(access: Access, *, party: Party | None = None) -> AsyncGenerator[Sequence[Row], None]:
    """Orders that the caller may see, as they come in and when something of them changes; of one party or of all."""
    columns = access.columns(orders, "Order", "id")
    async with aclosing(access.changes(party)) as changes:
        async for changed in changes:
            found = await access.one(orders, "id", changed, columns)
            yield [row for row in found if row is not None]


@strawberry.type
class Subscription:
    """What can be followed."""

    order_changed: Order = subscription(order_changes)
