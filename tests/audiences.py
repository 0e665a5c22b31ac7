"""Audiences: a venture with enough consented clients to send to myTarget, and a gateway that has its sandbox."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.mailru.sandbox import sandbox
from connectors.mailru.sandbox.user_lists import STEPS, UserList
from gateway.access.agreements import agreements, consents
from gateway.activations import desk, work
from gateway.activations.activations import FINAL, Plan, activations
from gateway.activations.audiences import Audience
from gateway.activations.deliveries import ContactKind
from gateway.clients.accounts import accounts, profiles
from gateway.clients.client import clients
from gateway.oauth.applications import applications
from gateway.oauth.tokens import Caller
from gateway.store.database import writer
from gateway.store.queries import Row
from tests.conftest import Gateway, start
from tests.connectors.test_mailru_world import KEYS, furnished
from tests.partners import served
from tests.world import Rows, account, consent

PURPOSE = "targeted_offers"
SCOPES = "clients:read mailru:activate"
PEOPLE = 2_020
"""All of them are AliExpress's; the first twenty did not consent to Mail.ru Group's offers, the last have no e-mail."""

UNWILLING, SILENT = 10, 5

SHOWN = "id name recipient purpose contact state reason partnerState partnerId sent coverage"
ACTIVATE = f"""mutation ($key: String!, $name: String!, $contact: ContactKind!, $audience: ClientFilter) {{
    activateAudience(key: $key, name: $name, contact: $contact, audience: $audience) {{ {SHOWN} }} }}"""
ACTIVATION = f"query ($id: ID!) {{ activation(id: $id) {{ {SHOWN} }} }}"
PROGRESS = f"subscription ($id: ID!) {{ activationProgress(id: $id) {{ {SHOWN} }} }}"
LISTS = "users_lists.json"


def email(number: int) -> str:
    return f"ivan.{number}@mail.ru"


def phone(number: int) -> str:
    return f"7916555{number:04d}"


def hashed(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


WILLING = range(UNWILLING, PEOPLE)
EMAILS = frozenset(hashed(email(number)) for number in range(UNWILLING, PEOPLE - SILENT))


def crowd() -> Rows:
    """So many clients; a hundred of them live in Tver."""
    people = range(PEOPLE)
    parties = ("ALIBABA", "MAILRU", "RDIF")
    return {
        applications: [application(party) for party in parties],
        clients: [{"id": 10_000 + number} for number in people],
        accounts: [account("ALIBABA", f"{n}", 10_000 + n, "Тверь" if n < 100 else "RU-MOW") for n in people],
        profiles: [
            {
                "account_id": f"ALIBABA:{n}",
                "party": "ALIBABA",
                "client_id": 10_000 + n,
                "name": f"Иван {n}-й",
                "email": f" Ivan.{n}@Mail.ru" if n < PEOPLE - SILENT else None,
                "phone": f"8 (916) 555-{n:04d}",
                "birth_year": 1980,
            }
            for n in people
        ],
        consents: [consent(10_000 + n, "MAILRU", PURPOSE) for n in WILLING],
    }


def application(party: str) -> dict[str, Any]:
    """The one that `Gateway.token` is of."""
    return {
        "id": f"{party.lower()}-app",
        "name": party,
        "party": party,
        "scopes": SCOPES,
        "purposes": PURPOSE,
        "created_at": "2026-01-01T00:00:00Z",
    }


@dataclass
class Stand:
    """myTarget's stand-in, which counts calls; `meddle` may answer a call of a path in its place, or after it."""

    app: Starlette
    calls: Counter[str] = field(default_factory=Counter)
    before: Callable[[str, str], int | None] = lambda method, name: None
    after: Callable[[str, str], int | None] = lambda method, name: None

    @property
    def lists(self) -> dict[int, UserList]:
        found: dict[int, UserList] = self.app.state.user_lists.lists
        return found

    def nearly(self) -> None:
        """All lists are a step before they are ready."""
        for each in self.lists.values():
            each.step = len(STEPS) - 2

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        asked = scope["method"], scope["path"].rpartition("/")[2]
        self.calls[" ".join(asked)] += 1
        status = self.before(*asked)
        if status is None:
            answers = self.after(*asked)
            if answers is None:
                return await self.app(scope, receive, send)
            await self.app(scope, receive, _nothing)
            status = answers
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return None


