"""Shedding: who was turned away is refused at once, whatever else the request says; by the server itself if it can."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import IO, Any, NamedTuple, cast

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from gateway.admission.admission import Admission
from gateway.admission.tickets import TICKET
from gateway.admission.turns import overloaded
from gateway.endpoint.shedding import FLOODS, Floods, Shedding
from tests.door import listening


class Behind:
    """What stands behind it: turns all away who have a token, and counts those that come so far."""

    def __init__(self) -> None:
        self.reached = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self.reached += 1
        if any(name == b"authorization" for name, _ in scope["headers"]):
            scope[TICKET] = SimpleNamespace(turned_away=True, application="flood")
        await PlainTextResponse("behind")(scope, receive, send)


async def asked(behind: Behind, *requests: dict[str, str], method: str = "POST") -> list[httpx.Response]:
    """What requests with these headers are answered, one after another."""
    admission = cast("Any", SimpleNamespace(refusal=lambda application: overloaded()))
    transport = httpx.ASGITransport(Shedding(behind, Floods(cast("Admission", admission))))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return [await client.request(method, "/graphql", headers=each) for each in requests]


FLOOD = {"authorization": "Bearer flood"}


async def test_what_is_accepted_does_not_make_another_caller_of_it() -> None:
    """Else a flood that accepts something else each time would be known by none of it, and be kept in memory too."""
    behind = Behind()
    accepts = [f"application/json;q=0.{number}" for number in range(1, 9)] + ["nonsense", "text/event-stream"]
    first, *others = await asked(behind, FLOOD, *({**FLOOD, "accept": each} for each in accepts))
    assert first.text == "behind"
    assert [each.status_code for each in others] == [503] * len(accepts)
    assert {each.headers["content-type"] for each in others} == {"application/json; charset=utf-8"}
    assert behind.reached == 1


async def test_a_refusal_is_in_the_form_that_is_accepted() -> None:
    kind = "application/graphql-response+json"
    _, answer = await asked(Behind(), FLOOD, {**FLOOD, "accept": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (503, f"{kind}; charset=utf-8")


async def test_others_are_not_shed_and_neither_is_the_page() -> None:
    others: list[dict[str, str]] = [{"authorization": "Bearer other"}, {}, {**FLOOD, "accept": "text/html"}]
    answers = await asked(Behind(), FLOOD, *others, method="GET")
    assert [each.status_code for each in answers] == [200] * 4


class Served(NamedTuple):
    """A server of ours, to which the flood has become known; `called` has each request that it gave to anyone."""

    port: int
    behind: Behind
    called: list[str]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """With shedding, and what stands behind that."""
    behind = Behind()
    called: list[str] = []
    admission = cast("Admission", SimpleNamespace(refusal=lambda application: overloaded()))
    floods = Floods(admission)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, object]]:
        yield {FLOODS: floods}

    app = Starlette(middleware=[Middleware(Shedding, floods)], lifespan=lifespan)
    app.mount("/", behind)

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        called.append(scope["type"])
        await app(scope, receive, send)

    with listening(call) as port:
        assert said(port, request(FLOOD)) == [200]
        yield Served(port, behind, called)


def request(headers: dict[str, str], body: bytes = b"{}", line: str = "POST /graphql HTTP/1.1") -> bytes:
    """The bytes of a request."""
    lines = [line, "Host: gateway", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def said(port: int, *parts: bytes) -> list[int]:
    """The statuses of the answers to bytes that are sent in parts, when as many have come as there were requests."""
    requests = sum(part.count(b"Host:") for part in parts)
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            connection.sendall(part)
            time.sleep(0.005)
        with connection.makefile("rb") as answers:
            return [answered(answers) for _ in range(requests)]


def answered(answers: IO[bytes]) -> int:
    """The status of the next answer, read to the end of its body."""
    status = int(answers.readline().split()[1])
    headers = dict(line.decode().lower().split(": ", 1) for line in iter(answers.readline, b"\r\n"))
    body = answers.read(int(headers["content-length"]))
    if status == 503:
        assert orjson.loads(body)["errors"][0]["extensions"] == {"code": "OVERLOADED"}
        assert headers["retry-after"].strip() == "1"
        assert headers["cache-control"].strip() == "no-store"
    return status


OTHER = {"authorization": "Bearer other"}
LONG = request(FLOOD, b"x" * 100_000)


@pytest.mark.parametrize(
    ("parts", "statuses", "called", "reached"),
    [
        ([request(FLOOD)], [503], 0, 0),
        ([request(FLOOD) * 3], [503] * 3, 0, 0),
        ([request(FLOOD) + request({}) + request(FLOOD)], [503, 200, 503], 2, 1),
        ([request({}) + request(FLOOD)], [200, 503], 2, 1),
        ([LONG[:50], LONG[50:5_000], LONG[5_000:] + request({})], [503, 200], 1, 1),
        ([request(FLOOD, line="GET /graphql HTTP/1.1")], [503], 1, 0),
        ([request(FLOOD, line="POST /graphql?a=1 HTTP/1.1")], [503], 1, 0),
        ([request({**FLOOD, "Connection": "close"})], [503], 1, 0),
        ([request({**FLOOD, "accept": "nonsense"})], [503], 0, 0),
        ([request(FLOOD, line="POST /other HTTP/1.1")], [200], 1, 1),
        ([request({})], [200], 1, 1),
    ],
)
def test_the_server_answers_in_order_and_goes_on(
    served: Served, parts: list[bytes], statuses: list[int], called: int, reached: int
) -> None:
    """Whether a request is shed by the server or behind it; whatever comes of its body; and no other is."""
    before = len(served.called), served.behind.reached
    assert said(served.port, *parts) == statuses
    assert (len(served.called) - before[0], served.behind.reached - before[1]) == (called, reached)


def test_a_flood_is_answered_before_its_body_has_come(served: Served) -> None:
    address = ("127.0.0.1", served.port)
    with socket.create_connection(address, 5) as connection, connection.makefile("rb") as answers:
        connection.sendall(LONG[:-1])
        assert answered(answers) == 503
        connection.sendall(LONG[-1:] + request({}))
        assert answered(answers) == 200
