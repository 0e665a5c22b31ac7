"""What is followed of the database is read again when somebody committed, and only then."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.settings import Settings
from gateway.store import followed
from gateway.store.database import writer
from gateway.store.followed import Followed
from gateway.store.watch import Watch
from tests.conftest import empty_database

FORGET = "DELETE FROM blocks"
BLOCK = "INSERT INTO blocks VALUES ('issuer:x', '2026-01-01T00:00:00Z')"


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An engine on an empty database."""
    settings = Settings(state=tmp_path)
    await empty_database(settings)
    found = writer(settings.database)
    yield found
    await found.dispose()


def commit(folder: Path, statement: str = BLOCK) -> None:
    """Write, as another process does."""
    with closing(sqlite3.connect(folder / "gateway.db")) as database, database:
        database.execute(FORGET)
        database.execute(statement)


async def test_a_commit_is_seen_and_nothing_else(engine: AsyncEngine, tmp_path: Path) -> None:
    """Not what is rolled back, and not that somebody read."""
    with closing(Watch(engine)) as watch:
        first = watch.version()
        assert first is not None
        with closing(sqlite3.connect(tmp_path / "gateway.db")) as other:
            other.execute(FORGET)
            other.execute(BLOCK)
            assert watch.version() == first
            other.rollback()
            other.execute("SELECT * FROM blocks").fetchall()
            assert watch.version() == first
        commit(tmp_path)
        second = watch.version()
        assert second != first
        async with engine.begin() as connection:
            await connection.exec_driver_sql(FORGET)
        assert watch.version() not in (None, first, second)


async def test_a_database_that_is_away_or_another_is_not_taken_for_the_same(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    """A backup that is put in its place counts as changed, whatever its count of commits."""
    file = tmp_path / "gateway.db"
    with closing(Watch(engine)) as watch:
        first = watch.version()
        file.rename(tmp_path / "away.db")
        assert watch.version() is None
        file.write_bytes((tmp_path / "away.db").read_bytes())
        assert watch.version() not in (None, first)


class Counted(Followed):
    """Counts how often it is read."""

    reads = 0

    async def load(self, connection: AsyncConnection) -> None:
        """See `Followed`."""
        self.reads += 1


async def test_what_did_not_change_is_as_good_as_new_without_being_read(
    engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what did is read at the next look."""
    monkeypatch.setattr(followed, "PAUSE", 0.01)
    clock = [0.0]
    counted = Counted(engine, "nothing much", lambda: clock[0])

    async def until(true: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not true():  # noqa: ASYNC110 - nothing tells of a look
                await asyncio.sleep(0.01)

    async with counted.followed():
        clock[0] = 7.0
        await until(lambda: counted.age() == 0)
        assert counted.reads == 1
        commit(tmp_path)
        await until(lambda: counted.reads == 2)
