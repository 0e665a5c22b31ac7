"""Changes of orders: noted in the transaction of the change while somebody listens, and followed once a worker."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import event

from gateway.clients import changes as noting
from gateway.clients.changes import BACKLOG, KEPT, LEASE, LEVEL, Feed, Listener, forget
from gateway.errors import FieldError
from gateway.settings import Settings
from gateway.store.database import writer
from gateway.store.tables import instant
from tests.conftest import ORIGIN, empty_database
from tests.world import small_world, write


class Base:
    """A database with orders, and feeds on it as workers have them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 1000.0
        self._stack = AsyncExitStack()

    async def feed(self, followed: bool = True) -> Feed:
        engine = writer(self.path)
        self._stack.push_async_callback(engine.dispose)
        found = Feed(engine, lambda: self.now)
        if followed:
            await self._stack.enter_async_context(found.followed())
        return found

    async def close(self) -> None:
        await self._stack.aclose()

    def open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=30)

    def write(self, sql: str, *values: Any) -> None:
        with closing(self.open()) as database, database:
            database.execute(sql, values)

    def noted(self) -> list[str]:
        with closing(self.open()) as database:
            return [id for (id,) in database.execute("SELECT order_id FROM order_changes ORDER BY id")]

    def change(self, order: str = "AlibabaOrder:1011", status: str = "changed") -> None:
        self.write("UPDATE orders SET status_raw = status_raw || ? WHERE id = ?", status, order)

    def listen(self) -> None:
        self.write("INSERT INTO order_listeners VALUES ('other', '2999-01-01T00:00:00Z')")


@pytest_asyncio.fixture
async def base(tmp_path: Path) -> AsyncIterator[Base]:
    settings = Settings(state=tmp_path, origin=ORIGIN)
    await empty_database(settings)
    database = writer(settings.database)
    async with database.begin() as connection:
        await write(connection, small_world())
    await database.dispose()
    found = Base(settings.database)
    yield found
    await found.close()


def test_while_nobody_listens_nothing_is_noted(base: Base) -> None:
    base.change()
    assert base.noted() == []


@pytest.mark.parametrize(
    "column",
    [
        *("party", "account_id", "placed_at", "placed_at_raw", "modified_at"),
        *("status", "status_raw", "total_minor", "currency"),
    ],
)
def test_any_part_of_an_order_is_a_change_of_it(base: Base, column: str) -> None:
    base.listen()
    base.write(f"UPDATE orders SET {column} = {column} || '1' WHERE id = 'AlibabaOrder:1011'")
    assert base.noted() == ["AlibabaOrder:1011"]


def test_what_is_written_as_it_was_is_no_change(base: Base) -> None:
    """As an overlap brings it; nor is the client, whom linking finds."""
    base.listen()
    base.write(
        "INSERT INTO orders SELECT * FROM orders WHERE true ON CONFLICT DO UPDATE SET status = excluded.status"
    )
    base.write("UPDATE orders SET client_id = NULL")
    assert base.noted() == []


def test_a_new_order_is_a_change(base: Base) -> None:
    base.listen()
    base.write(
        "INSERT INTO orders SELECT 'AlibabaOrder:9', party, account_id, client_id, placed_at, placed_at_raw, "
        "modified_at, status, status_raw, total_minor, currency FROM orders WHERE id = 'AlibabaOrder:1011'"
    )
    assert base.noted() == ["AlibabaOrder:9"]


def test_what_is_undone_was_no_change(base: Base) -> None:
    """Whole transactions and parts of them, as a batch that the database refuses."""
    base.listen()
    with closing(base.open()) as database:
        database.execute("UPDATE orders SET status_raw = 'x'")
        database.rollback()
        database.execute("UPDATE orders SET status_raw = 'y' WHERE id = 'AlibabaOrder:1011'")
        database.execute("SAVEPOINT part")
        database.execute("UPDATE orders SET status_raw = 'z'")
        database.execute("ROLLBACK TO part")
        database.commit()
    assert base.noted() == ["AlibabaOrder:1011"]


async def taken(changes: AsyncGenerator[Sequence[str], None]) -> list[str]:
    async with asyncio.timeout(10):
        return list(await anext(changes))


async def begun(feed: Feed, party: str | None = None) -> tuple[Any, Any]:
    """Changes that somebody waits for already."""
    before = len(feed)
    changes = feed.changes(party)
    waiting = asyncio.ensure_future(taken(changes))
    while len(feed) == before and not waiting.done():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)
    return changes, waiting


async def test_a_feed_begins_when_somebody_listens(base: Base) -> None:
    """What changed before is not told; what changes then, is, in its order and each order once."""
    feed = await base.feed()
    base.change()
    changes, waiting = await begun(feed)
    with closing(base.open()) as database, database:
        for order in ("AlibabaOrder:1012", "AlibabaOrder:1011", "AlibabaOrder:1012"):
            database.execute("UPDATE orders SET status_raw = status_raw || 'x' WHERE id = ?", (order,))
    assert await waiting == ["AlibabaOrder:1011", "AlibabaOrder:1012"]
    await changes.aclose()
    assert len(feed) == 0


