"""orderChanged: each subscriber gets what its own caller may see, at the moment when it gets it."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.endpoint import conversations, sockets, streams
from gateway.oauth.revocations import revoke
from gateway.store.database import writer
from tests.door import Lines, log
from tests.subscribers import (
    CHANGED,
    Events,
    Listening,
    Socket,
    Station,
    Subscribed,
    errors,
    ids,
    shared,
    station_at,
)
from tests.world import CLARA

__all__ = ["log", "shared"]

HIDDEN_FROM_ALIBABA = ("PandaoOrder:BORIS", "PandaoOrder:ELENA", "PandaoOrder:FYODOR", "PandaoOrder:GALINA")
TRANSPORTS = ["socket", "stream"]


@asynccontextmanager
async def listening(
    station: Station, transport: str, query: str = CHANGED, variables: Any = None, **caller: Any
) -> AsyncIterator[Listening]:
    """A subscriber over one of the transports."""
    if transport == "socket":
        async with station.talk(caller.pop("party", "ALIBABA"), **caller) as socket:
            yield await socket.subscribe(query, variables=variables)
    else:
        token = station.token(caller.pop("party", "ALIBABA"), **caller)
        async with station.stream(query, token, variables=variables) as events:
            yield events


@pytest_asyncio.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    """One that a test has to itself."""
    async with station_at(tmp_path) as found:
        yield found


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_changed_order_is_told_to_each_party_that_sees_it(shared: Station, transport: str) -> None:
    """Its own party and, with agreement and consent, the other; to nobody else, and of nothing else."""
    async with listening(shared, transport) as ours, listening(shared, transport, party="MAILRU") as theirs:
        await ours.heard("AlibabaOrder:ADA")
        await theirs.heard("AlibabaOrder:ADA")
        shared.change("PandaoOrder:CLARA")
        shared.change(*HIDDEN_FROM_ALIBABA)
        shared.change("AlibabaOrder:BORIS", "AlibabaOrder:DINA")
        word = shared.change("AlibabaOrder:ADA")
        hidden = sorted(HIDDEN_FROM_ALIBABA)
        mine = ids(await ours.until("AlibabaOrder:ADA", word))
        assert set(mine) == {
            "PandaoOrder:CLARA",
            "AlibabaOrder:BORIS",
            "AlibabaOrder:DINA",
            "AlibabaOrder:ADA",
        }
        his = ids(await theirs.until("AlibabaOrder:ADA", word))
        assert sorted(set(his)) == ["AlibabaOrder:ADA", *sorted(["PandaoOrder:CLARA", *hidden])]


async def test_what_is_selected_is_answered_as_in_a_query(shared: Station) -> None:
    """Lines, fragments on a partner's own type, variables and aliases; refused fields are null, each time."""
    query = """subscription ($of: Party) { it: orderChanged(party: $of) {
        __typename id party statusRaw lines { name }
        ... on AlibabaOrder { logisticsStatus } ... on PandaoOrder { transactionId }
    } }"""
    asked = (
        '{ it: node(id: "AlibabaOrder:ADA") { ... on Order { __typename id party statusRaw lines { name } } '
    )
    asked += "... on AlibabaOrder { logisticsStatus } } }"
    scopes = "clients:read alibaba:read"
    async with listening(shared, "socket", query, {"of": "ALIBABA"}, scopes=scopes) as subscriber:
        assert isinstance(subscriber, Subscribed)
        result = await until_any(subscriber, "AlibabaOrder:ADA")
        found = await (await subscriber.socket.subscribe(asked, "2")).next()
        assert result["data"] == found["data"]
        assert result["data"]["it"]["lines"]
        assert errors(result) == ["UNAUTHORIZED_FIELD_OR_TYPE"]
        assert result["extensions"]["cost"]["actual"] <= result["extensions"]["cost"]["estimated"]


async def until_any(subscriber: Listening, order: str) -> Any:
    """The first result, of an order that is changed until there is one; all that came of it has come."""
    coming = asyncio.ensure_future(subscriber.next())
    while not (await asyncio.wait({coming}, timeout=1.5))[0]:
        subscriber.station.change(order)
    return coming.result()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_party_may_be_chosen(shared: Station, transport: str) -> None:
    query = "subscription ($of: Party) { orderChanged(party: $of) { id statusRaw } }"
    async with listening(shared, transport, query, {"of": "MAILRU"}) as subscriber:
        await subscriber.heard("PandaoOrder:CLARA")
        shared.change("AlibabaOrder:ADA", "AlibabaOrder:DINA")
        word = shared.change("PandaoOrder:CLARA")
        assert ids(await subscriber.until("PandaoOrder:CLARA", word)) == ["PandaoOrder:CLARA"]


