"""People at their browsers, and the applications that send them: the code flow as it is walked, over HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from argon2 import PasswordHasher
from sqlalchemy import Row, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.applications import Starlette

from gateway.access.agreements import CONTRACT
from gateway.oauth import passwords
from gateway.oauth.applications import applications, hash_secret
from gateway.oauth.keys import signing_keys
from gateway.oauth.registration import Known
from gateway.oauth.routes import routes
from gateway.oauth.users import add
from gateway.oauth.verification import Verifier
from gateway.schema import declared_schema
from gateway.settings import Settings
from gateway.store.database import writer
from tests.conftest import ORIGIN, empty_database

SECRET = "a secret of the application, long enough"
PASSWORD = "correct horse battery staple"
CALLBACK = "https://shop.example/callback"
LOOPBACK = "http://127.0.0.1/callback"
LI = "li.wei@alibaba.example"
OLGA = "olga@mailru.example"

SCOPES = declared_schema().scopes
KNOWN = Known(set(CONTRACT.parties), set(SCOPES), set(CONTRACT.purposes))

_APPLICATION = {
    "party": "ALIBABA",
    "scopes": "alibaba:read clients:pii clients:read",
    "purposes": "analytics targeted_offers",
    "created_at": "2026-01-01T00:00:00Z",
    "grant_types": "authorization_code refresh_token",
    "redirect_uris": CALLBACK,
}

APPLICATIONS: list[dict[str, Any]] = [
    {
        **_APPLICATION,
        "id": "shop",
        "name": "Shop",
        "secret_hash": hash_secret(SECRET),
        "authentication": "client_secret",
    },
    {
        **_APPLICATION,
        "id": "other",
        "name": "Other",
        "secret_hash": hash_secret(SECRET),
        "authentication": "client_secret",
    },
    {
        **_APPLICATION,
        "id": "desk",
        "name": "Desk",
        "authentication": "none",
        "redirect_uris": f"{LOOPBACK} {CALLBACK}",
    },
    {
        **_APPLICATION,
        "id": "venture",
        "name": "Venture",
        "party": "*",
        "authentication": "none",
        "scopes": " ".join(SCOPES),
    },
    {
        **_APPLICATION,
        "id": "silent",
        "name": "Silent",
        "secret_hash": hash_secret(SECRET),
        "authentication": "client_secret",
        "grant_types": "client_credentials",
    },
]
"""A web server's, another's, one on a device, the venture's own, and one that may ask nobody."""


async def settle(connection: AsyncConnection) -> None:
    """The applications, and two people."""
    for each in APPLICATIONS:
        await connection.execute(insert(applications).values(each))
    scopes = ["clients:read", "alibaba:read"]
    await add(connection, LI, "Li Wei", "ALIBABA", PASSWORD, scopes, ["analytics", "targeted_offers"], KNOWN)
    await add(
        connection, OLGA, "Olga", "MAILRU", PASSWORD, ["clients:read", "mailru:read"], ["analytics"], KNOWN
    )