async def _nothing(_: Message) -> None:
    """An answer that is lost."""


@dataclass
class Agency:
    """A gateway and the stand-in that it has for a partner."""

    gateway: Gateway
    stand: Stand

    async def activate(self, key: str = "spring", party: str = "ALIBABA", **other: Any) -> Any:
        """The answer to the mutation."""
        wish = {"key": key, "name": "Spring", "contact": "EMAIL"}
        caller = {"scopes": SCOPES, "purpose": PURPOSE, "datasets": other.pop("datasets", None)}
        caller |= {name: other.pop(name) for name in ("scopes", "purpose") if name in other}
        return await self.gateway.ask(ACTIVATE, party, variables={**wish, **other}, **caller)

    async def activated(self, key: str = "spring", **other: Any) -> Any:
        """The activation itself."""
        answer = await self.activate(key, **other)
        assert "errors" not in answer, answer
        return answer["data"]["activateAudience"]

    async def refused(self, **other: Any) -> tuple[str, Any]:
        """The code and the extensions of the mutation's one error."""
        answer = await self.activate(**other)
        assert answer["data"] == {"activateAudience": None}
        [error] = answer["errors"]
        assert error["path"] == ["activateAudience"]
        return error["extensions"]["code"], error["extensions"]

    async def seen(self, id: str, party: str = "ALIBABA") -> Any:
        """An activation as a party sees it."""
        answer = await self.gateway.ask(ACTIVATION, party, SCOPES, PURPOSE, {"id": id})
        assert "errors" not in answer, answer
        return answer["data"]["activation"]

    async def rows(self) -> list[Row]:
        """All activations, as they are kept."""
        async with self.gateway.writing() as connection:
            return list((await connection.execute(select(activations))).all())  # type: ignore[arg-type]

    async def hurry(self) -> None:
        """All that is to be done is due."""
        async with self.gateway.writing() as connection:
            await connection.execute(
                update(activations).where(activations.c.due.is_not(None)).values(due=0.0)
            )

    async def called(self, call: str) -> None:
        """Once the stand-in was called so."""
        async with asyncio.timeout(15):
            while not self.stand.calls[call]:  # noqa: ASYNC110 - it is looked at as anybody would
                await asyncio.sleep(0.02)

    async def until(self, *states: str) -> Row:
        """The one activation, once it is in one of these states."""
        async with asyncio.timeout(15):
            while True:
                [row] = await self.rows()
                if row.state in states:
                    return row
                assert row.state not in FINAL, (row.state, row.reason)
                await self.hurry()
                await asyncio.sleep(0.03)


@asynccontextmanager
async def agency(folder: Path, rows: Rows | None = None) -> AsyncIterator[Agency]:
    """A gateway over the crowd, with myTarget's stand-in behind a socket."""
    (folder / "mailru.db").write_bytes(furnished())
    stand = Stand(sandbox(folder, {**KEYS, "rps": "1000"}))
    async with served(_lasting(stand)) as url:
        partner = {"mailru": {**KEYS, "url": url}}
        opening = start(folder / "state", crowd() if rows is None else rows, connectors=partner)
        async with aclosing(opening):  # type: ignore[type-var]
            async for gateway in opening:
                yield Agency(gateway, stand)


def _lasting(stand: Stand) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await stand(scope, receive, send)

    return app


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Agency]:
    """A gateway that looks often."""
    monkeypatch.setattr(work, "PAUSE", 0.02)
    monkeypatch.setattr(desk, "PAUSE", 0.02)
    async with agency(tmp_path) as found:
        yield found


@pytest.fixture
async def database(gateway: Gateway) -> AsyncIterator[AsyncEngine]:
    """The gateway's own database."""
    found = writer(gateway.settings.database)
    yield found
    await found.dispose()


def plan(party: str = "ALIBABA", key: str = "spring") -> Plan:
    """The wish of an application that acts for people of several parties, as GraphiQL is."""
    sender = Caller(party, "graphiql", frozenset(SCOPES.split()), PURPOSE)
    return Plan("mailru", "Spring", key, Audience(sender, "MAILRU", ContactKind.EMAIL, {}))


async def withhold(house: Agency) -> None:
    """No agreement lets anybody have contacts any more."""
    async with house.gateway.writing() as connection:
        await connection.execute(delete(agreements).where(agreements.c.dataset == "contacts"))
