"""A shopkeeper: AliExpress's stand-in on a socket, a gateway that has pulled all of it, and messages between them."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.alibaba import connector
from connectors.alibaba.pacific import wall
from connectors.alibaba.push import sign_push
from connectors.alibaba.sandbox import furnish, sandbox
from gateway.app import create_app, prepare
from gateway.discovery import correspondents
from gateway.settings import Settings
from gateway.store.database import writer
from gateway.sync.rounds import Source, pull_all
from gateway.webhooks.work import Work
from tests.conftest import ORIGIN
from tests.connectors.test_alibaba_world import SETTINGS, Books
from tests.partners import served

PUSHED = "/webhooks/alibaba"
NOW = datetime.now(UTC).replace(microsecond=0)


@dataclass
class Shop:
    """The partner's books and the gateway's database; `calls` counts what the partner was asked."""

    folder: Path
    url: str = ""
    calls: list[str] = field(default_factory=list)
    down: bool = False

    @property
    def settings(self) -> Settings:
        keys = {**SETTINGS, "url": self.url}
        return Settings(state=self.folder / "state", origin=ORIGIN, connectors={"alibaba": keys})

    def ask(self, sql: str, *values: Any) -> list[Any]:
        """Look into the gateway's database."""
        with closing(sqlite3.connect(self.settings.database)) as database:
            return database.execute(sql, values).fetchall()

    def write(self, sql: str, *values: Any) -> int:
        """Change the gateway's database."""
        with closing(sqlite3.connect(self.settings.database)) as database, database:
            return database.execute(sql, values).rowcount

    def book(self, order: int, status: str, at: datetime, end: str | None = None) -> None:
        """Change an order in the partner's books."""
        with closing(sqlite3.connect(self.folder / "alibaba.db")) as books, books:
            sql = "UPDATE orders SET status = ?, end_reason = ?, modified = ? WHERE id = ?"
            assert books.execute(sql, (status, end, wall(at), order)).rowcount == 1

    def orders(self, number: int = 1) -> list[int]:
        """The newest orders' ids."""
        sql = "SELECT id FROM orders WHERE party = 'ALIBABA' ORDER BY placed_at DESC LIMIT ?"
        return [int(id_.partition(":")[2]) for (id_,) in self.ask(sql, number)]

    def stands(self, order: int) -> tuple[str, str, str]:
        """The order's status, in both words, and since when."""
        sql = "SELECT status, status_raw, modified_at FROM orders WHERE id = ?"
        [found] = self.ask(sql, f"AlibabaOrder:{order}")
        return tuple(found)  # type: ignore[return-value]

    def outcomes(self) -> list[str | None]:
        """What became of the events, in words."""
        return sorted((row[0] for row in self.ask("SELECT outcome FROM partner_events")), key=str)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Work]:
        """One worker's work, done when the test says so."""
        engine: AsyncEngine = writer(self.settings.database)
        try:
            yield Work(engine, correspondents(self.settings))
        finally:
            await engine.dispose()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[httpx.AsyncClient]:
        """The gateway, at work."""
        app = create_app(self.settings)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client,
        ):
            yield client


def pushed(order: int, status: str, at: datetime = NOW, **other: Any) -> bytes:
    """The body of a message; `sent`, and anything of `data`, may be otherwise."""
    sent = other.pop("sent", at + timedelta(seconds=1))
    data = {
        "order_status": status,
        "trade_order_id": str(order),
        "status_update_time": int(at.timestamp()),
        **other,
    }
    data = {name: value for name, value in data.items() if value is not None}
    milliseconds = int(sent.timestamp() * 1000)
    return orjson.dumps(
        {"seller_id": "1", "message_type": 0, "data": data, "timestamp": milliseconds, "site": "ae_global"}
    )


async def push(client: httpx.AsyncClient, body: bytes, **headers: str) -> httpx.Response:
    """Send a message, signed unless the headers say otherwise."""
    sent = {"authorization": sign_push(SETTINGS, body), **headers}
    return await client.post(PUSHED, content=body, headers=sent)


@asynccontextmanager
async def shop(folder: Path, filled: Path | None = None) -> AsyncIterator[Shop]:
    """The partner at work, and the database of a gateway that has pulled it; `filled` has both ready made."""
    found = Shop(folder)
    if filled is None:
        furnish(Books(), folder)  # type: ignore[arg-type]
    else:
        shutil.copytree(filled, folder, dirs_exist_ok=True)
    app = sandbox(folder, SETTINGS)

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            found.calls.append(scope["path"])
            if found.down:
                raise ConnectionError
        await app(scope, receive, send)

    async with served(counted) as url:
        found.url = url
        if filled is None:
            await fill(found)
        yield found


async def fill(found: Shop) -> None:
    """Pull all but the messages."""
    await prepare(found.settings)
    engine = writer(found.settings.database)
    kept = tuple(each for each in connector.datasets if each.name in ("members", "orders"))
    source = Source("alibaba", found.settings.connectors["alibaba"], kept)
    await pull_all(engine, [source], b"secret", lambda *_: lambda _: None)
    await engine.dispose()


def until(shown: Any, seconds: float = 5) -> bool:
    """Whether something comes to be so, in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if shown():
            return True
        time.sleep(0.02)
    return False


__all__ = ["NOW", "PUSHED", "Shop", "push", "pushed", "shop", "until"]
