"""A gateway over a small world, and how a test speaks to it: real HTTP, real tokens, a real SQLite file."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.applications import Starlette

from gateway.access.agreements import CONTRACT
from gateway.app import create_app, prepare
from gateway.discovery import discover, party_scopes
from gateway.oauth import passwords
from gateway.oauth.keys import signing_keys
from gateway.oauth.tokens import LIFETIME, Caller, issue
from gateway.settings import Settings
from gateway.store.database import writer
from tests.world import Rows, small_world, write

ORIGIN = "http://127.0.0.1:8000"

# Gateways that tests begin have no balancer that would have to notice their end, and there are several at once.
os.environ |= {"GATEWAY_DRAIN": "0", "GATEWAY_METRICS": "off"}

# By the product's parameters a sign-in takes a quarter of a second of a core, and tests sign in hundreds of times.
_TRUE, passwords._HASHER = passwords._HASHER, PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
passwords._NOBODYS = passwords._nobodys()


@pytest.fixture
def true_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed as outside tests, for those that look at that or at how long it takes."""
    monkeypatch.setattr(passwords, "_HASHER", _TRUE)
    monkeypatch.setattr(passwords, "_NOBODYS", passwords._nobodys())


ALL_SCOPES = {
    **{party: " ".join(sorted(party_scopes(discover(), party))) for party in CONTRACT.parties},
    "ALIBABA": "clients:read clients:pii alibaba:read mailru:read mailru:segments",
    "MAILRU": "clients:read clients:pii alibaba:read mailru:read mailru:segments",
    "RDIF": "fund:reports",
}


@pytest.fixture(autouse=True)
def no_log_to_what_is_closed() -> None:
    """A command that ran in a test logged to what the test caught; the next test's lines have nowhere to go there."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if type(handler) is logging.StreamHandler and getattr(handler.stream, "closed", False):
            root.removeHandler(handler)


class Gateway:
    """A gateway at work, with a client that speaks HTTP to it."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient, app: Starlette) -> None:
        self.settings = settings
        self.client = client
        self.app = app

    def token(
        self,
        party: str,
        scopes: str | Iterable[str] | None = None,
        purpose: str = "analytics",
        lifetime: int = LIFETIME,
        datasets: Iterable[tuple[str, str]] | None = None,
    ) -> str:
        """A token as the token service issues it; `datasets` are the (party, dataset) pairs it is narrowed to."""
        held = ALL_SCOPES[party] if scopes is None else scopes
        held = held.split() if isinstance(held, str) else held
        now = int(time.time())
        narrowed = None if datasets is None else frozenset(datasets)
        caller = Caller(
            party, f"{party.lower()}-app", frozenset(held), purpose, now + lifetime, datasets=narrowed
        )
        return issue(
            caller, signing_keys(self.settings.state), self.settings.issuer, self.settings.audience, now
        )

    async def post(self, body: Any, token: str | None = None, **headers: str) -> httpx.Response:
        """POST a body to /graphql: JSON for anything but bytes."""
        sent = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        if isinstance(body, bytes):
            return await self.client.post("/graphql", content=body, headers=sent)
        return await self.client.post("/graphql", json=body, headers=sent)

    async def ask(
        self,
        document: str,
        party: str = "ALIBABA",
        scopes: str | Iterable[str] | None = None,
        purpose: str = "analytics",
        variables: Mapping[str, Any] | None = None,
        datasets: Iterable[tuple[str, str]] | None = None,
    ) -> Any:
        """The answer to an operation, as JSON."""
        token = self.token(party, scopes, purpose, datasets=datasets)
        response = await self.post({"query": document, "variables": variables}, token)
        assert response.status_code == 200, response.text
        return response.json()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction on the gateway's database, as a sync or the command line has it."""
        database = writer(self.settings.database)
        async with database.begin() as connection:
            yield connection
        await database.dispose()


_MADE: dict[str, bytes] = {}
"""Databases by what is in them: migrations and rows take a while, so each is made once for all tests."""


async def empty_database(settings: Settings) -> None:
    """The database as `prepare` makes it."""
    await filled_database(settings, {})


async def filled_database(settings: Settings, rows: Rows) -> None:
    """The database as `prepare` makes it, with these rows."""
    name = repr([(table.name, found) for table, found in rows.items()])
    if name not in _MADE:
        if rows:
            await empty_database(settings)
            database = writer(settings.database)
            async with database.begin() as connection:
                await write(connection, rows)
            await database.dispose()
        else:
            await prepare(settings)
        _MADE[name] = settings.database.read_bytes()
    settings.state.mkdir(parents=True, exist_ok=True)
    settings.database.write_bytes(_MADE[name])


async def start(folder: Path, rows: Rows, **options: Any) -> AsyncIterator[Gateway]:
    """A gateway in a folder of its own, over these rows."""
    settings = Settings(state=folder, origin=ORIGIN, **options)
    await filled_database(settings, rows)
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client,
    ):
        yield Gateway(settings, client, app)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    """The gateway over the small world."""
    async for each in start(tmp_path, small_world()):
        yield each
