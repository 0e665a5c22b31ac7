"""The wire by properties: an answer is the same however it is cut, and whatever comes a call has an end."""

from __future__ import annotations

import asyncio
import gzip
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.upstream.wire import Broken, Message, TooLarge, Wire

BODY = b'{"orders": [1, 2, 3]}'
PACKED = gzip.compress(BODY)


def chunked(body: bytes, size: int = 5) -> bytes:
    """A body in chunks."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


WHOLE = [
    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Page: 1\r\n\r\n" % len(BODY) + BODY,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(BODY),
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(PACKED),
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY,
    b"HTTP/1.0 200 OK\r\n\r\n" + BODY,
    b"HTTP/1.1 204 No Content\r\n\r\n",
]


class Transport:
    """What a connection is written to; an abort is noted."""

    def __init__(self) -> None:
        self.aborted = False

    def write(self, data: bytes) -> None:
        """Nobody reads it."""

    def abort(self) -> None:
        """Hang up."""
        self.aborted = True


def exchanged(parts: list[bytes], largest: int = 10_000) -> tuple[Message | Exception, Wire]:
    """What a call comes to when these bytes come in, and then the end."""

    async def exchange() -> tuple[Message | Exception, Wire]:
        wire, transport = Wire(largest), Transport()
        wire.connection_made(transport)  # type: ignore[arg-type]
        asked = wire.ask(b"GET / HTTP/1.1\r\n\r\n")
        for part in parts:
            if not transport.aborted:
                wire.data_received(part)
        reusable = wire.reusable
        wire.connection_lost(None)
        assert asked.done(), "a call without an end"
        wire.reusable = reusable
        error = asked.exception()
        return (error if isinstance(error, Exception) else asked.result()), wire

    return asyncio.run(exchange())


@given(st.sampled_from(WHOLE), st.lists(st.integers(1, 200), max_size=8))
@settings(max_examples=80, deadline=None)
def test_an_answer_is_the_same_however_it_is_cut(answer: bytes, cuts: list[int]) -> None:
    """The network knows nothing of messages; what ends with its connection is not used again."""
    places = sorted({0, len(answer), *(each for each in cuts if each < len(answer))})
    found, wire = exchanged([answer[a:b] for a, b in pairwise(places)])
    assert isinstance(found, Message)
    expected = (204, b"") if b" 204 " in answer else (200, BODY)
    assert (found.status, found.body) == expected
    assert wire.reusable is not answer.startswith(b"HTTP/1.0")


@given(st.sampled_from(WHOLE[:4]), st.data())
@settings(max_examples=80, deadline=None)
def test_an_answer_cut_short_is_none(answer: bytes, data: st.DataObject) -> None:
    """Not a byte less, or it is no answer."""
    found, wire = exchanged([answer[: data.draw(st.integers(0, len(answer) - 1))]])
    assert isinstance(found, Broken)
    assert not wire.reusable


@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 150), st.binary(max_size=6)), max_size=4))
@settings(max_examples=150, deadline=None)
def test_whatever_comes_there_is_an_end(answer: bytes, changes: list[tuple[int, bytes]]) -> None:
    """An answer, or an error of ours; and never more than may be."""
    for place, inserted in changes:
        answer = answer[:place] + inserted + answer[place + len(inserted) // 2 :]
    found, _ = exchanged([answer], largest=100)
    assert isinstance(found, Message | Broken | TooLarge)
    if isinstance(found, Message):
        assert len(found.body) <= 100
