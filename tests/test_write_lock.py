"""The write lock: a token request that must write gets its turn while a sync writes without end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.oauth.spent import spend
from gateway.store.database import GAP, immediate, writer
from gateway.sync.runs import dead_letters
from tests.conftest import ORIGIN, Settings, empty_database

SOON = datetime.now(UTC) + timedelta(hours=1)


async def use(engine: AsyncEngine, value: str) -> bool:
    """Use a value up as a request does."""
    async with immediate(engine) as connection:
        return await connection.run_sync(lambda sync: spend(sync, "test", value, SOON))


async def test_of_many_who_use_a_value_up_one_succeeds(tmp_path: Path) -> None:
    """Thirty at once, over two engines as two workers have them."""
    settings = Settings(state=tmp_path, origin=ORIGIN)
    await empty_database(settings)
    engines = [writer(settings.database), writer(settings.database)]
    used = await asyncio.gather(*(use(engines[each % 2], "once") for each in range(30)))
    assert used.count(True) == 1
    for engine in engines:
        await engine.dispose()


async def test_what_a_request_wrote_is_undone_when_it_fails(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path, origin=ORIGIN)
    await empty_database(settings)
    engine = writer(settings.database)

    async def failing() -> None:
        async with immediate(engine) as connection:
            assert await connection.run_sync(lambda sync: spend(sync, "test", "once", SOON))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing()
    assert await use(engine, "once")
    await engine.dispose()


async def test_a_request_gets_its_turn_between_two_transactions_of_a_sync(tmp_path: Path) -> None:
    """A sync holds the lock nearly all the time; SQLite's own waiting would sleep through its short gaps."""
    settings = Settings(state=tmp_path, origin=ORIGIN)
    await empty_database(settings)
    engines = [writer(settings.database), writer(settings.database)]
    async with engines[0].connect() as syncing:
        sync = asyncio.create_task(_sync(syncing))
        await asyncio.sleep(0.1)
        for value in range(5):
            assert await use(engines[1], str(value))
        assert not sync.done()
        sync.cancel()
        await asyncio.gather(sync, return_exceptions=True)
    for engine in engines:
        await engine.dispose()


HELD = 0.25
"""Seconds that the test's sync holds the lock at a time."""


async def _sync(connection: AsyncConnection) -> None:
    for number in range(1000):
        row = {"connector": "x", "dataset": "y", "digest": str(number), "reason": "", "record": ""}
        await connection.execute(insert(dead_letters).values(**row, seen_at="2026-01-01T00:00:00Z"))
        await asyncio.sleep(HELD)
        await connection.commit()
        await asyncio.sleep(GAP)
