"""Events: what partners' messages say happened to orders; each is kept once, until it has become of the orders.

An event is written down before its message is acknowledged, and done when the orders say what it said. What lies
between, a crash leaves as it is: a claim that is not settled in time is anybody's again, in any worker.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Index, Integer, Text, and_, delete, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clients.orders import OrderStatus
from gateway.store.tables import Instant, instant, table

partner_events = table(
    "partner_events",
    Column("connector", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("happened_at", Instant, nullable=False),
    Column("status", Text),
    Column("status_raw", Text),
    Column("due_at", Instant),
    Column("tries", Integer),
    Column("done_at", Instant),
    Column("outcome", Text),
)
"""A row an event; `key` is the same for every delivery of it. `due_at` says when somebody is to look at it, where that
is not at once. No caller reads this table, and nothing of a person is in it."""

Index(
    "ix_partner_events_open",
    partner_events.c.connector,
    partner_events.c.happened_at,
    sqlite_where=partner_events.c.done_at.is_(None),
)

LEASE = timedelta(minutes=2)
"""How long who claimed an event may take; then it is another's to do."""

AT_ONCE = 200
"""Events that are claimed at once."""

KEPT = timedelta(days=7)
"""How long an event is known again; longer than any partner sends it anew."""


class OrderEvent(NamedTuple):
    """Something that happened to an order.

    `key` is what its deliveries have in common, whatever that is; `order_id` is as in `orders`. `status` and
    `status_raw` are None where the message does not say enough: then the partner is asked.
    """

    key: Sequence[object]
    order_id: str
    at: datetime
    status: OrderStatus | None = None
    status_raw: str | None = None

    def row(self, connector: str) -> dict[str, Any]:
        """As it is kept."""
        told = "\x1f".join(map(str, self.key))
        return {
            "connector": connector,
            "key": hashlib.sha256(told.encode()).hexdigest(),
            "order_id": self.order_id,
            "happened_at": instant(self.at),
            "status": self.status.value if self.status else None,
            "status_raw": self.status_raw,
        }


class Claim(NamedTuple):
    """An event that is somebody's to do."""

    key: str
    order_id: str
    happened_at: str
    status: str | None
    status_raw: str | None
    tries: int


async def note(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Write events down; the (connector, key) of those that are new."""
    if not rows:
        return set()
    new = insert(partner_events).values(list(rows)).on_conflict_do_nothing()
    found = await connection.execute(new.returning(partner_events.c.connector, partner_events.c.key))
    return {(row.connector, row.key) for row in found}


def _due(now: datetime) -> ColumnElement[bool]:
    due = or_(partner_events.c.due_at.is_(None), partner_events.c.due_at <= instant(now))
    return and_(partner_events.c.done_at.is_(None), due)


async def waiting(connection: AsyncConnection, now: datetime) -> list[str]:
    """The connectors with events that somebody is to look at."""
    found = await connection.scalars(select(partner_events.c.connector).where(_due(now)).distinct())
    return list(found)


async def claim(connection: AsyncConnection, connector: str, now: datetime) -> list[Claim]:
    """Take the oldest events of a connector for as long as `LEASE`, in the order in which they happened."""
    events = partner_events.c
    oldest = (
        select(events.key)
        .where(events.connector == connector, _due(now))
        .order_by(events.happened_at)
        .limit(AT_ONCE)
    )
    taken = (
        update(partner_events)
        .where(events.connector == connector, events.key.in_(oldest))
        .values(due_at=instant(now + LEASE), tries=func.coalesce(events.tries, 0) + 1)
        .returning(*(events[name] for name in Claim._fields))
    )
    found = [Claim(*row) for row in await connection.execute(taken)]
    return sorted(found, key=lambda each: (each.happened_at, each.key))


async def settle(
    connection: AsyncConnection, connector: str, keys: Iterable[str], outcome: str, now: datetime
) -> None:
    """Say what became of events; nobody looks at them again."""
    await _write(connection, connector, keys, {"done_at": instant(now), "outcome": outcome})


async def put_off(connection: AsyncConnection, connector: str, keys: Iterable[str], until: datetime) -> None:
    """Have events looked at again, then."""
    await _write(connection, connector, keys, {"due_at": instant(until)})


async def _write(
    connection: AsyncConnection, connector: str, keys: Iterable[str], values: Mapping[str, str]
) -> None:
    events = partner_events.c
    named = and_(events.connector == connector, events.key.in_(list(keys)))
    await connection.execute(update(partner_events).where(named).values(**values))


async def forget(connection: AsyncConnection, now: datetime) -> None:
    """Delete events that were done so long ago that they do not come again."""
    await connection.execute(delete(partner_events).where(partner_events.c.done_at < instant(now - KEPT)))
