"""A venture at work: every partner's sandbox on a socket, a gateway's state, and rounds between them."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.clients.linking import LinkReport
from gateway.connector import Batch, Cursor, Dataset, Upstream
from gateway.discovery import discover
from gateway.secrets import secret
from gateway.store.database import migrate, writer
from gateway.sync.pull import Watch, pull
from gateway.sync.rounds import Source, pull_all
from tests.partners import keys_of, served

OUT_OF_LIFE = {"sync_cursors", "dead_letters", "alembic_version"}
"""Tables that say when something was done; their moments differ from run to run."""

Rows = dict[str, list[tuple[Any, ...]]]


@dataclass
class Venture:
    """A gateway's state folder and the partners it pulls, whose books a test may change."""

    state: Path
    books: Path
    sources: list[Source]
    calls: int = 0
    meddle: Callable[[int], None] = lambda number: None
    pulled: list[tuple[str, str]] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.state / "gateway.db"

    async def round(self, **options: Callable[[], Awaitable[None]]) -> LinkReport:
        """One round; options are those of `pull_all`."""
        engine = writer(self.file)
        try:
            return await pull_all(
                engine,
                self.sources,
                secret(self.state / "linking.key"),
                self._watch,
                **options,
            )
        finally:
            await engine.dispose()

    def _watch(self, connector: str, dataset: Dataset) -> Watch:
        self.pulled.append((connector, dataset.name))
        return lambda _: None

    def rows(self, *left_out: str) -> Rows:
        """All rows of all tables, but for moments of the pulls."""
        with closing(sqlite3.connect(self.file)) as found:
            names = [name for (name,) in found.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            return {
                name: sorted(map(timeless, found.execute(f"SELECT * FROM {name}")), key=repr)
                for name in names
                if name not in OUT_OF_LIFE and name not in left_out
            }

    def ask(self, sql: str, *values: Any) -> list[Any]:
        """Look into the gateway's database."""
        with closing(sqlite3.connect(self.file)) as found:
            return found.execute(sql, values).fetchall()

    def change(self, book: str, sql: str, *values: Any) -> int:
        """Change a partner's books; how many rows that concerned."""
        with closing(sqlite3.connect(self.books / f"{book}.db")) as found, found:
            return found.execute(sql, values).rowcount

    def write_settings(self) -> None:
        """The settings that lead to the sandboxes, for a process of its own."""
        lines: list[str] = []
        for source in self.sources:
            lines += [
                f"[connectors.{source.name}]",
                *(f'{key} = "{value}"' for key, value in source.settings.items()),
            ]
        (self.state / "settings.toml").write_text("\n".join(lines))

    def counted(self, app: ASGIApp) -> ASGIApp:
        """The app, which tells at each call the how-manieth of all it is."""

        async def count(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                self.calls += 1
                self.meddle(self.calls)
            await app(scope, receive, send)

        return count


_TODAY = datetime.now(UTC).date()
_DAYS = tuple(str(_TODAY + timedelta(days=days)) for days in (-1, 0, 1))


def timeless(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row without the moments of the pull; the world's own lie years back."""
    return tuple("now" if isinstance(value, str) and value.startswith(_DAYS) else value for value in row)


@asynccontextmanager
async def venture(folder: Path, books: Path) -> AsyncIterator[Venture]:
    """All partners' sandboxes at work over books of their own, and an empty database."""
    own = folder / "books"
    shutil.copytree(books, own)
    found = Venture(folder / "state", own, [])
    migrate(found.file)
    async with AsyncExitStack() as stack:
        for each in discover():
            assert each.sandbox is not None
            keys = keys_of(each)
            url = await stack.enter_async_context(served(found.counted(each.sandbox(own, keys))))
            found.sources.append(Source(each.name, {**keys, "url": url}, each.datasets))
        yield found


@pytest.fixture
async def at_work(tmp_path: Path, books: Path) -> AsyncIterator[Venture]:
    """See `venture`."""
    async with venture(tmp_path, books) as found:
        yield found


def many_lines(at_work: Venture) -> list[Any]:
    """An order of several lines, and who bought it, from the partner's books."""
    with closing(sqlite3.connect(at_work.books / "alibaba.db")) as books:
        sql = "SELECT id, buyer FROM orders ORDER BY json_array_length(lines) DESC LIMIT 1"
        return books.execute(sql).fetchall()


async def keep_batch(at_work: Venture, dataset: Dataset, batch: Batch) -> None:
    """Keep one batch as a pull does."""

    async def given(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
        yield batch

    engine = writer(at_work.file)
    async with Upstream("alibaba", {"url": "http://127.0.0.1:1"}) as upstream:
        await pull(engine, upstream, "alibaba", replace(dataset, pull=given))
    await engine.dispose()


@asynccontextmanager
async def gateway(state: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command line in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway", *arguments),
        env={**os.environ, "GATEWAY_STATE": str(state)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
