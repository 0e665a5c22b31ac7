"""Dead letters: whole records of a partner's, so none is kept once it could be read, or for more than 30 days."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.connector import Batch, Cursor, Dataset, Rows, Unreadable, Upstream, instant
from gateway.discovery import discover
from gateway.store.database import migrate, writer
from gateway.sync.letters import KEPT
from gateway.sync.pull import pull
from gateway.sync.rounds import pull_all
from gateway.sync.runs import Declared, dead_letters, declare, sync_runs

RECORDS = [{"user": {"id": number}, "born": 1990} for number in range(3)]


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An empty base that knows of one dataset."""
    migrate(tmp_path / "gateway.db")
    made = writer(tmp_path / "gateway.db")
    async with made.begin() as connection:
        await declare(connection, [Declared("partner", "users", "ALIBABA")])
    yield made
    await made.dispose()


async def pulled(engine: AsyncEngine, *records: Mapping[str, Any]) -> None:
    """Pull these users."""

    async def brought(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
        yield Batch(records, {})

    def read(record: Any) -> Rows:
        if record["born"] is None:
            raise Unreadable("born is missing")
        return {}

    dataset = Dataset("users", brought, read, {}, identity=("user", "id"))
    await pull(engine, None, "partner", dataset)  # type: ignore[arg-type]


async def left(engine: AsyncEngine) -> tuple[int, list[str]]:
    """How many are counted, and which there are."""
    async with engine.connect() as connection:
        counted = await connection.scalar(select(sync_runs.c.dead_letters))
        found = await connection.scalars(select(dead_letters.c.record).order_by(dead_letters.c.record))
        return counted or 0, list(found)


async def test_what_is_read_after_all_is_put_aside_no_more(engine: AsyncEngine) -> None:
    """By its identity, for what came then was another text; nobody else's goes with it."""
    await pulled(engine, *({**each, "born": None} for each in RECORDS[:2]))
    assert (await left(engine))[0] == 2
    await pulled(engine, RECORDS[2], RECORDS[1])
    assert await left(engine) == (1, ['{"born":null,"user":{"id":0}}'])
    await pulled(engine, RECORDS[0])
    assert await left(engine) == (0, [])


async def test_of_one_that_stays_unreadable_the_last_word_is_kept(engine: AsyncEngine) -> None:
    for name in ("Anna", "Anja"):
        await pulled(engine, {**RECORDS[0], "born": None, "name": name})
    assert await left(engine) == (1, ['{"born":null,"name":"Anja","user":{"id":0}}'])


async def test_what_says_not_who_it_is_stands_for_nobody(engine: AsyncEngine) -> None:
    await pulled(engine, {"user": None, "born": None})
    await pulled(engine, {"user": None, "born": 1990})
    assert (await left(engine))[0] == 1


async def test_after_thirty_days_a_round_forgets_it(engine: AsyncEngine) -> None:
    """Of any dataset, messages of webhooks too; and what is counted is what there is."""
    now = datetime.now(UTC)
    ages = {"old": KEPT + timedelta(minutes=1), "new": KEPT - timedelta(minutes=1)}
    rows = [
        {"connector": "partner", "dataset": "users", "digest": name, "reason": "r", "record": name}
        | {"seen_at": instant(now - age)}
        for name, age in ages.items()
    ]
    async with engine.begin() as connection:
        await connection.execute(insert(dead_letters), rows)
    await pull_all(engine, [], b"0" * 32, lambda *_: lambda _: None)
    assert await left(engine) == (1, ["new"])


@pytest.mark.parametrize("connector", discover(), ids=lambda each: each.name)
def test_where_persons_are_told_of_a_record_says_which_it_is(connector: Any) -> None:
    """So that nothing of a person is kept for longer than it cannot be read."""
    persons = {"accounts", "profiles", "orders", "payments"}
    told = [each for each in connector.datasets if persons & set(each.covers) and each.name != "messages"]
    assert [each.name for each in told if not each.identity] == []
