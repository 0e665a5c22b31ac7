"""The pool of callers' connections: no caller ever meets another's rows on them, and none is lost to it."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import column, select, text

from gateway.access.agreements import CONTRACT
from gateway.clients.orders import orders
from gateway.oauth.tokens import Caller
from gateway.schema import declared_schema
from gateway.settings import Settings
from gateway.store.database import writer
from gateway.store.queries import Query
from gateway.store.readers import Readers
from tests.conftest import Gateway, empty_database, start
from tests.questions import ALL
from tests.world import speaking_world, write

EVERY_SCOPE = frozenset(declared_schema().scopes)
ORDERS = Query(select(orders.c.id))
FOREVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS found FROM n"
ENDLESS = Query(text(FOREVER).columns(column("found")))  # type: ignore[arg-type]


def caller(party: str, purpose: str = "analytics") -> Caller:
    """A caller with every scope there is."""
    return Caller(party, "app", EVERY_SCOPE, purpose)


A, M, F = caller("ALIBABA"), caller("MAILRU"), caller("RDIF")


@pytest.fixture
async def empty(tmp_path: Path) -> Path:
    """A database without rows, but with the agreements."""
    settings = Settings(state=tmp_path)
    await empty_database(settings)
    return settings.database


@pytest.fixture
async def readers(empty: Path) -> AsyncIterator[Readers]:
    """A pool of one connection over everybody's rows."""
    engine = writer(empty)
    async with engine.begin() as connection:
        await write(connection, speaking_world())
    await engine.dispose()
    pool = Readers(empty, 1)
    await pool.open()
    yield pool
    await pool.close()


async def seen(readers: Readers, who: Caller) -> int:
    """How many orders a caller sees: Alibaba 6, Mail.ru 8, the fund none."""
    return len(await readers.fetch(who, ORDERS))


async def test_each_caller_gets_its_own_rows_whoever_came_before(readers: Readers) -> None:
    """Also the same party for another purpose, and a token of the same words again."""
    turns = [
        (A, 6),
        (M, 8),
        (F, 0),
        (caller("ALIBABA", "demand_forecast"), 4),
        (caller("ALIBABA"), 6),
        (M, 8),
    ]
    random.seed(4)
    for who, number in random.choices(turns, k=200):
        assert await seen(readers, who) == number


@pytest.mark.parametrize(
    "bad", [caller("\ud800"), Caller("ALIBABA", "app", frozenset(["\ud800"]), "analytics")]
)
async def test_a_caller_that_cannot_take_the_connection_gets_nothing_and_leaves_nothing(
    readers: Readers, bad: Caller
) -> None:
    """Not the rights of whoever had it before, at the first attempt or the second; the next caller gets its own."""
    assert await seen(readers, A) == 6
    for _ in range(2):
        with pytest.raises((TypeError, UnicodeEncodeError)):
            await readers.fetch(bad, ORDERS)
    assert await seen(readers, F) == 0
    assert await seen(readers, M) == 8
    with pytest.raises((TypeError, UnicodeEncodeError)):
        await readers.fetch(bad, ORDERS)
    assert await seen(readers, A) == 6


async def test_a_statement_that_fails_leaves_the_connection_to_the_next(readers: Readers) -> None:
    """And the caller what it was."""
    broken = Query(text("SELECT nothing AS found FROM orders").columns(column("found")))  # type: ignore[arg-type]
    for who, number in ((A, 6), (M, 8)):
        with pytest.raises(sqlite3.OperationalError):
            await readers.fetch(who, broken)
        assert await seen(readers, who) == number


async def test_a_cancelled_fetch_stops_in_the_database_and_frees_its_connection(readers: Readers) -> None:
    """A caller that hangs up does not keep the only connection busy for ever."""
    for _ in range(5):
        running = asyncio.create_task(readers.fetch(A, ENDLESS))
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        async with asyncio.timeout(2):
            assert await seen(readers, M) == 8


async def test_a_fetch_cancelled_at_any_moment_leaves_nobodys_rights_behind(readers: Readers) -> None:
    """While it waits for the connection, while it takes it, while it reads, and just when it is done."""
    random.seed(7)
    expected = {A: 6, M: 8, F: 0}
    for _ in range(150):
        tasks = [asyncio.create_task(seen(readers, random.choice([A, M, F]))) for _ in range(3)]
        await asyncio.sleep(random.choice([0, 0, 0.0001, 0.0005, 0.002]))
        for task in random.sample(tasks, 2):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        who = random.choice([A, M, F])
        async with asyncio.timeout(2):
            assert await seen(readers, who) == expected[who]


async def test_a_hundred_requests_at_once_never_meet(tmp_path: Path) -> None:
    """Of all parties, purposes and scopes, over two connections: each is answered as if it were alone."""
    # With places for all, lest a machine that is slow keeps some of one application waiting for too long.
    async for gateway in start(tmp_path, speaking_world(), readers=2, places=200):
        kinds = [
            gateway.token(party, scopes, purpose)
            for party in CONTRACT.parties
            for purpose in ("analytics", "demand_forecast")
            for scopes in (None, "clients:read alibaba:read", "clients:read mailru:read mailru:segments")
        ]
        alone = {
            (token, question.document): await answer(gateway, token, question.document)
            for token in kinds
            for question in ALL
        }
        assert len(set(alone.values())) > 20
        random.seed(1)
        for _ in range(2):
            asked = random.choices(list(alone), k=100)
            answers = await asyncio.gather(*(answer(gateway, *each) for each in asked))
            assert answers == [alone[each] for each in asked]


async def answer(gateway: Gateway, token: str, document: str) -> bytes:
    """The answer's body."""
    response = await gateway.post({"query": document}, token)
    assert response.status_code == 200
    return response.content
