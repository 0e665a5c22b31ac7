"""Busy: what a gateway says that has no connection left, and how no address takes them all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path
from threading import Event

import httpx
import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.applications import Starlette

from gateway.app import create_app
from gateway.oauth import passwords
from gateway.oauth.routes import routes
from gateway.oauth.throttle import MAX_PASSWORDS, MAX_WRITERS
from tests.conftest import ORIGIN
from tests.door import filled
from tests.people import LI, PASSWORD, SCOPES, Flow, Here, form_of, here

__all__ = ["here"]

FORM = [(b"content-type", b"application/x-www-form-urlencoded")]
ENDPOINTS = ("token", "introspect", "revoke")


@pytest.fixture
async def crowded(here: Here) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a token service whose one connection to the database is in use."""
    address = f"sqlite+aiosqlite:///{here.settings.database}"
    engine = create_async_engine(address, pool_size=1, max_overflow=0, pool_timeout=0.1)
    app = Starlette(routes=routes(here.settings, engine, here.verifier._keys, SCOPES))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(engine.connect())
        transport = httpx.ASGITransport(app)
        yield await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=ORIGIN))
    await engine.dispose()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_without_a_connection_an_application_is_told_to_come_back(
    crowded: httpx.AsyncClient, endpoint: str
) -> None:
    """Many who ask at once for what they may not have must not make the gateway fail for others."""
    form = {"grant_type": "client_credentials", "token": "x", "client_id": "shop", "client_secret": "x"}
    answer = await crowded.post(f"/oauth/{endpoint}", data=form)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_without_a_connection_a_person_is_told_to_come_back(crowded: httpx.AsyncClient) -> None:
    answer = await crowded.get("/oauth/authorize", params=Flow(crowded).asked())
    assert answer.status_code == 503
    assert "busy" in answer.text


async def test_who_tries_many_passwords_at_once_keeps_nobody_else_waiting(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes a core and 64 MiB: of one address a few have their turn, whatever the names, and others theirs."""
    all_came, verify = Event(), passwords._verify
    monkeypatch.setattr(passwords, "_verify", lambda *password: all_came.wait(30) and verify(*password))
    elsewhere = httpx.ASGITransport(here.app, client=("192.0.2.7", 1))
    async with here.browser() as browser, httpx.AsyncClient(transport=elsewhere, base_url=ORIGIN) as other:
        form, owners = [form_of(await Flow(each).begin(), "sign-in") for each in (browser, other)]
        guesses = [
            browser.post(form["action"], data={**form["hidden"], "id": f"u{n}@x", "password": "a guess"})
            for n in range(3 * MAX_PASSWORDS)
        ]
        answers = asyncio.as_completed(guesses)
        refused = [await answer for answer in islice(answers, 2 * MAX_PASSWORDS)]
        own = other.post(owners["action"], data={**owners["hidden"], "id": LI, "password": PASSWORD})
        entering = asyncio.ensure_future(own)
        all_came.set()
        looked_at = [await answer for answer in answers]
        entered = await entering
    assert Counter(each.status_code for each in refused) == {429: 2 * MAX_PASSWORDS}
    assert {each.headers["retry-after"] for each in refused} == {"1"}
    assert Counter(each.status_code for each in looked_at) == {403: MAX_PASSWORDS}
    assert entered.status_code == 303


@pytest.mark.parametrize("endpoint", ["token", "revoke"])
async def test_who_asks_for_much_at_once_keeps_nobody_else_waiting(here: Here, endpoint: str) -> None:
    """An application that proves nothing can ask as well: of one address only so many wait for the write lock."""
    form = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x", "client_id": "desk"}
    async with here.browser() as browser:
        asked = (browser.post(f"/oauth/{endpoint}", data=form) for _ in range(MAX_WRITERS + 20))
        answers = await asyncio.gather(*asked)
        later = await browser.post(f"/oauth/{endpoint}", data=form)
    told = {"token": 400, "revoke": 200}[endpoint]
    assert Counter(each.status_code for each in answers) == {told: MAX_WRITERS, 429: 20}
    assert {each.headers.get("retry-after") for each in answers} == {None, "1"}
    assert later.status_code == told


@pytest.mark.parametrize("path", ["/oauth/token/", "/oauth/authorize/", "/graphql/", "/graphiql"])
async def test_no_address_is_put_right_by_a_redirect(tmp_path: Path, path: str) -> None:
    """It would lead where Host says, without https behind a proxy, and take the form with the secret along."""
    app = create_app(await filled(tmp_path))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
        answer = await client.post(path, data={"client_secret": "x"}, headers={"Host": "evil.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers
