"""HTTP to a partner over a real socket: what is tried again, what is bounded, and what an error may say."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.errors import Kind, PartnerError
from gateway.upstream.http import Answer, Request
from gateway.upstream.terms import Terms
from gateway.upstream.upstream import LONGEST_WAIT, TRIES, Upstream

TOKEN = "token-5e1f"
MAX_ANSWER = Terms().largest
ASKED = Request("GET", "/list", {"access_token": TOKEN})

Writer = asyncio.StreamWriter


class Partner:
    """A partner that answers each call with bytes of the test's making; `heard` are the requests as they came."""

    def __init__(self, *answers: bytes | Callable[[Writer], Awaitable[None]]) -> None:
        self.heard: list[bytes] = []
        self.at: list[float] = []
        self._answers = answers
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        """Read one request and answer it; the last answer stands for all that follow."""
        self.heard.append(await reader.readuntil(b"\r\n\r\n"))
        self.at.append(time.monotonic())
        answer = self._answers[min(len(self.heard), len(self._answers)) - 1]
        try:
            if callable(answer):
                await answer(writer)
            else:
                writer.write(answer)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def reached(partner: Partner, limit: float = 5.0, path: str = "") -> AsyncIterator[Upstream]:
    """The partner behind a loopback socket, and the way to it."""
    server = await asyncio.start_server(partner.answer, "127.0.0.1", 0)
    partner.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{path}"
    async with server, Upstream("partner", {"url": partner.url}, Terms(deadline=limit)) as upstream:
        yield upstream


