"""Subscribers: a gateway on a socket, whose orders a test changes, and who listens to it over either transport."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.app import create_app
from gateway.oauth.keys import signing_keys
from gateway.oauth.tokens import Caller, issue
from gateway.settings import Settings
from gateway.store.database import writer
from tests.conftest import ALL_SCOPES, ORIGIN, empty_database
from tests.door import listening
from tests.world import speaking_world, write

PROTOCOL = "graphql-transport-ws"
CHANGED = "subscription { orderChanged { id statusRaw } }"
PATIENCE = 15.0
"""Seconds within which whatever is to come has come, on a busy machine too."""


@dataclass
class Station:
    """A gateway at work on a socket."""

    settings: Settings
    port: int

    def token(self, party: str = "ALIBABA", lifetime: float = 300, **other: Any) -> str:
        """A token of a party's; `other` are members of the caller."""
        now = int(time.time())
        scopes = frozenset((other.pop("scopes", None) or ALL_SCOPES[party]).split())
        caller = Caller(
            party,
            other.pop("application", f"{party.lower()}-app"),
            scopes,
            "analytics",
            now + lifetime,
            **other,
        )
        keys = signing_keys(self.settings.state)
        return issue(caller, keys, self.settings.issuer, self.settings.audience, now)

    def write(self, sql: str, *values: Any) -> int:
        """Change the database, in one transaction; how many rows that concerned."""
        with closing(sqlite3.connect(self.settings.database, timeout=30)) as database, database:
            return database.execute(sql, values).rowcount

    def ask(self, sql: str, *values: Any) -> list[Any]:
        """Look into the database."""
        with closing(sqlite3.connect(self.settings.database)) as database:
            return database.execute(sql, values).fetchall()

    def change(self, *orders: str) -> str:
        """Change orders as a sync does; the word by which the change is known again."""
        word = f"change {time.time_ns()}"
        places = ", ".join("?" * len(orders))
        assert self.write(f"UPDATE orders SET status_raw = ? WHERE id IN ({places})", word, *orders) == len(
            orders
        )
        return word

    @asynccontextmanager
    async def socket(self, protocol: str | None = PROTOCOL, **headers: str) -> AsyncIterator[Socket]:
        """A WebSocket, with these headers in its handshake."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        address = f"ws://127.0.0.1:{self.port}/graphql"
        spoken: Any = [protocol] if protocol else None
        async with connect(address, subprotocols=spoken, additional_headers=sent, proxy=None) as opened:
            yield Socket(self, opened)

    @asynccontextmanager
    async def talk(self, party: str = "ALIBABA", **caller: Any) -> AsyncIterator[Socket]:
        """A WebSocket whose caller is known."""
        async with self.socket() as socket:
            await socket.init(self.token(party, **caller))
            yield socket

    @asynccontextmanager
    async def stream(
        self, query: str = CHANGED, token: str | None = None, **more: Any
    ) -> AsyncIterator[Events]:
        """A stream of events."""
        headers = {"accept": "text/event-stream", "authorization": f"Bearer {token or self.token()}"}
        timeout = httpx.Timeout(PATIENCE)
        async with (
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=timeout) as client,
            client.stream("POST", "/graphql", json={"query": query, **more}, headers=headers) as response,
        ):
            yield Events(self, response)


class Listening:
    """One subscription, whichever way it came."""

    station: Station

    async def next(self) -> Any:
        """The next result."""
        raise NotImplementedError

    async def heard(self, order: str) -> str:
        """Change an order until that is heard of; so the subscription has begun, and all before was told."""
        coming = asyncio.ensure_future(self.next())
        try:
            while True:
                word = self.station.change(order)
                if (await asyncio.wait({coming}, timeout=0.3))[0]:
                    break
            await self.until(order, word, coming.result())
        finally:
            coming.cancel()
        return word

    async def until(self, order: str, word: str, result: Any = None) -> list[Any]:
        """The orders that come, to the one that has changed by this word, or once more since."""
        found = []
        async with asyncio.timeout(PATIENCE):
            while True:
                result = result or await self.next()
                found.append(result["data"]["orderChanged"])
                result = None
                if found[-1]["id"] == order and _number(found[-1]["statusRaw"]) >= _number(word):
                    return found


def _number(word: str) -> int:
    """When it was that it changed by this word; never, for one that is no test's."""
    said, _, number = word.partition(" ")
    return int(number) if said == "change" else 0


