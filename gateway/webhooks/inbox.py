"""The inbox: what came is on the disk before anybody is told so; messages that come together are written together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.store.database import immediate
from gateway.store.tables import instant
from gateway.sync.records import Letter
from gateway.sync.runs import count_letters, dead_letters
from gateway.webhooks.events import note

TOGETHER = 500
"""Messages that are written in one transaction."""

PATIENCE = 3.0
"""Seconds that a message waits for the database; a partner does not wait long either, and sends it again."""

MESSAGES = "messages"
"""What messages are called where datasets are named."""


class Unkept(Exception):
    """The database could not take a message now; it is not acknowledged, so that it comes again."""


class Entry(NamedTuple):
    """What is kept of one message: its events as rows, or the letter of one that could not be read."""

    connector: str
    rows: Sequence[Mapping[str, Any]] = ()
    letter: Letter | None = None


Waiting = tuple[Entry, asyncio.Future[bool]]


class Inbox:
    """Where one worker puts messages."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._waiting: list[Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(self, entry: Entry) -> bool:
        """Keep a message; whether anything of it was new. Raises `Unkept`."""
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, kept))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        new: bool = await kept
        return new

    async def _write(self) -> None:
        """Write what waits, and what comes meanwhile."""
        while self._waiting:
            together, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
            try:
                async with asyncio.timeout(PATIENCE), immediate(self._engine) as connection:
                    new = await note(connection, [row for entry, _ in together for row in entry.rows])
                    await _put_aside(connection, [entry for entry, _ in together if entry.letter])
            except (SQLAlchemyError, TimeoutError, OSError):
                _tell(together, None)
            else:
                _tell(together, new)


def _tell(together: Sequence[Waiting], new: set[tuple[str, str]] | None) -> None:
    """Let those who wait know; who hung up is not told."""
    for entry, kept in together:
        if kept.done():
            continue
        if new is None:
            kept.set_exception(Unkept())
        else:
            keys = {(row["connector"], row["key"]) for row in entry.rows}
            kept.set_result(bool(keys & new) or entry.letter is not None)


async def _put_aside(connection: AsyncConnection, unread: Sequence[Entry]) -> None:
    if not unread:
        return
    seen = instant(datetime.now(UTC))
    letters = [
        {"connector": each.connector, "dataset": MESSAGES, "seen_at": seen, **(each.letter or {})}
        for each in unread
    ]
    await connection.execute(insert(dead_letters).values(letters).on_conflict_do_nothing())
    for connector in {each.connector for each in unread}:
        await count_letters(connection, connector, MESSAGES)
