"""myTarget's segments: whole, whatever moves meanwhile, and gone when they are gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.mailru.mytarget import whole_list
from connectors.mailru.sandbox import sandbox
from connectors.mailru.segments import mailru_segment_members, mailru_segments, read_segment, segments
from gateway.connector import Batch, Unreadable, Upstream
from gateway.store.database import writer
from gateway.sync.pull import pull
from tests.connectors.test_mailru_world import KEYS, folder, look, meddled, new_database, partner, write

__all__ = ["folder"]

UNHURRIED = {**KEYS, "rps": "100000"}


async def batches_of(upstream: Upstream, cursor: Any = None) -> list[Batch]:
    return [batch async for batch in segments.pull(upstream, cursor or {})]


def members_in(batches: list[Batch]) -> set[tuple[int, str]]:
    return {
        (record["segment"]["id"], user["user_id"])
        for b in batches
        for record in b.records
        for user in record["users"]
    }


async def test_all_segments_come_with_all_members(folder: Path) -> None:
    async with partner(sandbox(folder, UNHURRIED)) as upstream:
        batches = await batches_of(upstream)
    assert members_in(batches) == set(look(folder, "SELECT * FROM members"))
    assert [batch.expected for batch in batches] == [5] * 6


async def test_a_pull_of_segments_resumes_behind_any_batch(folder: Path) -> None:
    async with partner(sandbox(folder, UNHURRIED)) as upstream:
        batches = await batches_of(upstream)
        for done in range(1, len(batches)):
            assert await batches_of(upstream, batches[done - 1].cursor) == batches[done:]


async def test_a_list_that_shifts_between_pages_is_read_again(folder: Path) -> None:
    write(
        folder,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)"
        " INSERT INTO members SELECT 101, 6000000000 + i FROM n",
    )

    def leave() -> None:
        assert write(folder, "DELETE FROM members WHERE segment_id = 101 AND user_id <= '6000000010'") > 10

    path = "/api/v2/remarketing/segments/101/users.json"
    async with partner(meddled(sandbox(folder, UNHURRIED), path, 2, leave)) as upstream:
        found = await whole_list(upstream, path, "user_id")
    assert [item["user_id"] for item in found] == [f"{6_000_000_000 + i}" for i in range(11, 2501)]


async def test_a_segment_that_is_deleted_while_it_is_pulled_has_nobody(folder: Path) -> None:
    def delete() -> None:
        write(folder, "DELETE FROM segments WHERE id = 103")

    async with partner(meddled(sandbox(folder, UNHURRIED), "103/users", 1, delete)) as upstream:
        batches = await batches_of(upstream)
        assert {number for number, _ in members_in(batches)} == {101, 102, 104, 105}
        gone = (await batches_of(upstream, batches[-1].cursor))[-1].records
    assert [record["segment"]["id"] for record in gone] == [103]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = writer(new_database(tmp_path))
    yield engine
    await engine.dispose()


async def kept(database: AsyncEngine) -> set[tuple[int, str]]:
    members = mailru_segment_members
    async with database.connect() as connection:
        rows = await connection.execute(select(members.c.segment_id, members.c.account_id))
        return {(int(segment), account.removeprefix("MAILRU:")) for segment, account in rows}


async def test_a_membership_that_ended_vanishes_and_a_segment_too(
    folder: Path, database: AsyncEngine
) -> None:
    async with partner(sandbox(folder, UNHURRIED)) as upstream:
        await pull(database, upstream, "mailru", segments)
        before = await kept(database)
        assert before == set(look(folder, "SELECT * FROM members"))
        write(folder, "DELETE FROM members WHERE user_id IN (SELECT min(user_id) FROM members)")
        write(folder, "DELETE FROM members WHERE segment_id = 102")
        write(folder, "DELETE FROM segments WHERE id = 102")
        await pull(database, upstream, "mailru", segments)
        after = await kept(database)
        assert after == set(look(folder, "SELECT * FROM members"))
        assert len(after) < len(before)
        write(folder, "DELETE FROM members")
        await pull(database, upstream, "mailru", segments)
    assert await kept(database) == set()


async def test_a_second_pull_of_segments_changes_nothing(folder: Path, database: AsyncEngine) -> None:
    async def everything() -> list[Any]:
        async with database.connect() as connection:
            found = [
                await connection.execute(select(each)) for each in (mailru_segments, mailru_segment_members)
            ]
            return [sorted(rows) for rows in found]

    async with partner(sandbox(folder, UNHURRIED)) as upstream:
        await pull(database, upstream, "mailru", segments)
        first = await everything()
        assert (await pull(database, upstream, "mailru", segments)).unreadable == 0
    assert await everything() == first


SEGMENT = {"id": 101, "name": "Buys often: Tea", "updated": "2013-08-28 16:49:34"}


def test_a_segment_is_read_with_moscow_time() -> None:
    rows = read_segment({"segment": SEGMENT, "users": [{"user_id": "5000000007"}]})
    # In 2013 Moscow was four hours ahead all year.
    assert rows[mailru_segments] == [
        {"id": "101", "name": "Buys often: Tea", "updated_at": "2013-08-28T12:49:34Z"}
    ]
    assert rows[mailru_segment_members] == [{"segment_id": "101", "account_id": "MAILRU:5000000007"}]


@pytest.mark.parametrize(
    ("changed", "users", "reason"),
    [
        ({"id": "101"}, [], "id"),
        ({"name": None}, [], "name"),
        ({"updated": "28.08.2013"}, [], "updated"),
        ({"updated": None}, [], "updated"),
        ({}, [{"user_id": 5_000_000_007}], "user_id"),
        ({}, [{}], "user_id"),
    ],
)
def test_an_unreadable_segment_is_refused_without_values(changed: Any, users: Any, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason) as caught:
        read_segment({"segment": {**SEGMENT, **changed}, "users": users})
    assert not any(str(value) in str(caught.value) for value in changed.values() if value)
    assert "5000000007" not in str(caught.value)
