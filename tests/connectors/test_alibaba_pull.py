"""Pulling AliExpress over a real socket: everything, once, from wherever it stopped, whatever moves meanwhile."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.alibaba import connector
from connectors.alibaba.listings import BEGINNING, Listing, Place
from connectors.alibaba.orders import order_list, read_order
from connectors.alibaba.pacific import unambiguous, wall
from connectors.alibaba.sandbox import sandbox
from connectors.alibaba.sandbox.furnishing import order_id
from gateway.connector import Batch, Cursor, Upstream, accounts, instant, order_lines, orders
from tests.connectors.test_alibaba_world import SETTINGS, TWICE, Books, books, reached, served

__all__ = ["books"]

ORDERS = 332
NARROW = replace(order_list, most=60)
"""The order list in small windows, so that a small world needs many."""


@pytest.fixture(scope="module")
def address(books: Path) -> Iterator[str]:
    """Where the sandbox of the small world listens."""
    with served(sandbox(books, SETTINGS)) as found:
        yield found


@pytest.fixture
async def upstream(address: str) -> AsyncIterator[Upstream]:
    """The partner, reached."""
    async with reached(address) as found:
        yield found


async def pulled(listing: Listing, upstream: Upstream, cursor: Cursor) -> list[Batch]:
    """All batches of a pull."""
    return [batch async for batch in listing.pull(upstream, cursor)]


def ids(batches: list[Batch]) -> list[int]:
    """The order ids in batches, as often as they came."""
    return [record["order_id"] for batch in batches for record in batch.records]


def span(since: datetime, until: datetime) -> Cursor:
    """The cursor of a pull that was begun for this span and stopped before its first page."""
    return Place(since, until, ORDERS, 0, since, until, 0).cursor(NARROW)


async def test_all_orders(upstream: Upstream) -> None:
    """An initial pull brings every order once, finished or not, and what each of its lines cost."""
    batches = await pulled(order_list, upstream, {})
    found = [read_order(record) for batch in batches for record in batch.records]
    assert len(found) == ORDERS == batches[0].expected
    world = list(Books().purchases("ALIBABA"))
    assert len({row["id"] for rows in found for row in rows[orders]}) == ORDERS
    assert sorted(row["total_minor"] for rows in found for row in rows[orders]) == sorted(
        sum(line.cents for line in purchase.lines) for purchase in world
    )
    assert sum(len(rows[order_lines]) for rows in found) == sum(len(purchase.lines) for purchase in world)
    placed = {row["placed_at"] for rows in found for row in rows[orders]}
    assert placed == {purchase.at.isoformat().replace("+00:00", "Z") for purchase in world}


async def test_all_members(upstream: Upstream) -> None:
    """The same holds for members."""
    members = connector.datasets[0]
    batches = [batch async for batch in members.pull(upstream, {})]
    found = [members.read(record) for batch in batches for record in batch.records]
    assert {row["id"] for rows in found for row in rows[accounts]} == {
        f"ALIBABA:{member.account}" for member in Books().members("ALIBABA")
    }


async def test_small_windows_bring_the_same(upstream: Upstream) -> None:
    """However small the windows, the union is the same, and only a window's edge may come twice."""
    found = ids(await pulled(NARROW, upstream, {}))
    assert len(set(found)) == ORDERS
    assert len(found) < ORDERS * 1.05


async def test_an_empty_decade_is_cheap(address: str) -> None:
    """Years without an order cost a handful of calls."""
    calls = 0

    class Counted(Upstream):
        async def send(self, request: Any) -> Any:
            nonlocal calls
            calls += 1
            return await super().send(request)

    async with Counted("alibaba", {"url": address, **SETTINGS}) as upstream:
        await pulled(NARROW, upstream, span(BEGINNING, datetime(2016, 12, 1, tzinfo=UTC)))
    assert calls <= 2


async def test_a_cursor_from_a_clock_that_was_ahead_hides_nothing(upstream: Upstream) -> None:
    """What came in the time that was skipped would never be asked for: all is read again."""
    ahead = datetime.now(UTC) + timedelta(days=30)
    batches = await pulled(order_list, upstream, {"until": instant(ahead)})
    assert len(ids(batches)) == ORDERS
    assert batches[-1].cursor["until"] <= instant(datetime.now(UTC))
    a_little = datetime.now(UTC) + timedelta(minutes=2)
    assert ids(await pulled(order_list, upstream, {"until": instant(a_little)})) == []