class Socket:
    """A client's side of a WebSocket, message by message."""

    def __init__(self, station: Station, opened: ClientConnection) -> None:
        self.station = station
        self.opened = opened

    async def say(self, type: str, **members: Any) -> None:
        """Send a message."""
        await self.opened.send(json.dumps({"type": type, **members}))

    async def hear(self) -> Any:
        """The next message. Raises `ConnectionClosed`."""
        async with asyncio.timeout(PATIENCE):
            return json.loads(await self.opened.recv())

    async def init(self, token: str) -> None:
        """Make the caller known, and hear that it is."""
        await self.say("connection_init", payload={"authorization": f"Bearer {token}"})
        assert await self.hear() == {"type": "connection_ack"}

    async def subscribe(self, query: str = CHANGED, id: str = "1", **more: Any) -> Subscribed:
        """Begin an operation."""
        await self.say("subscribe", id=id, payload={"query": query, **more})
        return Subscribed(self, id)

    async def closed(self) -> tuple[int, str]:
        """The code and the reason of the end; whatever is said before is passed over."""
        with suppress(ConnectionClosed):
            async with asyncio.timeout(PATIENCE):
                while True:
                    await self.opened.recv()
        end = self.opened.protocol.close_rcvd
        assert end is not None, "the connection broke off"
        return end.code, end.reason


@dataclass
class Subscribed(Listening):
    """An operation on a socket that has no other."""

    socket: Socket
    id: str

    @property
    def station(self) -> Station:  # type: ignore[override]
        return self.socket.station

    async def next(self) -> Any:
        """The payload of the next `next`."""
        message = await self.socket.hear()
        assert (message["type"], message["id"]) == ("next", self.id), message
        return message["payload"]


class Events(Listening):
    """Server-sent events, as they come."""

    def __init__(self, station: Station, response: httpx.Response) -> None:
        self.station = station
        self.response = response
        self._lines = response.aiter_lines()

    async def event(self) -> tuple[str, Any]:
        """The next event: its name and its data. Raises StopAsyncIteration at the end."""
        name = ""
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                field, _, value = line.partition(":")
                if field == "event":
                    name = value.strip()
                if field == "data":
                    return name, json.loads(value) if value.strip() else None
        raise StopAsyncIteration

    async def next(self) -> Any:
        """The data of the next event, which is `next`."""
        name, data = await self.event()
        assert name == "next", (name, data)
        return data


async def filled(state: Path, **options: Any) -> Settings:
    """The settings of a gateway over everybody who speaks."""
    settings = Settings(state=state, origin=ORIGIN, **options)
    await empty_database(settings)
    database = writer(settings.database)
    async with database.begin() as connection:
        await write(connection, speaking_world())
    await database.dispose()
    return settings


@asynccontextmanager
async def station_at(state: Path, **options: Any) -> AsyncIterator[Station]:
    """A gateway at work, in a thread of its own."""
    settings = await filled(state, **options)
    with listening(create_app(settings)) as port:
        yield Station(settings, port)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """One for all tests that change nothing but orders."""
    settings = asyncio.run(filled(tmp_path_factory.mktemp("station")))
    with listening(create_app(settings)) as port:
        yield Station(settings, port)


def errors(result: Mapping[str, Any]) -> list[str]:
    """The codes of a result's errors."""
    return [each["extensions"]["code"] for each in result["errors"]]


def ids(orders: Iterable[Mapping[str, Any]]) -> list[str]:
    """The ids of orders."""
    return [each["id"] for each in orders]
