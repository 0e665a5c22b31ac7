"""Calls to a partner over a real socket: what is repeated, shared, held back and given up."""

from __future__ import annotations

import asyncio
import gzip
import time

import pytest

from gateway.errors import Kind, PartnerError
from gateway.telemetry.metrics import registry
from gateway.upstream.breaker import FEWEST
from gateway.upstream.budget import RESERVE
from gateway.upstream.http import Request
from gateway.upstream.terms import Quota, Terms
from gateway.upstream.upstream import TRIES, Upstream
from tests.upstream.partner import ASKED, Partner, Writer, accept, http, reached, silence, soon

BUSY = http(b"", "503 Unavailable")
BAN = http(b'{"ban": 0.05}')
LONG_BAN = http(b'{"ban": 31062}')


async def failed(call: object) -> PartnerError:
    """The error that a call ends in."""
    with pytest.raises(PartnerError) as caught:
        await call  # type: ignore[misc]
    assert caught.value.partner == "bank"
    return caught.value


# What changes something


@pytest.mark.parametrize("reply", [BUSY, b"", silence], ids=["failed", "cut off", "silent"])
async def test_a_write_that_may_have_been_heard_is_not_repeated(reply: bytes) -> None:
    """Whether it was done nobody knows; whoever asked has to look."""
    partner = Partner(reply if reply else cut)
    async with reached(partner, Terms(deadline=0.1)) as upstream:
        error = await failed(upstream.write(lambda: Request("POST", "/orders", body=b""), accept))
    assert (error.kind, len(partner.heard)) == (Kind.TRANSIENT, 1)


async def cut(writer: Writer) -> None:
    """The connection ends."""
    writer.close()


async def test_a_write_that_was_not_heard_is_repeated() -> None:
    """The partner's own gateway turned it away, and says when to come again."""
    partner = Partner(BAN, BAN, http())
    async with reached(partner) as upstream:
        assert await upstream.write(lambda: ASKED, accept) == [1]
    assert len(partner.heard) == 3


async def test_a_write_that_reached_nobody_is_repeated() -> None:
    """No connection, no harm."""
    async with Upstream("bank", {"url": "http://127.0.0.1:1"}) as upstream:
        prepared = []
        error = await failed(upstream.write(lambda: prepared.append(1) or ASKED, accept))  # type: ignore[func-returns-value]
    assert (error.unheard, len(prepared)) == (True, TRIES)


# Time


@pytest.mark.parametrize("key", [None, "rates"])
async def test_a_live_field_has_its_error_before_its_time_is_over(key: str | None) -> None:
    """It says which partner; the call is given up, and the partner notices."""
    partner = Partner(silence)
    async with reached(partner) as upstream:
        began = time.monotonic()
        error = await failed(soon(upstream, 0.2).read(lambda: ASKED, accept, key))
        # How much earlier, a machine that has much to do does not show.
        assert time.monotonic() - began < 1
        await asyncio.wait_for(partner.gone.wait(), 2)
    assert (error.kind, error.code, len(partner.heard)) == (Kind.TRANSIENT, "DEADLINE", 1)


async def test_a_wait_that_is_longer_than_the_time_is_not_begun() -> None:
    """The error says when to come again."""
    partner = Partner(http(b'{"ban": 30}'))
    async with reached(partner) as upstream:
        began = time.monotonic()
        error = await failed(soon(upstream, 10).read(lambda: ASKED, accept))
        assert time.monotonic() - began < 2
    assert (error.kind, error.retry_after, len(partner.heard)) == (Kind.THROTTLED, 30, 1)


async def test_who_has_time_waits_longer_than_a_try_may_take() -> None:
    """A sync waits for the partner; it is each of its tries that has a limit."""
    partner = Partner(http(b'{"ban": 0.2}'), http())
    async with reached(partner, Terms(deadline=0.1), live=False) as upstream:
        assert await upstream.read(lambda: ASKED, accept) == [1]


async def test_a_try_that_cannot_end_in_time_is_not_begun() -> None:
    """A partner that never answered faster will not now."""
    partner = Partner(late)
    async with reached(partner) as upstream:
        await upstream.read(lambda: ASKED, accept)
        error = await failed(soon(upstream, 0.04).read(lambda: ASKED, accept))
    assert (error.code, len(partner.heard)) == ("DEADLINE", 1)


async def late(writer: Writer) -> None:
    """An answer after a while."""
    await asyncio.sleep(0.06)
    writer.write(http())


async def test_a_ban_is_kept_by_all_who_call() -> None:
    """After one was told, nobody else asks: it would make it longer."""
    partner = Partner(LONG_BAN, http())
    async with reached(partner) as upstream:
        await failed(upstream.read(lambda: ASKED, accept))
        error = await failed(soon(upstream, 1).read(lambda: ASKED, accept))
        assert (error.kind, error.code, len(partner.heard)) == (Kind.THROTTLED, "QUOTA", 1)
        assert error.retry_after == pytest.approx(31_062, abs=5)
        # Other calls are not what the partner meant; if it does not want those either, it says so.
        assert await upstream.read(lambda: Request("GET", "/", name="other"), accept) == [1]


