"""Changes of orders: written by the database with the change itself, and followed by each worker that has subscribers.

A row of `order_changes` is written by a trigger of `orders`, so that it is in the transaction of the change, whoever
makes it, and gone with it when that is rolled back. The trigger writes nothing while nobody listens: a first filling of
the base, and every pull without an audience, cost a look at an empty table a row, which cannot be measured.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Column, Integer, Text, delete, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.background import beside, whole
from gateway.errors import FieldError
from gateway.store.database import immediate
from gateway.store.tables import Instant, instant, table

logger = logging.getLogger("gateway.clients.changes")

order_changes = table(
    "order_changes",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("order_id", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    sqlite_autoincrement=True,
)
"""A row a change. SQLite has one writer at a time, so ids are committed in their order and none comes in late; a
database with several writers would need another way to follow them. No caller reads this table."""

order_listeners = table(
    "order_listeners",
    Column("worker", Text, primary_key=True),
    Column("until", Instant, nullable=False),
)
"""The workers with subscribers, each until when it wants changes written down."""

PAUSE = 0.5
"""Seconds between two readings of a worker, whatever the number of its subscribers."""

AT_ONCE = 1_000
"""Changes that are read at once, so that a great pull comes in parts."""

LEASE = timedelta(minutes=10)
"""How long a worker's word holds that somebody listens; longer than any one transaction keeps it from renewing it."""

KEPT = timedelta(minutes=10)
"""How long a change is kept for workers that are late."""

LEVEL = 100
"""Orders that a subscriber is given at once."""

BACKLOG = 10_000
"""Orders that may wait for one subscriber, each once however often it changed."""


class Listener:
    """One subscriber's place in a feed: the orders that changed and that it has not taken yet."""

    def __init__(self, party: str | None) -> None:
        self._party = party
        self._waiting: dict[str, None] = {}
        self._woken = asyncio.Event()
        self._ended: FieldError | None = None

    def offer(self, changes: Iterable[tuple[str, str]]) -> None:
        """Note changes, as (order, party); ends a subscriber for whom too many wait."""
        for order, party in changes:
            if self._party in (None, party):
                # What changed again comes in the order of its last change.
                self._waiting.pop(order, None)
                self._waiting[order] = None
        if len(self._waiting) > BACKLOG:
            self.end(FieldError("The changes were not taken as fast as they came.", "TOO_SLOW"))
        if self._waiting:
            self._woken.set()

    def end(self, reason: FieldError) -> None:
        """Let it take no more."""
        self._waiting.clear()
        self._ended = reason
        self._woken.set()

    async def take(self) -> list[str]:
        """The next orders, once there are some. Raises `FieldError` when there will be none."""
        await self._woken.wait()
        if self._ended is not None:
            raise self._ended
        taken = list(self._waiting)[:LEVEL]
        for each in taken:
            del self._waiting[each]
        if not self._waiting:
            self._woken.clear()
        return taken


class Feed:
    """The changes of orders as one worker follows them while `followed`: read once for all its subscribers.

    `clock` gives seconds that never go back.
    """

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._worker = secrets.token_hex(8)
        self._listeners: set[Listener] = set()
        self._heard = asyncio.Event()
        self._opening = asyncio.Lock()
        self._position = 0
        self._until = float("-inf")

    def __len__(self) -> int:
        """How many listen."""
        return len(self._listeners)

    async def changes(self, party: str | None = None) -> AsyncGenerator[Sequence[str], None]:
        """The ids of orders that change from now on, of one party or of all; those that changed together at once.

        Raises `FieldError` where it cannot begin or go on.
        """
        await self._open()
        listener = Listener(party)
        self._listeners.add(listener)
        self._heard.set()
        try:
            while True:
                yield await listener.take()
        finally:
            self._listeners.discard(listener)

    async def _open(self) -> None:
        """See to it that what changes from now on is written down, and read from here."""
        async with self._opening:
            try:
                if self._is_due():
                    await self._renew()
                if not self._listeners:
                    async with self._engine.connect() as connection:
                        newest = await connection.scalar(select(func.max(order_changes.c.id)))
                    self._position = max(self._position, newest or 0)
            except (SQLAlchemyError, TimeoutError, OSError):
                raise FieldError(
                    "Changes cannot be followed now; try again in a moment.", "UNAVAILABLE"
                ) from None

    def _is_due(self) -> bool:
        """Whether half of the lease is over."""
        return self._clock() > self._until - LEASE.total_seconds() / 2

    async def _renew(self) -> None:
        began, now = self._clock(), datetime.now(UTC)
        lapsed = began > self._until and self._listeners
        async with immediate(self._engine) as connection:
            await _listen(connection, self._worker, now)
        self._until = began + LEASE.total_seconds()
        if lapsed:
            self._end("Some changes may not have been written down; subscribe again.")

    def _end(self, message: str) -> None:
        for each in self._listeners:
            each.end(FieldError(message, "UNAVAILABLE"))

    async def refresh(self) -> None:
        """Read what is new and offer it. Raises `SQLAlchemyError`."""
        fresh = (
            select(order_changes.c.id, order_changes.c.order_id, order_changes.c.party)
            .where(order_changes.c.id > self._position)
            .order_by(order_changes.c.id)
            .limit(AT_ONCE)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(fresh)).all()
        if rows:
            self._position = max(self._position, rows[-1].id)
            changes = [(row.order_id, row.party) for row in rows]
            for each in self._listeners:
                each.offer(changes)

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Follow the table while the block runs, whenever somebody listens."""
        try:
            async with beside(self._follow()):
                yield
        finally:
            await self._engine.dispose()

    async def _follow(self) -> None:
        failing = False
        while True:
            if not self._listeners:
                self._heard.clear()
                await self._heard.wait()
            try:
                await whole(self.refresh())
                if self._is_due():
                    await whole(self._renew())
            except Exception as error:
                # Whatever it is: nobody would hear of it, and following must go on.
                if not failing:
                    logger.error("changes cannot be followed", extra={"reason": type(error).__name__})
                failing = True
            else:
                failing = False
            await asyncio.sleep(PAUSE)


async def forget(connection: AsyncConnection, now: datetime) -> None:
    """Delete changes that are old, and the words of workers that are gone."""
    await connection.execute(delete(order_listeners).where(order_listeners.c.until < instant(now)))
    await connection.execute(delete(order_changes).where(order_changes.c.changed_at < instant(now - KEPT)))


async def _listen(connection: AsyncConnection, worker: str, now: datetime) -> None:
    """Put down that a worker listens; what is out of date goes."""
    await forget(connection, now)
    row = {"worker": worker, "until": instant(now + LEASE)}
    statement = insert(order_listeners).values(row)
    await connection.execute(statement.on_conflict_do_update(index_elements=["worker"], set_=row))
