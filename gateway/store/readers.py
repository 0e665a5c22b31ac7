"""Callers' connections: the database itself holds back the rows a caller may not see.

On these connections a temporary view of the same name shadows each table and applies the table's row rule; SQLite
looks among temporary names first. A connection that nobody took shows nothing, and an authorizer refuses any way
round the views, whatever the SQL. Writing is impossible: the file is opened read-only.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import quote

import aiosqlite
import orjson
from sqlalchemy import Table

from gateway.oauth.tokens import Caller
from gateway.store.queries import Query, Row
from gateway.store.tables import NOBODY, excerpts, metadata
from gateway.telemetry.metrics import reader_wait_seconds

_SECRET = f"_{token_hex(8)}"
"""Ends the names through which tables are reached, so that no statement can call a part of itself by one."""

_CALLER = f"""
CREATE TEMP TABLE caller{_SECRET} (party TEXT, purpose TEXT, scopes TEXT, datasets TEXT);
INSERT INTO caller{_SECRET} VALUES (NULL, NULL, '[]', NULL);
CREATE TEMP VIEW caller AS SELECT * FROM temp.caller{_SECRET};
"""  # noqa: S608 - our own name

_RIGHTS = """
SELECT owner, dataset, consent FROM main.agreements
WHERE recipient = (SELECT party FROM caller)
  AND purpose IN ('*', (SELECT purpose FROM caller))
  AND scope IN (SELECT value FROM json_each((SELECT scopes FROM caller)))
  AND ((SELECT datasets FROM caller) IS NULL
       OR json_array(owner, dataset) IN (SELECT value FROM json_each((SELECT datasets FROM caller))))
"""

_TABLES = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"

_TAKE = f"UPDATE temp.caller{_SECRET} SET party = ?, purpose = ?, scopes = ?, datasets = ?"  # noqa: S608 - as above


class CallerConnection(sqlite3.Connection):
    """A SQLite connection on which every table is its caller's view of it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.executescript(
            "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; PRAGMA mmap_size = 1073741824;"
        )
        self.executescript(_CALLER)
        self._show("caller_right", _RIGHTS)
        rules = {table.name: _rule(table) for table in metadata.sorted_tables}
        for name in [*rules, *(name for (name,) in self.execute(_TABLES).fetchall() if name not in rules)]:
            # Names and rules are the gateway's own declarations, never a caller's text.
            self._show(name, f"SELECT * FROM main.{name} AS this WHERE {rules.get(name, NOBODY.sql)}")  # noqa: S608
        for name, each in excerpts.items():
            columns = ", ".join(each.columns)
            self._show(name, f"SELECT {columns} FROM main.{each.source.name} AS this WHERE {each.rows.sql}")  # noqa: S608 - as above
        # SQLite makes a table-valued function at its first use, which the authorizer would take for a new table.
        self.execute("SELECT 1 FROM json_each('[]')")
        self.set_authorizer(_authorize)

    def _show(self, name: str, statement: str) -> None:
        self.execute(f"CREATE TEMP VIEW {name}{_SECRET} AS {statement}")
        self.execute(f"CREATE TEMP VIEW {name} AS SELECT * FROM temp.{name}{_SECRET}")  # noqa: S608 - as above


def _rule(table: Table) -> str:
    rule: str = table.info["rows"].sql
    if "this." in rule:
        return rule
    # Of a rule that asks nothing of its row, SQLite would check a bare count as if it were one of the whole table.
    column = f"this.{table.primary_key.columns[0].name}"
    return f"({rule}) AND {column} IS {column}"


def _authorize(action: int, name: str | None, _: str | None, database: str | None, view: str | None) -> int:
    """Let a statement read main tables only from within one of the views; `view` may also be a CTE's name."""
    allowed = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
    if action == sqlite3.SQLITE_READ:
        # SQLite counts its table-valued functions as tables of main, and gives a schema's name as it was written.
        outside = (database or "temp").lower() == "temp" and not str(name).startswith("sqlite_")
        allowed = outside or name == "json_each" or (view or "").endswith(_SECRET)
    elif action == sqlite3.SQLITE_UPDATE:
        allowed = name == f"caller{_SECRET}"
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _taking(caller: Caller) -> tuple[str | None, ...]:
    """The row of `caller` for this caller."""
    scopes = orjson.dumps(sorted(caller.scopes)).decode()
    datasets = None if caller.datasets is None else orjson.dumps(sorted(caller.datasets)).decode()
    return caller.party, caller.purpose, scopes, datasets


class Readers:
    """A pool of callers' connections to one SQLite file. Open it before use and close it after."""

    def __init__(self, path: Path, size: int = 4) -> None:
        self._path = path
        self._size = size
        self._idle: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        self._all: list[aiosqlite.Connection] = []
        self._taken_by: dict[aiosqlite.Connection, Caller] = {}

    async def open(self) -> None:
        """Open the connections. Raises sqlite3.OperationalError when the file is missing or not migrated."""
        for _ in range(self._size):
            connection = await aiosqlite.connect(
                f"file:{quote(str(self._path))}?mode=ro",
                uri=True,
                isolation_level=None,
                cached_statements=512,
                factory=CallerConnection,
            )
            self._all.append(connection)
            self._idle.put_nowait(connection)

    async def close(self) -> None:
        """Close the connections."""
        for connection in self._all:
            await connection.close()
        self._all.clear()
        self._taken_by.clear()
        self._idle = asyncio.LifoQueue()

    async def fetch(self, caller: Caller, query: Query, **values: Any) -> list[Row]:
        """The rows of a query that the caller may see. A cancelled fetch is interrupted in the database."""
        async with self._lease(caller) as connection:
            found = await connection.execute_fetchall(query.sql, query.bind(values))
        return list(map(query.make, found))

    @asynccontextmanager
    async def _lease(self, caller: Caller) -> AsyncIterator[aiosqlite.Connection]:
        if self._idle.empty():
            with reader_wait_seconds.time():
                connection = await self._idle.get()
        else:
            connection = self._idle.get_nowait()
        try:
            if self._taken_by.get(connection) is not caller:
                self._taken_by.pop(connection, None)
                await connection.execute_fetchall(_TAKE, _taking(caller))
                self._taken_by[connection] = caller
            yield connection
        except asyncio.CancelledError:
            self._taken_by.pop(connection, None)
            await connection.interrupt()
            raise
        finally:
            self._idle.put_nowait(connection)