async def test_a_quota_is_waited_for() -> None:
    """As long as there is time; the partner never hears a call too many."""
    partner = Partner(http())
    terms = Terms(quotas=(Quota(4, 0.2),), share=0.5)
    async with reached(partner, terms) as upstream:
        began = time.monotonic()
        await asyncio.gather(*(upstream.read(lambda: ASKED, accept) for _ in range(4)))
        assert time.monotonic() - began >= 0.2
        error = await failed(soon(upstream, 0.05).read(lambda: ASKED, accept))
    assert (error.code, len(partner.heard)) == ("QUOTA", 4)


# Sharing


async def test_the_same_read_at_the_same_time_is_one_call() -> None:
    """Ten ask; one of them hangs up, and nothing comes of that for the others."""
    partner = Partner(late)
    async with reached(partner) as upstream:
        asking = [asyncio.ensure_future(upstream.read(lambda: ASKED, accept, "rates")) for _ in range(10)]
        await asyncio.sleep(0.02)
        asking[0].cancel()
        found = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert (found[1:], len(partner.heard)) == ([[1]] * 9, 1)


async def test_a_shared_call_that_nobody_waits_for_ends() -> None:
    """And who comes after that begins a new one."""
    partner = Partner(silence, http())
    async with reached(partner) as upstream:
        asking = [asyncio.ensure_future(upstream.read(lambda: ASKED, accept, "rates")) for _ in range(2)]
        await asyncio.sleep(0.05)
        for each in asking:
            each.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        assert await upstream.read(lambda: ASKED, accept, "rates") == [1]
        await asyncio.wait_for(partner.gone.wait(), 2)


async def test_who_joined_one_with_less_time_begins_anew() -> None:
    """Another's haste costs nobody an answer."""
    partner = Partner(silence, http())
    async with reached(partner) as upstream:
        hasty = asyncio.ensure_future(soon(upstream, 0.1).read(lambda: ASKED, accept, "rates"))
        await asyncio.sleep(0.02)
        assert await soon(upstream, 2).read(lambda: ASKED, accept, "rates") == [1]
        await failed(hasty)


async def test_a_refusal_is_remembered_and_a_ban_is_not() -> None:
    """What was throttled is no answer: whoever kept it would say that there is no such thing."""
    partner = Partner(http(b'{"code": "no_such_order"}'), http(b"", "404 Not Found"), BAN, http())
    async with reached(partner, Terms(negative=60)) as upstream:
        for _ in range(2):
            error = await failed(upstream.read(lambda: ASKED, accept, "a"))
            assert error.code == "no_such_order"
            assert await upstream.read(lambda: ASKED, accept, "b") is None
        assert len(partner.heard) == 2
        assert await upstream.read(lambda: ASKED, accept, "c") == [1]
    assert len(partner.heard) == 4


# Isolation


async def test_there_are_only_so_many_calls_at_a_time() -> None:
    """The others wait their turn."""
    partner = Partner(late)
    async with reached(partner, Terms(concurrency=2)) as upstream:
        await asyncio.gather(*(upstream.read(lambda: ASKED, accept) for _ in range(6)))
    assert (partner.most, len(partner.heard), partner.connections) == (2, 6, 2)


async def test_those_who_wait_are_bounded_too() -> None:
    """Whoever comes to a queue without end is told at once, and the memory stays what it is."""
    partner = Partner(silence)
    async with reached(partner, Terms(concurrency=1, waiting=5)) as upstream:
        asking = [asyncio.ensure_future(soon(upstream, 0.3).read(lambda: ASKED, accept)) for _ in range(40)]
        await asyncio.sleep(0.1)
        assert sum(each.done() for each in asking) == 34
        errors = await asyncio.gather(*asking, return_exceptions=True)
    codes = [error.code for error in errors if isinstance(error, PartnerError)]
    assert (codes.count("DEADLINE"), codes.count("BUSY"), len(partner.heard)) == (1, 39, 1)


async def test_a_partner_that_hangs_is_left_alone_for_a_while() -> None:
    """Its callers are told at once; the partner's other address has a circuit of its own."""
    partner = Partner(*[silence] * FEWEST, http())
    terms = Terms(deadline=0.1, patience=0.05)
    async with reached(partner, terms) as upstream:
        for _ in range(FEWEST):
            await failed(upstream.write(lambda: ASKED, accept))
        began = time.monotonic()
        error = await failed(upstream.read(lambda: ASKED, accept))
        assert time.monotonic() - began < 0.5
        assert (error.code, error.retryable, len(partner.heard)) == ("CIRCUIT_OPEN", True, FEWEST)
        assert registry.get_sample_value("gateway_partner_circuit", {"connector": "bank"}) == 2
        assert await upstream.read(lambda: Request("GET", "/", base="other"), accept) == [1]