async def test_nothing_new(upstream: Upstream) -> None:
    """A second pull starts where the first ended, brings nothing, and still says where the third starts."""
    *_, last = await pulled(order_list, upstream, {})
    assert set(last.cursor) == {"until"}
    again = await pulled(order_list, upstream, last.cursor)
    assert ids(again) == []
    assert again[-1].cursor["until"] >= last.cursor["until"]


async def test_resumes_behind_every_batch(upstream: Upstream) -> None:
    """Stopped after any batch and taken up from its cursor, a pull brings all that was missing, and little twice."""
    batches = await pulled(NARROW, upstream, {})
    assert len(batches) > 8
    for place, batch in enumerate(batches, 1):
        # A cursor is kept as JSON.
        cursor = orjson.loads(orjson.dumps(batch.cursor))
        before, after = ids(batches[:place]), ids(await pulled(NARROW, upstream, cursor))
        assert len({*before, *after}) == ORDERS
        assert len(before) + len(after) < ORDERS * 1.05


async def test_a_pull_left_midway_ends(upstream: Upstream) -> None:
    """A consumer that stops leaves no call behind."""
    pull = order_list.pull(upstream, {})
    first = await anext(pull)
    assert first.records
    await pull.aclose()  # type: ignore[attr-defined]
    assert len(set(ids(await pulled(order_list, upstream, {})))) == ORDERS


async def test_orders_that_change_meanwhile(books: Path, tmp_path: Path) -> None:
    """When orders leave the list while it is paged, the rest still comes, and they come with the next pull."""
    shutil.copy(books / "alibaba.db", tmp_path / "alibaba.db")
    until, later = datetime(2018, 6, 1, tzinfo=UTC), "2018-07-01 12:00:00"
    seen: list[Batch] = []
    with (
        served(sandbox(tmp_path, SETTINGS)) as address,
        closing(sqlite3.connect(tmp_path / "alibaba.db")) as shop,
    ):
        async with reached(address) as upstream:
            async for batch in replace(NARROW, most=1_000).pull(upstream, span(BEGINNING, until)):
                seen.append(batch)
                with shop:
                    # Whatever the list shows first and last, seen or not, is changed behind its back.
                    shop.execute(CHANGE, (later, wall(until)))
                    shop.execute(CHANGE.replace("DESC", "ASC"), (later, wall(until)))
            first = set(ids(seen))
            [(changed,)] = shop.execute("SELECT count(*) FROM orders WHERE modified = ?", [later])
            assert len(first) < ORDERS
            assert changed > ORDERS - len(first)
            second = set(ids(await pulled(NARROW, upstream, seen[-1].cursor)))
    assert len(first | second) == ORDERS


CHANGE = """
UPDATE orders SET modified = ?
WHERE id IN (SELECT id FROM orders WHERE modified <= ? ORDER BY modified DESC, id DESC LIMIT 7)
"""


async def test_the_repeated_hour(upstream: Upstream) -> None:
    """Wherever a pull ends on the night of the repeated hour, it and the next together miss nothing."""
    evening, morning = TWICE - timedelta(hours=12), TWICE + timedelta(hours=12)
    received = {order_id(p.number): p.at + timedelta(days=14) for p in Books().purchases("ALIBABA")}
    changed = {order: moment for order, moment in received.items() if evening <= moment < morning}
    assert {TWICE, TWICE + timedelta(hours=1)} <= {*changed.values()}
    for minutes in range(-120, 180, 10):
        now = TWICE + timedelta(minutes=minutes)
        before = ids(await pulled(NARROW, upstream, span(evening, unambiguous(now))))
        after = ids(await pulled(NARROW, upstream, span(unambiguous(now), morning)))
        assert {*before, *after} >= {*changed}
        # What changed after the first pull can only have come with the second.
        assert {*after} >= {order for order, moment in changed.items() if moment > now}
