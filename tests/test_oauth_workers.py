"""Several workers on one database, and one that dies in the middle: single use holds, and nothing is lost unnoticed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import event
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from gateway.access.agreements import CONTRACT
from gateway.oauth.authorizations import authorizations
from gateway.oauth.keys import signing_keys
from gateway.oauth.refreshes import refresh_tokens
from gateway.oauth.routes import routes
from gateway.settings import Settings
from gateway.store.database import writer
from tests.conftest import ORIGIN
from tests.people import SCOPES, Flow, Here, here
from tests.processes import forked

__all__ = ["here"]


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def work(state: str, port: int, dies: str) -> None:
    """A worker. It may die before what it did is kept, or when it is and the answer is about to go out."""
    settings = Settings(state=Path(state), origin=ORIGIN)
    engine = writer(settings.database)
    app = Starlette(
        routes=routes(
            settings, engine, signing_keys(settings.state), SCOPES, CONTRACT.parties, CONTRACT.purposes
        )
    )

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            _die()

        await app(scope, receive, answer)

    if dies == "before the commit":
        event.listen(engine.sync_engine, "commit", _die)
    uvicorn.run(
        silent if dies == "before the answer" else app, port=port, log_level="warning", lifespan="off"
    )


@asynccontextmanager
async def worker(here: Here, dies: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """A worker in a process of its own, and a client of it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = forked(work, str(here.settings.state), port, dies)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            await _until_up(port)
            yield client
    finally:
        process.kill()
        process.join()


async def _until_up(port: int) -> None:
    for _ in range(1200):
        with suppress(OSError):
            _, writing = await asyncio.open_connection("127.0.0.1", port)
            writing.close()
            return
        await asyncio.sleep(0.05)
    pytest.fail("the worker does not answer")


def via(flow: Flow, client: httpx.AsyncClient) -> Flow:
    """The same application, asking another worker."""
    return Flow(client, flow.application, flow.redirect_uri, flow.verifier, flow.state)


@pytest.mark.parametrize("what", ["code", "refresh token"])
async def test_of_thirty_uses_at_once_in_two_workers_one_succeeds(here: Here, what: str) -> None:
    """A1, A2; and all that followed is ended."""
    flow = Flow(here.browser())
    value = await flow.code() if what == "code" else (await flow.tokens())["refresh_token"]
    async with worker(here) as one, worker(here) as two:
        flows = [via(flow, client) for client in (one, two)] * 15
        uses = (each.exchange(value) if what == "code" else each.refresh(value) for each in flows)
        answers = await asyncio.gather(*uses)
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 29
    [token] = [answer.json() for answer in answers if answer.status_code == 200]
    assert (await flow.refresh(token["refresh_token"])).status_code == 400


@pytest.mark.parametrize("what", ["code", "refresh token"])
async def test_what_a_worker_did_not_keep_was_not_done(here: Here, what: str) -> None:
    """A25: killed between the claim and the commit, it has given nothing out; the application may try again."""
    flow = Flow(here.browser())
    value = await flow.code() if what == "code" else (await flow.tokens())["refresh_token"]
    before = len(await here.rows(refresh_tokens))
    async with worker(here, "before the commit") as doomed:
        dying = via(flow, doomed)
        with pytest.raises(httpx.TransportError):
            await (dying.exchange(value) if what == "code" else dying.refresh(value))
    assert len(await here.rows(refresh_tokens)) == before
    again = await (flow.exchange(value) if what == "code" else flow.refresh(value))
    assert again.status_code == 200, again.text
    assert len(await here.rows(refresh_tokens)) == before + 1


@pytest.mark.parametrize("what", ["code", "refresh token"])
async def test_what_a_worker_kept_and_did_not_tell_ends_when_it_is_asked_for_again(
    here: Here, what: str
) -> None:
    """A25: spent is spent; the tokens that nobody got are ended, for nobody can know that nobody got them."""
    flow = Flow(here.browser())
    value = await flow.code() if what == "code" else (await flow.tokens())["refresh_token"]
    async with worker(here, "before the answer") as doomed:
        dying = via(flow, doomed)
        with pytest.raises(httpx.TransportError):
            await (dying.exchange(value) if what == "code" else dying.refresh(value))
    [family] = await here.rows(authorizations)
    assert family.revoked_at is None
    again = await (flow.exchange(value) if what == "code" else flow.refresh(value))
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    [family] = await here.rows(authorizations)
    assert family.revoked_at is not None
