"""Tokens: how many one process issues in a second, and what verifying one adds to a request.

CPU time of the gateway alone: requests go straight into the application, and their assertions are signed before.
"""

from __future__ import annotations

import asyncio
import base64
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import uvloop
from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette

from gateway.app import create_app, prepare
from gateway.oauth.applications import Application, add, register
from gateway.oauth.keys import Keys, signing_keys
from gateway.oauth.public_keys import read_keys
from gateway.oauth.registration import Known
from gateway.oauth.revocations import Revocations, revoke
from gateway.oauth.tokens import LIFETIME, Caller, issue
from gateway.oauth.verification import Verifier
from gateway.settings import Settings
from gateway.store.database import writer
from tests.assertions import claims, form, jwks, key, signed

SCOPES = ("clients:read", "alibaba:read")
KNOWN = Known({"ALIBABA"}, SCOPES, {"analytics"})
REVOKED = 1_000

Ask = Callable[[], Awaitable[None]]


def posting(app: Starlette, body: bytes, *headers: tuple[bytes, bytes]) -> Ask:
    """A token request, as the server hands it to the application. Raises AssertionError where it brings no token."""
    sent = [(b"content-type", b"application/x-www-form-urlencoded"), (b"host", b"127.0.0.1"), *headers]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/oauth/token",
        "raw_path": b"/oauth/token",
        "query_string": b"",
        "headers": sent,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }

    async def ask() -> None:
        answered: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            answered.append(message)

        await app(dict(scope), receive, send)
        assert answered[0]["status"] == 200, answered
        assert orjson.loads(answered[1]["body"])["access_token"]

    return ask


def by_secret(app: Starlette, secret: str) -> Iterator[Ask]:
    """Requests that HTTP Basic authenticates."""
    basic = b"Basic " + base64.b64encode(f"shop:{secret}".encode())
    while True:
        yield posting(app, b"grant_type=client_credentials", (b"authorization", basic))


def by_key(app: Starlette, issuer: str) -> Iterator[Ask]:
    """Requests that an assertion authenticates, each with its own."""
    while True:
        assertion = signed({"alg": "ES256"}, claims("batch", aud=issuer), key("EC"))
        yield posting(app, urlencode({"grant_type": "client_credentials", **form(assertion)}).encode())


async def microseconds(asks: Iterator[Ask], rounds: int) -> float:
    """The median CPU time of one, taken over so many of them."""
    taken = []
    for turn in range(rounds + 5):
        ask = next(asks)
        started = time.process_time()
        await ask()
        if turn >= 5:
            taken.append((time.process_time() - started) * 1e6)
    return statistics.median(taken)


async def issuing(settings: Settings, rounds: int) -> dict[str, float]:
    """The time of a token request, for each way to authenticate."""
    engine = writer(settings.database)
    stored = read_keys(jwks(key("EC")).encode())
    batch = Application(
        "batch", "Batch", "ALIBABA", SCOPES, ("analytics",), authentication="private_key_jwt", jwks=stored
    )
    async with engine.begin() as connection:
        secret = await add(connection, "shop", "Shop", "ALIBABA", SCOPES, ["analytics"], KNOWN)
        await register(connection, batch, KNOWN)
    await engine.dispose()
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        return {
            "client_secret_basic": await microseconds(by_secret(app, secret), rounds),
            "private_key_jwt": await microseconds(by_key(app, settings.issuer), rounds),
        }


def token(keys: Keys, settings: Settings) -> str:
    """A token like any other."""
    now = int(time.time())
    caller = Caller("ALIBABA", "shop", frozenset(SCOPES), "analytics", now + LIFETIME)
    return f"Bearer {issue(caller, keys, settings.issuer, settings.audience, now)}"


async def verifying(settings: Settings, rounds: int) -> dict[str, float]:
    """The time of verifying a token that is known, and one that is not, with a thousand revocations in force."""
    engine, keys = writer(settings.database), signing_keys(settings.state)
    async with engine.begin() as connection:
        for number in range(REVOKED):
            await connection.run_sync(revoke, f"token:{number}")
    revocations = Revocations(engine)
    await revocations.refresh()
    await engine.dispose()
    verifier = Verifier(keys, settings.issuer, settings.audience, revocations=revocations)
    fresh = [token(keys, settings) for _ in range(rounds)]
    started = time.process_time()
    for each in fresh:
        await verifier.authenticate(each)
    cold = time.process_time() - started
    warm_rounds = rounds * 50
    started = time.process_time()
    for _ in range(warm_rounds):
        await verifier.authenticate(fresh[0])
    warm = time.process_time() - started
    return {"known": warm / warm_rounds * 1e6, "seen for the first time": cold / rounds * 1e6}


async def tokens(console: Console, rounds: int = 300) -> None:
    """Both tables, over a database of their own."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(state=Path(folder))
        await asyncio.to_thread(lambda: asyncio.run(prepare(settings)))
        issued, verified = await issuing(settings, rounds), await verifying(settings, rounds)
    table = Table(title=f"Tokens, CPU time, {rounds} rounds", title_justify="left")
    for heading in ("", "microseconds", "a second"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, each in issued.items():
        table.add_row(f"issue one, {name}", f"{each:,.0f}", f"{1e6 / each:,.0f}")
    for name, each in verified.items():
        table.add_row(f"verify one that is {name}", f"{each:,.1f}", f"{1e6 / each:,.0f}")
    console.print(table)


if __name__ == "__main__":
    uvloop.run(tokens(Console()))
