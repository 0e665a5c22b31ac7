"""What fails or takes too long within: it is masked, ended, and told to the log without a word of it."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest
import strawberry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from gateway.access.pseudonyms import pseudonyms
from gateway.access.trusted_documents import TrustedDocuments
from gateway.activations.desk import Desk
from gateway.admission.admission import Admission
from gateway.app import create_app
from gateway.clients.changes import Feed
from gateway.connector import Access, Connector, Request, Terms, Upstream, batch, requires
from gateway.discovery import discover
from gateway.endpoint.connections import Connections
from gateway.endpoint.endpoint import Endpoint
from gateway.endpoint.execution import Execution
from gateway.endpoint.persisted import Persisted
from gateway.engine.engine import Engine
from gateway.engine.limits import Limits
from gateway.logs import RequestLog
from gateway.oauth.keys import signing_keys
from gateway.oauth.verification import Verifier
from gateway.schema import Schema
from gateway.store.database import writer
from gateway.store.readers import Readers
from tests.answers import data_of
from tests.conftest import ALL_SCOPES
from tests.door import Door, Lines, door, filled, log, opened

__all__ = ["door", "log"]

# What fails within

SECRET = "canary-77a0 of Ada Lovelace"


async def failing(roots: Sequence[None], access: Access) -> list[str]:
    """Fails with something in its text that nobody may read."""
    raise RuntimeError(f"no row for {SECRET}")


async def failing_one_by_one(roots: Sequence[None], access: Access) -> list[Any]:
    """The same, as an error in a value's place."""
    return [ValueError(SECRET) for _ in roots]


class Work:
    """What became of the slow field's work."""

    begun = threading.Event()
    ended = threading.Event()


async def slow(roots: Sequence[None], access: Access, *, messy: bool = False) -> list[str]:
    """Takes an hour; or fails, when it is messy, in whatever way it ends."""
    Work.begun.set()
    try:
        await asyncio.sleep(3600)
        return ["done" for _ in roots]
    finally:
        Work.ended.set()
        if messy:
            raise RuntimeError(SECRET)


SILENT = socket.create_server(("127.0.0.1", 0))
"""Where a partner would be, if it said anything."""

RATES = Request("GET", "/rates", name="rates")


async def rates(roots: Sequence[None], access: Access, *, at: str) -> list[str]:
    """What a partner says, which here is nothing: nobody listens at one's address, and the other has none."""
    found = await access.partner(at).write(lambda: RATES, lambda answer: str(answer.status))
    return [found for _ in roots]


@strawberry.type
class TroubleQuery:
    """Fields that go wrong."""

    failing: str | None = batch(failing, requires=requires("trouble:read"))
    failing_one_by_one: str | None = batch(failing_one_by_one, requires=requires("trouble:read"))
    slow: str | None = batch(slow, requires=requires("trouble:read"))
    rates: str | None = batch(rates, requires=requires("trouble:read"))


