"""What a request brings: it is JSON of a bounded size that comes in time, or it is refused."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from itertools import product

import pytest

from gateway.app import create_app
from gateway.endpoint.media_types import JSON
from tests.answers import data_of
from tests.door import CALLER, Door, both_kinds, check, door, filled, log, opened

__all__ = ["door", "log"]

# Bodies


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half an object"),
        pytest.param(b"nul", id="half a word"),
        pytest.param(b"null", id="null"),
        pytest.param(b"true", id="a truth"),
        pytest.param(b"5", id="a number"),
        pytest.param(b'"{ caller { party } }"', id="a string"),
        pytest.param(b"[]", id="an empty list"),
        pytest.param(json.dumps([CALLER, CALLER]).encode(), id="a list of operations"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(b"[" * 100_000, id="100,000 brackets"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="100,000 pairs of brackets"),
        pytest.param(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, id="50,000 objects"),
        pytest.param(
            b'{"query":"{caller{party}}","variables":{"a":' + b"9" * 5_000 + b"}}", id="5,000 digits"
        ),
        pytest.param(b'{"query":"{caller{party}}","variables":{"a":NaN}}', id="NaN"),
        pytest.param(b'{"query":"{caller{party}}","variables":{"a":Infinity}}', id="Infinity"),
        pytest.param(b'{"query":"{caller{party}}","variables":{"a":1e999}}', id="a number beyond doubles"),
        pytest.param(b'{"query":"\xff"}', id="no UTF-8"),
        pytest.param(b'{"query":"\\ud800"}', id="half a character"),
        pytest.param(b'\xef\xbb\xbf{"query":"{caller{party}}"}', id="a byte order mark"),
        pytest.param('{"query":"{caller{party}}"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"query":"{caller{party}}"} trailing', id="more than JSON"),
        pytest.param(b"{'query':'{caller{party}}'}", id="single quotes"),
        pytest.param(b"query=%7Bcaller%7Bparty%7D%7D", id="a form"),
        pytest.param(b"{ caller { party } }", id="the bare document"),
        pytest.param(b"\x00" * 100, id="zeros"),
        pytest.param(b"\x1f\x8b\x08\x00", id="gzip"),
    ],
)
@both_kinds
def test_a_body_that_is_no_request_is_refused(door: Door, body: bytes, kind: str) -> None:
    """With 400 whatever is accepted: nothing of it was GraphQL."""
    check(door.post(body, accept=kind), 400, "BAD_REQUEST", kind)


@pytest.mark.parametrize("value", [None, 5, True, [], {}, ["{ caller { party } }"]], ids=repr)
@both_kinds
def test_a_query_that_is_no_text_is_refused(door: Door, value: object, kind: str) -> None:
    """And named."""
    assert "`query`" in check(door.post({"query": value}, accept=kind), 400, "BAD_REQUEST", kind)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *product(["variables"], [5, "{}", [], True, 0, ""]),
        *product(["operationName"], [5, [], {}, False, 0]),
        *product(["extensions"], [5, "{}", [], True]),
    ],
)
def test_parts_of_another_type_are_refused(door: Door, name: str, value: object) -> None:
    """And named, even those that a careless reader takes for nothing."""
    assert f"`{name}`" in check(door.post({**CALLER, name: value}), 400, "BAD_REQUEST")


def test_parts_may_be_null_and_others_may_be_there(door: Door) -> None:
    """As clients send them."""
    nothing = dict.fromkeys(("variables", "operationName", "extensions"))
    response = door.post(
        {**CALLER, **nothing, "id": "x", "doc_id": 5, "extensions": {"persistedQuery": None, "x": 1}}
    )
    assert data_of(response.json()) == {"caller": {"party": "ALIBABA"}}


# Sizes

LARGE = json.dumps({"query": "{ caller { party } }" + " " * 10_000_000}).encode()


def test_ten_megabytes_are_refused_by_their_length(door: Door) -> None:
    """Before they are read; an ordinary client gets to see it."""
    response = door.post(LARGE)
    assert "1000000 bytes" in check(response, 413, "PAYLOAD_TOO_LARGE")
    assert response.headers["connection"] == "close"


def test_ten_megabytes_in_chunks_are_refused_where_the_limit_is(door: Door) -> None:
    """Also where no length was said."""
    headers = {"content-type": JSON, "authorization": f"Bearer {door.token()}"}
    chunks = (LARGE[start : start + 65_536] for start in range(0, len(LARGE), 65_536))
    check(door.client.post("/graphql", content=chunks, headers=headers), 413, "PAYLOAD_TOO_LARGE")


def test_who_asks_before_sending_need_not_send(door: Door) -> None:
    """`Expect: 100-continue` is answered with the refusal."""
    found = door.raw(door.head(Content_Length="10000000", Expect="100-continue"))
    assert found.startswith(b"HTTP/1.1 413 ")


def test_the_largest_body_is_read(door: Door) -> None:
    """The limit itself is within it, and one byte more is not."""
    start, end = b'{"query":"{ caller { party } }', b'"}'
    largest = start + b" " * (door.settings.max_body - len(start) - len(end)) + end
    assert door.post(largest).status_code == 200
    check(door.post(largest.replace(b"  ", b"   ", 1)), 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "5, 6", "99999999999999999999999999", "²"])
def test_a_length_that_is_none_is_refused(door: Door, length: str) -> None:
    """By the server or by the door, but not with a failure."""
    found = door.raw(
        door.head().replace(b"\r\n\r\n", f"\r\nContent-Length: {length}\r\n\r\n".encode()) + b"{}"
    )
    assert found.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 "))


def test_huge_headers_do_no_harm(door: Door) -> None:
    """Many, long, or with bytes that are no text."""
    headers = {f"x-{n}": "a" * 1_000 for n in range(500)} | {
        "cookie": "b" * 300_000,
        "accept": f"{JSON}," * 2_000,
    }
    assert door.post(CALLER, **headers).status_code == 200
    body = json.dumps(CALLER).encode()
    head = door.head(X_Bytes="\xff\xfe", Content_Length=str(len(body)), Connection="close")
    found = door.raw(head + body)
    assert found.startswith(b"HTTP/1.1 200 ")


def test_after_a_refusal_the_connection_goes_on(door: Door) -> None:
    """Requests in a row on one connection have their answers in a row."""
    body = json.dumps(CALLER).encode()
    good = door.head(Content_Length=str(len(body))) + body
    bad = door.head(Content_Length="1") + b"{"
    last = door.head(Content_Length=str(len(body)), Connection="close") + body
    found = door.raw(good + bad + last)
    assert [part[:4].strip() for part in found.split(b"HTTP/1.1 ")[1:]] == [b"200", b"400", b"200"]


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A gateway with a second of patience."""
    used = asyncio.run(filled(tmp_path_factory.mktemp("hasty"), deadline=1.0))
    with opened(create_app(used), used) as found:
        yield found


@pytest.mark.parametrize("length", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_a_body_that_does_not_come_is_not_waited_for(hasty: Door, length: str) -> None:
    """A connection that was opened and forgotten does not stay open."""
    started = time.monotonic()
    head = hasty.head().replace(b"\r\n\r\n", f"\r\n{length}\r\n\r\n".encode())
    found = hasty.raw(head, b"5\r\n[1,2,\r\n" if "chunked" in length else b"[1,2,")
    assert found.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in found.lower()
    assert b'"REQUEST_TIMEOUT"' in found
    assert time.monotonic() - started < 7


def test_a_slow_body_that_comes_in_time_is_read(hasty: Door) -> None:
    """Piece by piece."""
    body = json.dumps(CALLER).encode()
    pieces = [body[start : start + 8] for start in range(0, len(body), 8)]
    head = hasty.head(Content_Length=str(len(body)), Connection="close")
    assert hasty.raw(head, *pieces, pause=0.05).startswith(b"HTTP/1.1 200 ")
