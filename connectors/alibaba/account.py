"""A client's account at AliExpress, as a field of `Client`."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from connectors.alibaba.members import PARTY
from gateway.connector import (
    FORWARD,
    Access,
    Amount,
    Connection,
    DateTime,
    Money,
    Order,
    Page,
    Row,
    accounts_of,
    batch,
    lifetime_values,
    order_pages,
    requires,
)


async def account_values(rows: Sequence[Row], access: Access) -> list[Amount | None]:
    """What the client paid on AliExpress in all, cancelled and refunded orders aside."""
    return await lifetime_values(access, PARTY, [row.client_id for row in rows])


async def account_orders(
    rows: Sequence[Row], access: Access, *, first: int | None = None, after: str | None = None
) -> list[Page]:
    """What the client bought on AliExpress, newest first."""
    clients = [row.client_id for row in rows]
    return await order_pages(access, clients, party=PARTY, first=first, after=after)


@strawberry.type(directives=[requires("alibaba:read")])
class AlibabaAccount:
    """A client at AliExpress."""

    member_since: DateTime | None
    lifetime_value: Money | None = batch(account_values, needs=["client_id"], cost=5)
    orders: Connection[Order] = batch(account_orders, needs=["client_id"], list_size=FORWARD)


async def client_accounts(rows: Sequence[Row], access: Access) -> list[Row | None]:
    """The client at AliExpress; null where it has no account there that the caller may see."""
    return await accounts_of(access, PARTY, [row.key for row in rows])


@strawberry.type
class AlibabaClient:
    """What this connector adds to `Client`."""

    alibaba: AlibabaAccount | None = batch(client_accounts, needs=["key"], requires=requires("alibaba:read"))