TROUBLE = Connector("trouble", "ALIBABA", {"trouble:read": "Whatever goes wrong."}, query=TroubleQuery)


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A gateway of the same parts, with a connector whose fields go wrong, and two seconds of patience."""
    used = asyncio.run(filled(tmp_path_factory.mktemp("troubled"), deadline=2.0))
    schema = Schema((*discover(), TROUBLE))
    readers, keys = Readers(used.database, used.readers), signing_keys(used.state)
    engine = Engine(schema.graphql, Limits(used.max_tokens, used.max_depth))
    trusted, admission = TrustedDocuments(writer(used.database)), Admission(used, writer(used.database))
    feed, persisted = Feed(writer(used.database)), Persisted(trusted)
    names = pseudonyms(used.state)
    partners = {
        "bank": Upstream("bank", {"url": "http://127.0.0.1:1"}, Terms(live=0.3), live=True),
        "silent": Upstream("silent", {"url": f"http://127.0.0.1:{SILENT.getsockname()[1]}"}, live=True),
    }
    desk = Desk(writer(used.database), readers, {}, {}, lambda: None)
    execution = Execution(used, schema, engine, readers, names, admission, feed, persisted, partners, desk)
    endpoint = Endpoint(used, Verifier(keys, used.issuer, used.audience), execution, Connections())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await readers.open()
        async with trusted.followed(), partners["bank"], partners["silent"]:
            yield
        await readers.close()

    app = Starlette(
        routes=[Route("/graphql", endpoint)], middleware=[Middleware(RequestLog)], lifespan=lifespan
    )
    with SILENT, opened(app, used) as found:
        found.scopes = f"{ALL_SCOPES['ALIBABA']} trouble:read"
        yield found


@pytest.mark.parametrize("name", ["failing", "failingOneByOne"])
def test_an_exception_is_masked(troubled: Door, log: Lines, name: str) -> None:
    """The caller reads an id, which the log has with the place of the failure; nobody reads its text."""
    response = troubled.post({"query": f"{{ caller {{ party }} {name} }}"})
    assert response.status_code == 200
    assert response.json()["data"] == {"caller": {"party": "ALIBABA"}, name: None}
    [error] = response.json()["errors"]
    assert (error["path"], error["extensions"]["code"]) == ([name], "INTERNAL_SERVER_ERROR")
    [line] = [json.loads(line) for line in log.lines if error["extensions"]["id"] in line]
    assert line["level"] == "ERROR"
    assert line["kind"] == ("RuntimeError" if name == "failing" else "ValueError")
    assert line["request_id"] == response.headers["x-request-id"]
    if name == "failing":
        assert f"{__file__}:{failing.__code__.co_firstlineno + 2}" == line["where"]
    assert SECRET not in response.text
    assert not any(SECRET in each for each in log.lines)


def test_a_database_that_fails_is_masked(tmp_path: Path, log: Lines) -> None:
    """A table that is gone is an internal error of the fields that need it, and of no other."""
    used = asyncio.run(filled(tmp_path))
    with opened(create_app(used), used) as door:
        answer = door.post({"query": "{ clients { totalCount } }"}).json()
        assert data_of(answer) == {"clients": {"totalCount": 4}}
        with closing(sqlite3.connect(used.database)) as database:
            database.execute("DROP TABLE accounts")
        response = door.post({"query": '{ caller { party } client(id: "x") { id } clients { totalCount } }'})
    assert response.status_code == 200
    codes = {error["extensions"]["code"] for error in response.json()["errors"]}
    assert codes == {"INTERNAL_SERVER_ERROR"}
    assert "accounts" not in response.text
    assert "Traceback" not in response.text


def test_the_deadline_ends_a_slow_field(troubled: Door) -> None:
    """The rest of the answer stands."""
    started = time.monotonic()
    response = troubled.post({"query": "{ caller { party } slow }"})
    assert 2 <= time.monotonic() - started < 8
    assert response.json()["data"] == {"caller": {"party": "ALIBABA"}, "slow": None}
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "DEADLINE_EXCEEDED"


def test_a_partners_failure_is_told_at_its_field(troubled: Door) -> None:
    """Which partner, of which kind, and whether it may pass; the rest of the answer stands."""
    response = troubled.post(
        {"query": '{ caller { party } down: rates(at: "bank") none: rates(at: "shop") }'}
    )
    assert response.json()["data"] == {"caller": {"party": "ALIBABA"}, "down": None, "none": None}
    errors = {error["path"][0]: error for error in response.json()["errors"]}
    assert errors["down"]["message"] == "no answer from bank: ConnectionRefusedError"
    assert errors["down"]["extensions"] == {
        "code": "PARTNER_ERROR",
        "partner": {
            "name": "bank",
            "kind": "TRANSIENT",
            "code": None,
            "retryable": True,
            "retryAfter": None,
        },
    }
    assert errors["none"]["extensions"] == {"code": "PARTNER_UNAVAILABLE", "partner": {"name": "shop"}}
    assert "127.0.0.1" not in response.text


def test_a_call_to_a_partner_is_explained(troubled: Door) -> None:
    """By the name it has in metrics, and it is not made."""
    document = """{ explainAccess(document: "{ rates(at: \\"bank\\") }") {
        levels { calls { complete partnerCalls { connector name } } } } }"""
    found = data_of(troubled.post({"query": document}).json())["explainAccess"]
    [[call]] = [level["calls"] for level in found["levels"]]
    assert call == {"complete": False, "partnerCalls": [{"connector": "bank", "name": "rates"}]}


def test_who_hangs_up_ends_the_work(troubled: Door, log: Lines) -> None:
    """At once, not at the deadline; and whatever the work says at its end is not in the log."""
    Work.begun.clear()
    Work.ended.clear()
    body = json.dumps({"query": "{ slow(messy: true) }"}).encode()
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", troubled.port)) as connection:
        connection.sendall(troubled.head(Content_Length=str(len(body))) + body)
        assert Work.begun.wait(2)
    assert Work.ended.wait(2)
    assert time.monotonic() - started < 2
    gc.collect()
    assert until(lambda: any('"status":0' in line for line in log.lines))
    assert not any('"level":"ERROR"' in line or SECRET in line for line in log.lines)


def test_who_hangs_up_ends_the_call_to_the_partner(troubled: Door) -> None:
    """Its connection is closed at once, not when its time is over."""
    body = json.dumps({"query": '{ rates(at: "silent") }'}).encode()
    SILENT.settimeout(2)
    with socket.create_connection(("127.0.0.1", troubled.port)) as connection:
        connection.sendall(troubled.head(Content_Length=str(len(body))) + body)
        called, _ = SILENT.accept()
    with called:
        called.settimeout(1)
        assert called.recv(10_000).startswith(b"GET /rates HTTP/1.1\r\n")
        with suppress(ConnectionResetError):
            assert called.recv(1) == b""


def test_who_hangs_up_in_the_middle_of_a_body_is_let_go(troubled: Door, log: Lines) -> None:
    """Without an error: callers lose their networks all the time."""
    with socket.create_connection(("127.0.0.1", troubled.port)) as connection:
        connection.sendall(troubled.head(Content_Length="1000") + b'{"query":')
    assert until(lambda: any('"status":0' in line for line in log.lines))
    assert not any('"level":"ERROR"' in line for line in log.lines)


def until(condition: Callable[[], bool], seconds: float = 3.0) -> bool:
    """Whether it comes true in time."""
    end = time.monotonic() + seconds
    while not (held := condition()) and time.monotonic() < end:
        time.sleep(0.01)
    return held
