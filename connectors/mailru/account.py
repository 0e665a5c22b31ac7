"""A client's account at Mail.ru Group: what it bought on Pandao, and how it is advertised to."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from connectors.mailru.reach import AdReach, ad_reaches
from connectors.mailru.segments import Segment, client_segments
from connectors.mailru.users import PARTY
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


async def paid(rows: Sequence[Row], access: Access) -> list[Amount | None]:
    """What it paid on Pandao in all, cancelled and refunded orders aside."""
    return await lifetime_values(access, PARTY, _clients(rows))


async def account_orders(
    rows: Sequence[Row], access: Access, *, first: int | None = None, after: str | None = None
) -> list[Page]:
    """What it bought on Pandao, newest first."""
    return await order_pages(access, _clients(rows), party=PARTY, first=first, after=after)


async def account_segments(rows: Sequence[Row], access: Access) -> list[list[Row]]:
    """The audiences in myTarget that it is in."""
    return await client_segments(access, _clients(rows))


def _clients(rows: Sequence[Row]) -> list[int]:
    return [row.client_id for row in rows]


@strawberry.type(directives=[requires("mailru:read")])
class MailruAccount:
    """A client's account at Mail.ru Group."""

    member_since: DateTime | None
    lifetime_value: Money | None = batch(paid, needs=["client_id"], cost=5)
    orders: Connection[Order] = batch(account_orders, needs=["client_id"], list_size=FORWARD)
    segments: list[Segment] | None = batch(
        account_segments, needs=["client_id"], requires=requires("mailru:segments"), list_size=10
    )
    ad_reach: AdReach | None = batch(
        ad_reaches, needs=["client_id"], requires=requires(["mailru:ads", "mailru:segments"]), cost=10
    )


async def client_accounts(rows: Sequence[Row], access: Access) -> list[Row | None]:
    """Its account at Mail.ru Group, null where there is none that the caller may see."""
    return await accounts_of(access, PARTY, [row.key for row in rows])


@strawberry.type
class MailruClient:
    """What Mail.ru Group adds to a client."""

    mailru: MailruAccount | None = batch(client_accounts, needs=["key"], requires=requires("mailru:read"))