async def test_a_withdrawn_consent_narrows_the_stream_at_once(station: Station) -> None:
    """The order changes with the withdrawal or after it: it does not come. Given anew, it does."""
    async with listening(station, "socket") as subscriber:
        await subscriber.heard("PandaoOrder:CLARA")
        kept = station.ask("SELECT * FROM consents WHERE client_id = ?", CLARA)
        station.write("DELETE FROM consents WHERE client_id = ?", CLARA)
        station.change("PandaoOrder:CLARA")
        word = station.change("AlibabaOrder:ADA")
        assert ids(await subscriber.until("AlibabaOrder:ADA", word)) == ["AlibabaOrder:ADA"]
        for row in kept:
            station.write(f"INSERT INTO consents VALUES ({', '.join('?' * len(row))})", *row)
        word = station.change("PandaoOrder:CLARA")
        await subscriber.until("PandaoOrder:CLARA", word)


async def test_a_revoked_agreement_narrows_the_stream_at_once(station: Station) -> None:
    """Of the other party's orders none comes any more; one's own do."""
    async with listening(station, "stream") as subscriber:
        await subscriber.heard("PandaoOrder:ADA")
        station.write("DELETE FROM agreements WHERE recipient = 'ALIBABA' AND owner = 'MAILRU'")
        station.change("PandaoOrder:ADA", "PandaoOrder:CLARA")
        word = station.change("AlibabaOrder:DINA")
        assert ids(await subscriber.until("AlibabaOrder:DINA", word)) == ["AlibabaOrder:DINA"]


async def test_a_token_for_less_hears_of_less(shared: Station) -> None:
    """Of the datasets that it was narrowed to, though its party may see more."""
    narrow = frozenset({("ALIBABA", "orders")})
    async with listening(shared, "socket", datasets=narrow) as subscriber:
        await subscriber.heard("AlibabaOrder:ADA")
        shared.change("PandaoOrder:CLARA", "PandaoOrder:ADA")
        word = shared.change("AlibabaOrder:ADA")
        assert ids(await subscriber.until("AlibabaOrder:ADA", word)) == ["AlibabaOrder:ADA"]


async def test_a_token_without_the_scope_hears_of_nothing(shared: Station) -> None:
    """The rows of the party whose scope it lacks do not exist for it."""
    async with listening(shared, "socket", scopes="clients:read alibaba:read") as subscriber:
        await subscriber.heard("AlibabaOrder:ADA")
        shared.change("PandaoOrder:CLARA", "PandaoOrder:ADA")
        word = shared.change("AlibabaOrder:ADA")
        assert ids(await subscriber.until("AlibabaOrder:ADA", word)) == ["AlibabaOrder:ADA"]


async def test_what_changes_twice_in_a_moment_is_told_as_it_is_now(shared: Station) -> None:
    """Never an older state after a newer one."""
    async with listening(shared, "socket") as subscriber:
        await subscriber.heard("AlibabaOrder:ADA")
        words = [shared.change("AlibabaOrder:DINA") for _ in range(5)]
        found = await subscriber.until("AlibabaOrder:DINA", words[-1])
        told = [words.index(each["statusRaw"]) for each in found if each["id"] == "AlibabaOrder:DINA"]
        assert told == sorted(told)


async def test_what_does_not_change_is_not_told(shared: Station) -> None:
    """Written anew with the same values, or linked to a client: nothing of the order is new."""
    async with listening(shared, "socket") as subscriber:
        await subscriber.heard("AlibabaOrder:ADA")
        shared.write("UPDATE orders SET status_raw = status_raw, modified_at = modified_at")
        shared.write("UPDATE orders SET client_id = client_id + 0")
        word = shared.change("AlibabaOrder:ADA")
        assert ids(await subscriber.until("AlibabaOrder:ADA", word)) == ["AlibabaOrder:ADA"]


async def closes(socket: Socket, token_ended: float) -> None:
    code, reason = await socket.closed()
    assert code == 4403
    assert reason.startswith("Forbidden: The access token")
    assert time.monotonic() - token_ended < 2.5


async def test_a_token_that_expires_ends_what_it_opened(shared: Station) -> None:
    """In the second in which it does; before, it is as good as any."""
    async with AsyncExitStack() as stack:
        began = time.time()
        socket = await stack.enter_async_context(shared.talk(lifetime=3))
        events = await stack.enter_async_context(shared.stream(token=shared.token(lifetime=3)))
        await (await socket.subscribe()).heard("AlibabaOrder:ADA")
        await events.heard("AlibabaOrder:ADA")
        end = time.monotonic() + (int(began) + 3 - time.time())
        await asyncio.gather(closes(socket, end), until_end(events, end))
        assert time.monotonic() > end - 0.1