class Forms(HTMLParser):
    """The forms of a page: each with its address, its hidden values, and the names of what it asks."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append({"action": given["action"], "hidden": {}, "asked": []})
        elif tag == "input" and given["type"] == "hidden":
            self.forms[-1]["hidden"][given["name"]] = given["value"]
        elif tag == "input":
            self.forms[-1]["asked"].append(given["name"])


def form_of(page: httpx.Response, path: str) -> dict[str, Any]:
    """The form of a page that goes to `/oauth/<path>`."""
    [found] = [form for form in Forms(page.text).forms if urlsplit(form["action"]).path == f"/oauth/{path}"]
    return found


def challenge(verifier: str) -> str:
    """PKCE's, by S256 (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Flow:
    """One walk through the code flow: a browser, an application, its verifier and state, and how it proves a key."""

    browser: httpx.AsyncClient
    application: str = "shop"
    redirect_uri: str = CALLBACK
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(8))
    prove: Callable[[], str] | None = None

    def asked(self, **changes: str | None) -> dict[str, str]:
        """The authorization request; a change to None leaves a parameter out."""
        request = {
            "response_type": "code",
            "client_id": self.application,
            "redirect_uri": self.redirect_uri,
            "state": self.state,
            "code_challenge": challenge(self.verifier),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**request, **changes}.items() if value is not None}

    async def begin(self, **changes: str | None) -> httpx.Response:
        """What the browser gets first."""
        return await self.browser.get("/oauth/authorize", params=self.asked(**changes))

    async def submit(self, page: httpx.Response, path: str, **values: str) -> httpx.Response:
        """Send one of the page's forms, as a browser does."""
        form = form_of(page, path)
        return await self.browser.post(form["action"], data={**form["hidden"], **values})

    async def sign_in(self, page: httpx.Response, id: str = LI, password: str = PASSWORD) -> httpx.Response:
        """Sign in; the page after it."""
        answer = await self.submit(page, "sign-in", id=id, password=password)
        return await self.browser.get(answer.headers["location"]) if answer.status_code == 303 else answer

    async def consented(self, id: str = LI, **changes: str | None) -> httpx.Response:
        """Sign in where nobody is, and allow; the answer that goes to the application."""
        page = await self.begin(**changes)
        if 'name="password"' in page.text:
            page = await self.sign_in(page, id)
        return await self.submit(page, "authorize", decision="allow")

    async def code(self, id: str = LI, **changes: str | None) -> str:
        """A code."""
        return sent(await self.consented(id, **changes))["code"]

    async def exchange(self, code: str, **changes: str | None) -> httpx.Response:
        """The token request for a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return await self.ask({**form, **changes})

    async def refresh(self, token: str, **changes: str | None) -> httpx.Response:
        """The token request for a refresh token."""
        return await self.ask({"grant_type": "refresh_token", "refresh_token": token, **changes})

    async def ask(self, form: Mapping[str, str | None]) -> httpx.Response:
        """A token request as the application authenticates it."""
        form = {"client_id": self.application, **form}
        headers = {"DPoP": self.prove()} if self.prove else {}
        if self.application not in ("desk", "venture", "graphiql"):
            form = {"client_secret": SECRET, **form}
        sent = {name: value for name, value in form.items() if value is not None}
        return await self.browser.post("/oauth/token", data=sent, headers=headers)

    async def tokens(self, id: str = LI, **changes: str | None) -> dict[str, Any]:
        """The tokens at the end of the whole walk."""
        answer = await self.exchange(await self.code(id, **changes))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


class Serving(Protocol):
    """A gateway at work, or a part of it."""

    app: Starlette
    settings: Settings


def browser(at: Serving) -> httpx.AsyncClient:
    """A browser that nobody has used."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(at.app), base_url=at.settings.origin)


@dataclass
class Here:
    """The token service at work over a database with applications and people."""

    settings: Settings
    engine: AsyncEngine
    app: Starlette
    verifier: Verifier

    def browser(self) -> httpx.AsyncClient:
        """A browser that nobody has used."""
        return browser(self)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, as the command line has it."""
        async with self.engine.begin() as connection:
            yield connection

    async def rows(self, table: Table) -> list[Row[Any]]:
        """All rows of a table."""
        async with self.engine.connect() as connection:
            return list(await connection.execute(select(table)))


_SETTLED: dict[PasswordHasher, bytes] = {}


async def settled(settings: Settings) -> None:
    """A database with them; passwords take their time, so they are hashed once for all tests."""
    await empty_database(settings)
    hasher = passwords._HASHER
    if hasher not in _SETTLED:
        database = writer(settings.database)
        async with database.begin() as connection:
            await settle(connection)
        await database.dispose()
        _SETTLED[hasher] = settings.database.read_bytes()
    settings.database.write_bytes(_SETTLED[hasher])


@asynccontextmanager
async def service(state: Path, origin: str = ORIGIN) -> AsyncIterator[Here]:
    """The token service by itself, with the words of the venture's contract."""
    settings = Settings(state=state, origin=origin)
    await settled(settings)
    engine, keys = writer(settings.database), signing_keys(state)
    app = Starlette(routes=routes(settings, engine, keys, SCOPES, CONTRACT.parties, CONTRACT.purposes))
    try:
        yield Here(settings, engine, app, Verifier(keys, settings.issuer, settings.audience))
    finally:
        await engine.dispose()


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Here]:
    """See `service`."""
    async with service(tmp_path) as found:
        yield found


def sent(answer: httpx.Response) -> dict[str, str]:
    """What a redirect brings the application."""
    assert answer.status_code == 303, answer.text
    pairs = parse_qsl(urlsplit(answer.headers["location"]).query, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def claims(token: str) -> dict[str, Any]:
    """What a token says."""
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return found