def http(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    """An answer as it is on the wire."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def accept(answer: Answer) -> object:
    """What a connector does with an answer."""
    if answer.status == 429:
        asked = answer.headers.get("retry-after")
        raise PartnerError(Kind.THROTTLED, "throttled", retry_after=float(asked) if asked else None)
    if answer.status >= 500:
        raise PartnerError(Kind.TRANSIENT, f"HTTP {answer.status}")
    if answer.status >= 400:
        raise PartnerError(Kind.BUSINESS, f"HTTP {answer.status}")
    return answer.json()


async def refused(partner: Partner, limit: float = 5.0) -> PartnerError:
    """The error that reading from the partner ends in."""
    async with reached(partner, limit) as upstream:
        with pytest.raises(PartnerError) as caught:
            await upstream.read(lambda: ASKED, accept)
    error = caught.value
    # Whatever happened, nothing of the request or of the answer is in the error's text.
    assert TOKEN not in str(error)
    assert "127.0.0.1" not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    return error


async def test_the_answer_is_read_whole_and_exact() -> None:
    """Large integers stay what they are; header names come in lower case."""
    async with reached(Partner(http(b'{"id": 9007199254740993}', "200 OK", "X-Page: 3"))) as upstream:
        answer = await upstream.send(ASKED)
    assert (answer.status, answer.headers["x-page"]) == (200, "3")
    assert answer.json() == {"id": 9007199254740993}


async def test_the_path_is_put_behind_the_partners_address() -> None:
    """An address with a path of its own, and with a slash at its end, keeps it."""
    partner = Partner(http())
    async with reached(partner, path="/v2/") as upstream:
        await upstream.send(ASKED)
    assert partner.heard[0].startswith(f"GET /v2/list?access_token={TOKEN} HTTP/1.1\r\n".encode())


async def test_what_may_pass_is_tried_again_and_prepared_anew() -> None:
    """A signature holds a time, so each try has its own request."""
    partner = Partner(http(status="503 Unavailable"), http(b"<html>"), http(b"[1]"))
    prepared = 0

    def prepare() -> Request:
        nonlocal prepared
        prepared += 1
        return Request("GET", "/list", {"sign": str(prepared)})

    async with reached(partner) as upstream:
        assert await upstream.read(prepare, accept) == [1]
    assert [request.split(b" ")[1] for request in partner.heard] == [b"/list?sign=%d" % n for n in (1, 2, 3)]


async def test_it_gives_up_after_the_stated_number_of_tries() -> None:
    """The last error is told."""
    partner = Partner(http(status="503 Unavailable"))
    error = await refused(partner)
    assert (error.kind, error.message, len(partner.heard)) == (Kind.TRANSIENT, "HTTP 503", TRIES)


async def test_a_dropped_connection_is_given_up_too() -> None:
    """Where a connection ends before an answer begins, that is a try like any other."""
    partner = Partner(b"")
    error = await refused(partner)
    assert str(error) == "no answer from partner: the connection was closed"
    assert len(partner.heard) == TRIES


async def test_what_will_not_pass_is_not_tried_again() -> None:
    """A refusal stays one."""
    partner = Partner(http(status="400 Bad Request"))
    assert (await refused(partner)).kind is Kind.BUSINESS
    assert len(partner.heard) == 1


async def test_a_throttling_partner_gets_the_rest_it_asks_for() -> None:
    """No call comes before the time is over."""
    partner = Partner(http(b"", "429 Too Many Requests", "Retry-After: 0.6"), http(b"[1]"))
    async with reached(partner) as upstream:
        assert await upstream.read(lambda: ASKED, accept) == [1]
    assert partner.at[1] - partner.at[0] >= 0.6


async def test_a_wait_too_long_is_left_to_the_caller() -> None:
    """Nobody sleeps through it here, and nobody knocks in between."""
    partner = Partner(http(b"", "429 Too Many Requests", f"Retry-After: {LONGEST_WAIT + 1}"))
    error = await refused(partner)
    assert (error.kind, error.retry_after) == (Kind.THROTTLED, LONGEST_WAIT + 1)
    assert len(partner.heard) == 1


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
)
async def test_redirects_are_not_followed(status: str) -> None:
    """A redirect is an answer like any other: a token goes nowhere but to the partner's address."""
    async with reached(Partner(http())) as elsewhere:
        partner = Partner(http(b"", status, f"Location: {elsewhere.settings['url']}/stolen"))
        async with reached(partner) as upstream:
            answer = await upstream.send(ASKED)
    assert answer.status == int(status[:3])
    assert len(partner.heard) == 1


async def endless(writer: Writer) -> None:
    """An answer that does not end."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        writer.write(b" " * 2**20)
        await writer.drain()


async def test_an_answer_is_bounded() -> None:
    """Who says too much is cut off, at once and for good."""
    partner = Partner(endless)
    error = await refused(partner)
    assert (error.kind, len(partner.heard)) == (Kind.DRIFT, 1)
    assert str(MAX_ANSWER) in error.message


async def test_an_answer_of_the_largest_size_is_still_read() -> None:
    """The bound itself is within bounds."""
    async with reached(Partner(http(b" " * MAX_ANSWER))) as upstream:
        assert len((await upstream.send(ASKED)).body) == MAX_ANSWER


async def silence(writer: Writer) -> None:
    """No answer."""
    await asyncio.sleep(60)


async def trickle(writer: Writer) -> None:
    """An answer that would be complete in a day."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("slowness", [silence, trickle])
async def test_a_slow_partner_is_left_after_the_time_limit(
    slowness: Callable[[Writer], Awaitable[None]],
) -> None:
    """The limit holds for the whole answer, so a trickle does not stretch it."""
    partner = Partner(slowness)
    async with reached(partner, limit=0.2) as upstream:
        started = time.monotonic()
        with pytest.raises(PartnerError) as caught:
            await upstream.send(ASKED)
    assert time.monotonic() - started < 5
    assert caught.value.kind is Kind.TRANSIENT
    assert str(caught.value) == "no answer from partner: it took too long"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="a closed door"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", id="a broken answer"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", id="another protocol"),
        pytest.param(http(b"{}", "200 OK", "Content-Encoding: gzip"), id="gzip that is none"),
        pytest.param(http(b"{}", "200 OK", "X-Long: " + "a" * 100_000), id="a header without end"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", id="bad chunks"),
        pytest.param(http(b"<html><title>We are updating</title></html>"), id="HTML with 200"),
        pytest.param(http(b'{"a": 1}garbage'), id="more than JSON"),
        pytest.param(http(b'{"a": "\xff"}'), id="no UTF-8"),
        pytest.param(http(b""), id="nothing at all"),
    ],
)
async def test_an_answer_that_is_none_may_pass(answer: bytes) -> None:
    """Whatever stands where an answer should, it is TRANSIENT, in words of our own."""
    async with reached(Partner(answer)) as upstream:
        with pytest.raises(PartnerError) as caught:
            accept(await upstream.send(ASKED))
    assert caught.value.kind is Kind.TRANSIENT
    assert re.fullmatch(
        r"no answer from partner: [A-Za-z ]+|the answer \(HTTP 200\) is not JSON", caught.value.message
    )


async def test_a_partner_that_is_not_there_may_come_back() -> None:
    """Nobody listens: TRANSIENT, with the kind of error and no address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with Upstream("partner", {"url": url}) as upstream:
            with pytest.raises(PartnerError) as caught:
                await upstream.send(ASKED)
    assert str(caught.value) == "no answer from partner: ConnectionRefusedError"


async def test_a_cancelled_call_ends_at_once() -> None:
    """A request that nobody waits for any more is not waited for here either."""
    async with reached(Partner(silence)) as upstream:
        call = asyncio.create_task(upstream.read(lambda: ASKED, accept))
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(call, 5)


async def test_a_form_is_sent_url_encoded_and_headers_as_they_are() -> None:
    """As OAuth and the IOP protocol want it."""
    partner = Partner(http())
    sent = Request("POST", "/token", form={"a": "1&2", "b": "я"}, headers={"Authorization": "Bearer x"})
    async with reached(partner) as upstream:
        await upstream.send(sent)
    head = partner.heard[0].lower()
    assert b"content-type: application/x-www-form-urlencoded" in head
    assert b"authorization: bearer x" in head


async def test_it_is_used_within_its_block() -> None:
    """A call without a session is a mistake in the program, and said so."""
    with pytest.raises(RuntimeError, match="async with"):
        await Upstream("partner", {"url": "http://127.0.0.1:1"}).send(ASKED)