async def test_two_workers_both_hear_of_a_change(base: Base) -> None:
    """Each has its own word in the table, and its own place."""
    heard = [await begun(await base.feed()) for _ in range(2)]
    base.change()
    assert [await waiting for _, waiting in heard] == [["AlibabaOrder:1011"]] * 2
    for changes, _ in heard:
        await changes.aclose()


async def test_a_party_is_all_that_some_listen_to(base: Base) -> None:
    feed = await base.feed()
    changes, waiting = await begun(feed, "MAILRU")
    base.change()
    base.change("PandaoOrder:1011")
    assert await waiting == ["PandaoOrder:1011"]
    await changes.aclose()


async def test_a_feed_is_read_once_for_all(base: Base) -> None:
    """Ten who listen are no more work for the database than one."""
    feed = await base.feed(followed=False)
    heard = [await begun(feed) for _ in range(10)]
    base.change()
    statements: list[str] = []
    event.listen(
        feed._engine.sync_engine, "before_cursor_execute", lambda *given: statements.append(given[2])
    )
    await feed.refresh()
    assert [await waiting for _, waiting in heard] == [["AlibabaOrder:1011"]] * 10
    assert len(statements) == 1
    for changes, _ in heard:
        await changes.aclose()


async def test_old_changes_go_and_so_do_the_words_of_workers_that_are_gone(base: Base) -> None:
    """When a worker says that it listens, and at the beginning of each round."""
    base.write("INSERT INTO order_listeners VALUES ('dead', '2026-01-01T00:00:00Z')")
    base.change()
    base.write("UPDATE order_changes SET changed_at = '2026-01-01T00:00:00Z'")
    base.change("AlibabaOrder:1012")
    database = writer(base.path)
    async with database.begin() as connection:
        await forget(connection, datetime.now(UTC))
    await database.dispose()
    assert base.noted() == ["AlibabaOrder:1012"]
    base.change()
    assert base.noted() == ["AlibabaOrder:1012"]


def until(base: Base) -> str:
    with closing(base.open()) as database:
        [(found,)] = database.execute("SELECT until FROM order_listeners").fetchall()
    return str(found)


async def test_a_word_is_renewed_while_somebody_listens(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long before it is out of date."""
    monkeypatch.setattr(noting, "PAUSE", 0.01)
    feed = await base.feed()
    changes, waiting = await begun(feed)
    base.write("UPDATE order_listeners SET until = ?", instant(datetime.now(UTC) + timedelta(seconds=1)))
    base.now += LEASE.total_seconds() * 0.6
    async with asyncio.timeout(10):
        while until(base) < instant(datetime.now(UTC) + LEASE / 2):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    base.change()
    assert await waiting == ["AlibabaOrder:1011"]
    await changes.aclose()


async def test_no_exception_ends_the_following(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is; what changes after it is heard."""
    monkeypatch.setattr(noting, "PAUSE", 0.01)
    feed = await base.feed()
    changes, waiting = await begun(feed)
    refresh, failed = feed.refresh, asyncio.Event()

    async def refresh_later() -> None:
        if not failed.is_set():
            failed.set()
            raise ValueError
        await refresh()

    monkeypatch.setattr(feed, "refresh", refresh_later)
    async with asyncio.timeout(10):
        await failed.wait()
        base.change()
        assert await waiting == ["AlibabaOrder:1011"]
    await changes.aclose()


async def test_who_may_have_missed_something_is_told(base: Base) -> None:
    """Where a worker could not renew its word in time, the streams end; they begin anew with the next subscription."""
    feed = await base.feed(followed=False)
    _, waiting = await begun(feed)
    base.now += LEASE.total_seconds() + 1
    changes, again = await begun(feed)
    with pytest.raises(FieldError, match="subscribe again"):
        await waiting
    base.change()
    await feed.refresh()
    assert await again == ["AlibabaOrder:1011"]
    await changes.aclose()


async def test_a_database_that_cannot_be_written_is_said(base: Base) -> None:
    feed = await base.feed(followed=False)
    base.path.rename(base.path.with_suffix(".gone"))
    with pytest.raises(FieldError, match="try again") as raised:
        await taken(feed.changes())
    assert raised.value.extensions["code"] == "UNAVAILABLE"


async def test_who_is_too_slow_is_let_go() -> None:
    """With a bounded number of orders waiting for it, however often they change."""
    slow = Listener(None)
    for _ in range(3):
        slow.offer((f"AlibabaOrder:{number}", "ALIBABA") for number in range(BACKLOG))
    assert await slow.take() == [f"AlibabaOrder:{number}" for number in range(LEVEL)]
    slow.offer((f"PandaoOrder:{number}", "MAILRU") for number in range(LEVEL + 1))
    with pytest.raises(FieldError) as raised:
        await slow.take()
    assert raised.value.extensions["code"] == "TOO_SLOW"


def test_changes_are_kept_longer_than_anybody_is_late() -> None:
    """A worker that cannot read for ten seconds refuses everybody."""
    assert timedelta(minutes=1) < KEPT