async def test_retries_are_few_however_often_a_partner_fails() -> None:
    """Every third try fails, and every call would have one more: there is a budget for that."""
    calls = 100
    partner = Partner(*[http(), http(), BUSY] * calls)
    async with reached(partner) as upstream:
        asking = (upstream.read(lambda: ASKED, accept) for _ in range(calls))
        found = await asyncio.gather(*asking, return_exceptions=True)
    assert {Kind.TRANSIENT} == {each.kind for each in found if isinstance(each, PartnerError)}
    assert calls < len(partner.heard) <= 1.2 * calls + RESERVE


async def test_a_partner_that_refuses_is_not_left_alone() -> None:
    """One caller's mistakes do not close the way for others."""
    partner = Partner(http(b'{"code": "bad"}'))
    async with reached(partner) as upstream:
        for _ in range(2 * FEWEST):
            assert (await failed(upstream.read(lambda: ASKED, accept))).code == "bad"


async def test_a_partner_that_hangs_costs_the_others_nothing() -> None:
    """Nor memory: those who asked it are told and gone, and hardly any call of theirs went out."""
    hanging, well = Partner(silence), Partner(late)
    terms = Terms(concurrency=4, waiting=20, live=0.1, patience=0.05)
    patient = Terms(concurrency=20, live=10)

    async def ask(upstream: Upstream) -> object:
        try:
            return await soon(upstream, 10).read(lambda: ASKED, accept)
        except PartnerError as error:
            return error.kind

    async with reached(hanging, terms) as ill, reached(well, patient) as other:
        before = len(asyncio.all_tasks())
        found = await asyncio.gather(*(ask(each) for _ in range(100) for each in (ill, other)))
        for _ in range(200):
            if len(asyncio.all_tasks()) <= before + 20:
                break
            await asyncio.sleep(0.01)
        assert len(asyncio.all_tasks()) <= before + 20, "a connection each at the partner that is well"
    assert found[1::2] == [[1]] * 100
    assert found[::2] == [Kind.TRANSIENT] * 100
    assert len(hanging.heard) < 30


# The wire


async def test_a_connection_is_used_again() -> None:
    """Until the partner ends it, which costs no call."""
    partner = Partner(http(), http(b"[1]", "200 OK", "Connection: close"), http())
    async with reached(partner) as upstream:
        for _ in range(4):
            assert await upstream.read(lambda: ASKED, accept) == [1]
    assert (partner.connections, len(partner.heard)) == (2, 4)


async def test_an_answer_that_nobody_asked_for_is_no_ones() -> None:
    """Two answers to one request: the second must not become the next request's."""
    partner = Partner(http(b"[1]") + http(b"[666]"), http(b"[2]"))
    async with reached(partner) as upstream:
        assert await upstream.read(lambda: ASKED, accept) == [1]
        assert await upstream.read(lambda: ASKED, accept) == [2]
    assert partner.connections == 2


PACKED = gzip.compress(b"[1]")
BOMB = gzip.compress(b" " * 2_000_000)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param(http(PACKED, "200 OK", "Content-Encoding: gzip"), None, id="packed"),
        pytest.param(http(BOMB, "200 OK", "Content-Encoding: gzip"), Kind.DRIFT, id="a bomb"),
        pytest.param(http(PACKED[:-9], "200 OK", "Content-Encoding: gzip"), Kind.TRANSIENT, id="cut short"),
        pytest.param(http(b"[1]", "200 OK", "Content-Encoding: br"), Kind.TRANSIENT, id="an unknown coding"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + http(), None, id="a provisional one"),
        pytest.param(http(b"[1]", "200 OK", "X-A: 1", "X-A: 2"), None, id="a header twice"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n",
            None,
            id="in chunks",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n[1]",
            Kind.TRANSIENT,
            id="two lengths",
        ),
        pytest.param(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            Kind.TRANSIENT,
            id="another protocol",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + (b"1;" + b"x" * 55 + b"\r\n \r\n") * 15_000,
            Kind.TRANSIENT,
            id="endless framing",
        ),
    ],
)
async def test_an_answer_is_read_as_it_is_meant_or_not_at_all(reply: bytes, kind: Kind | None) -> None:
    """Whatever a partner does to HTTP."""
    async with reached(Partner(reply), Terms(largest=100_000, deadline=1)) as upstream:
        sending = upstream.write(lambda: ASKED, accept)
        if kind is None:
            assert await sending == [1]
        else:
            assert (await failed(sending)).kind is kind


async def test_nothing_that_is_sent_can_end_a_line() -> None:
    """A token with a line break is not sent; a path with one is written otherwise."""
    partner = Partner(http())
    async with reached(partner) as upstream:
        poisoned = Request("GET", "/", headers={"Authorization": "Bearer x\r\nX-Admin: 1"})
        assert (await failed(upstream.read(lambda: poisoned, accept))).kind is Kind.DRIFT
        assert partner.heard == []
        odd = Request("GET", "/a b\r\nX-Admin: 1/я%20", {"q": "1&2\r\n"})
        assert await upstream.read(lambda: odd, accept) == [1]
    line = partner.heard[0].partition(b"\r\n")[0]
    assert line == b"GET /a%20b%0D%0AX-Admin:%201/%D1%8F%20?q=1%262%0D%0A HTTP/1.1"