async def until_end(events: Events, end: float) -> None:
    """Pass over orders that others change."""
    while "data" in (result := await events.next()):
        assert result["data"]
    assert errors(result) == ["UNAUTHENTICATED"]
    assert await events.event() == ("complete", None)
    assert time.monotonic() - end < 2.5


@pytest.mark.parametrize("key", ["application:alibaba-app", "grant:g1", "user:wei"])
async def test_what_is_revoked_ends_what_it_opened_within_two_seconds(station: Station, key: str) -> None:
    """An application that is disabled, a grant that is ended, a person: theirs ends, and others' goes on."""
    caller = {"application": "alibaba-app", "grant": "g1", "user": "wei"}
    async with AsyncExitStack() as stack:
        socket = await stack.enter_async_context(station.talk(**caller))
        events = await stack.enter_async_context(station.stream(token=station.token(**caller)))
        other = await stack.enter_async_context(station.talk("MAILRU"))
        await (await socket.subscribe()).heard("AlibabaOrder:ADA")
        await events.heard("AlibabaOrder:ADA")
        subscribed = await other.subscribe()
        await subscribed.heard("AlibabaOrder:ADA")
        database = writer(station.settings.database)
        async with database.begin() as connection:
            await connection.run_sync(revoke, key)
        await database.dispose()
        now = time.monotonic()
        await asyncio.gather(closes(socket, now), until_end(events, now))
        await subscribed.heard("AlibabaOrder:ADA")


async def test_who_goes_away_makes_room_at_once(tmp_path: Path) -> None:
    """However the end came: of one connection and one subscription that the application may have, none is left over."""
    async with station_at(tmp_path, connections=1, subscriptions=1) as station:
        for _ in range(2):
            async with station.talk() as socket:
                await (await socket.subscribe()).heard("AlibabaOrder:ADA")
                socket.opened.transport.abort()
            async with free(station) as events:
                await events.heard("AlibabaOrder:ADA")
                # Without a word, in the middle of an answer.
            async with free(station) as events:
                await events.heard("AlibabaOrder:ADA")
            async with asyncio.timeout(2):
                while not await admitted(station):
                    pass


@asynccontextmanager
async def free(station: Station) -> AsyncIterator[Events]:
    """A stream, as soon as there is room for one: within two seconds."""
    async with asyncio.timeout(2):
        while not await admitted(station):
            pass
    async with station.stream() as events:
        assert events.response.status_code == 200
        yield events


async def admitted(station: Station) -> bool:
    """Whether there is room for a connection."""
    async with station.stream("{ caller { party } }") as events:
        return events.response.status_code == 200


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_who_does_not_read_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    """What waits for it is bounded, by the connection's own buffer; and then there is room for another."""
    for module in (conversations, streams, sockets):
        monkeypatch.setattr(module, "PATIENCE", 0.3)
    async with station_at(tmp_path, connections=1) as station, listening(station, transport) as subscriber:
        await subscriber.heard("AlibabaOrder:ADA")
        async with asyncio.timeout(60):
            while not await admitted(station):
                # A few megabytes at a time, till nothing on the way takes any more.
                station.write("UPDATE orders SET status_raw = ? || id", secrets.token_hex(500_000))


async def test_an_event_stream_begins_with_its_headers(shared: Station) -> None:
    """Nothing on the way may keep it or hold it back."""
    async with shared.stream() as events:
        headers = events.response.headers
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        assert headers["cache-control"] == "no-store"
        assert headers["x-accel-buffering"] == "no"
        assert headers["ratelimit-policy"].startswith('"cost";q=')
        assert events.response.status_code == 200


async def test_who_only_listens_has_no_operation_in_hand(tmp_path: Path) -> None:
    """A stream that waits for an event keeps nobody from asking."""
    async with (
        station_at(tmp_path, concurrency=1) as station,
        station.stream(),
        station.stream("{ caller { party } }") as asked,
    ):
        assert (await asked.next())["data"] == {"caller": {"party": "ALIBABA"}}


async def test_the_log_says_whose_stream_it_was(shared: Station, log: Lines) -> None:
    """As of any request: party, application and purpose."""
    async with shared.stream():
        pass
    async with asyncio.timeout(10):
        while not (found := [each for each in map(json.loads, log.lines) if each["message"] == "request"]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert {each["party"] for each in found} == {"ALIBABA"}
    assert all(each["application"] and each["purpose"] for each in found)
