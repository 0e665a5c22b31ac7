"""Gateways over two worlds, asked the same in step; whatever differs between their answers is a leak."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from gateway.access.pseudonyms import pseudonyms
from gateway.app import create_app
from gateway.oauth.keys import signing_keys
from gateway.oauth.tokens import Caller
from gateway.settings import Settings
from gateway.store.tables import metadata
from tests.conftest import ORIGIN, Gateway, empty_database
from tests.isolation.facts import Fact
from tests.isolation.operations import DOCUMENTS
from tests.isolation.scenarios import Ask, Known, Mine, Scenario, Theirs
from tests.isolation.worlds import rows

STRANGER = Caller("MEGAFON", "nobody", frozenset(), "curiosity")

NOTHING = Ask(
    "node", {"id": "AlibabaOrder:0", "profile": True, "orders": True, "accounts": True, "total": True}
)

PASSING = {"date", "x-request-id"}
"""Headers that differ between any two answers."""


class Leak(Exception):
    """The caller can tell the worlds apart."""


class World:
    """A gateway over one world, and what was heard from it so far."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.path = gateway.settings.database
        self._pseudonyms = pseudonyms(gateway.settings.state)
        self._database = sqlite3.connect(self.path, 30, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA synchronous = OFF")
        self._tokens: dict[Caller, str] = {}
        self._heard: dict[type, list[str]] = {}

    async def become(self, facts: list[Fact]) -> None:
        """The world is these facts and no others, and a stranger was the last to ask."""
        self._heard = {Mine: [], Theirs: []}
        # The gateway itself writes now and then; waiting for it in its own thread would be waiting for ever.
        await asyncio.to_thread(self._replace, facts)
        await self.ask(STRANGER, NOTHING)

    def _replace(self, facts: list[Fact]) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        with self._database:
            for table in metadata.sorted_tables:
                self._database.execute(f"DELETE FROM {table.name}")
            for table, found in rows(facts).items():
                places = ", ".join(f":{name}" for name in found[0])
                self._database.executemany(
                    f"INSERT INTO {table.name} ({', '.join(found[0])}) VALUES ({places})", found
                )

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    async def ask(self, caller: Caller, ask: Ask) -> httpx.Response:
        """The answer to an operation."""
        variables = {name: self._meant(value, caller) for name, value in ask.variables.items()}
        return await self._gateway.post(
            {"query": DOCUMENTS[ask.document], "variables": variables}, self._token(caller)
        )

    async def told(self, caller: Caller, ask: Ask) -> tuple[Any, ...]:
        """What the caller is told, as far as two answers can be alike: status, headers, body."""
        response = await self.ask(caller, ask)
        self._heard[Mine] += _handles(response.json())
        headers = [each for each in response.headers.multi_items() if each[0] not in PASSING]
        return response.status_code, headers, response.content

    async def overhear(self, caller: Caller, ask: Ask) -> None:
        """Another party asks, and the caller gets to know the ids it was given of clients."""
        response = await self.ask(caller, ask)
        self._heard[Theirs] += _handles(response.json(), of_clients=True)

    def _token(self, caller: Caller) -> str:
        if caller not in self._tokens:
            self._tokens[caller] = self._gateway.token(
                caller.party, caller.scopes, caller.purpose, 3600, caller.datasets
            )
        return self._tokens[caller]

    def _meant(self, value: Any, caller: Caller) -> Any:
        if isinstance(value, Known):
            return self._pseudonyms.hide(caller.party, [value.client])[0]
        if isinstance(value, Mine | Theirs):
            heard = self._heard[type(value)]
            return heard[value.place % len(heard)] if heard else "nothing heard yet"
        return value


def _handles(value: Any, *, of_clients: bool = False) -> Iterator[str]:
    """The ids and cursors in an answer as they stand there, or the ids of clients alone."""
    if isinstance(value, list):
        for each in value:
            yield from _handles(each, of_clients=of_clients)
    if isinstance(value, dict):
        if value.get("__typename") == "Client":
            yield value["id"]
        elif not of_clients:
            names = ("id", "cursor", "startCursor", "endCursor")
            yield from (value[name] for name in names if isinstance(value.get(name), str))
        yield from _handles(list(value.values()), of_clients=of_clients)


async def play(scenario: Scenario, worlds: tuple[World, World]) -> None:
    """Play a scenario in both worlds. Raises `Leak` at the first answer that differs."""
    for world, facts in zip(worlds, scenario.worlds, strict=True):
        await world.become(facts)
    for step in scenario.steps:
        for world, others in zip(worlds, step.others, strict=True):
            for caller, ask in others:
                meet = world.ask if caller.party == scenario.caller.party else world.overhear
                await meet(caller, ask)
        one, other = [await world.told(scenario.caller, step.ask) for world in worlds]
        if one != other:
            raise Leak(f"{scenario.caller} asked {step.ask}:\n{one}\n{other}")


@asynccontextmanager
async def two_gateways(folder: Path) -> AsyncIterator[tuple[World, World]]:
    """Two gateways that share their secrets, as one gateway does with itself in another world."""
    # All that can be asked in one operation, which no caller is let: what is refused as a whole could not leak.
    asked = {"max_cost": 10**9, "cost_per_minute": 10**12}
    settings = [Settings(state=folder / name, origin=ORIGIN, readers=1, **asked) for name in ("one", "other")]
    await empty_database(settings[0])
    signing_keys(settings[0].state)
    pseudonyms(settings[0].state)
    shutil.copytree(settings[0].state, settings[1].state)
    async with AsyncExitStack() as stack:
        worlds = []
        for each in settings:
            app = create_app(each)
            await stack.enter_async_context(app.router.lifespan_context(app))
            client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN)
            worlds.append(World(Gateway(each, await stack.enter_async_context(client), app)))
            stack.callback(worlds[-1].close)
        yield worlds[0], worlds[1]
