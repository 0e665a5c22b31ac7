"""The database as those see it who write: migrations, syncs, the token service, the command line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import URL, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

import connectors
from gateway.errors import SettingsError
from gateway.store.watch import identity

if TYPE_CHECKING:
    # A tenth of a worker's start, and none of them migrates.
    from alembic.config import Config

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    # A first pull writes a million rows under keys in no order: the pages they fall on must stay at hand.
    "cache_size = -131072",
    "wal_autocheckpoint = 10000",
)


def writer(path: Path) -> AsyncEngine:
    """An engine on the SQLite file: WAL, full synchronisation, foreign keys on. The caller disposes of it.

    It makes no file, and errors of its statements do not show the values. A connection to a file that was since taken
    away or replaced is not used again.
    """
    url = _url(path, "sqlite+aiosqlite")
    engine = create_async_engine(url, connect_args={"timeout": 30}, pool_timeout=10, hide_parameters=True)

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, record: Any) -> None:
        record.info["file"] = identity(path)
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "checkout")
    def _check(_connection: Any, record: Any, _proxy: Any) -> None:
        if identity(path) != record.info["file"]:
            raise DisconnectionError

    return engine


_PAUSE = 0.005
"""Seconds between two tries for the write lock."""

GAP = 8 * _PAUSE
"""Seconds that a long writer leaves between its transactions, so that whoever waits for the lock gets it."""

_PATIENCE = 10.0
"""Seconds that a request waits for it."""

UPGRADE_PATIENCE = 30.0
"""Seconds that bringing the database to the newest form waits for it."""


@asynccontextmanager
async def immediate(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that holds the write lock from its start, so that what it read first still holds when it writes.

    It asks for the lock every few milliseconds, where SQLite's own waiting sleeps through the gaps that a sync leaves.
    Raises `TimeoutError` where ten seconds bring none.
    """
    async with engine.connect() as connection:
        await _begin(connection)
        try:
            yield connection
        except BaseException:
            await connection.rollback()
            raise
        await connection.commit()


async def _begin(connection: AsyncConnection) -> None:
    end = time.monotonic() + _PATIENCE
    await connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        while not await _begun(connection):
            if time.monotonic() > end:
                raise TimeoutError
            await asyncio.sleep(_PAUSE)
    finally:
        await connection.exec_driver_sql("PRAGMA busy_timeout = 30000")


async def _begun(connection: AsyncConnection) -> bool:
    try:
        await connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as error:
        # Its kinds too: another process may just be reading the journal of one that was killed.
        if not getattr(error.orig, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            raise
        await connection.rollback()
        return False
    return True


def _url(path: Path, driver: str) -> URL:
    return URL.create(driver, database=f"file:{quote(str(path))}", query={"mode": "rw", "uri": "true"})


def migrate(path: Path) -> None:
    """Bring the database to the newest form; makes it, readable by its owner only, where there is none.

    Raises `SettingsError` for a file that is none or cannot be written, and for a database of a newer gateway or of a
    connector that is no longer there.
    """
    from alembic import command
    from alembic.util import CommandError

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    try:
        command.upgrade(migrations(path), "heads")
    except (CommandError, DBAPIError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise SettingsError(f"{path} cannot be brought to the newest form: {reason}") from None


def migrations(path: Path) -> Config:
    """Alembic's settings: the gateway's migrations, and those of each connector in its own folder."""
    from alembic.config import Config

    here = Path(__file__).parent / "migrations"
    folders = [here / "versions"]
    for root in connectors.__path__:
        folders += sorted(Path(root).glob("*/migrations"))
    config = Config()
    options = {
        "script_location": str(here),
        "path_separator": "newline",
        "version_locations": "\n".join(map(str, folders)),
        "sqlalchemy.url": _url(path, "sqlite").render_as_string(),
    }
    for name, value in options.items():
        config.set_main_option(name, value.replace("%", "%%"))
    return config
