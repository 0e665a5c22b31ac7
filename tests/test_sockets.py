"""GraphQL over WebSocket: the protocol, message by message, and every way a connection ends."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from gateway.endpoint.connections import FROM_ONE, NAMELESS, Connections, Crowded
from gateway.settings import Settings
from gateway.workers import configuration
from tests.subscribers import CHANGED, PROTOCOL, Station, errors, shared, station_at

__all__ = ["shared"]

QUERY = "{ caller { party application } }"


async def test_a_query_is_answered_once(shared: Station) -> None:
    """As over HTTP; then it is complete, and its id may be used again."""
    async with shared.talk("MAILRU") as socket:
        for _ in range(3):
            asked = await socket.subscribe(QUERY)
            assert (await asked.next())["data"] == {
                "caller": {"party": "MAILRU", "application": "mailru-app"}
            }
            assert await socket.hear() == {"type": "complete", "id": "1"}


async def test_variables_and_names_choose_as_over_http(shared: Station) -> None:
    async with shared.talk() as socket:
        document = "query A { caller { party } } query B($id: ID!) { node(id: $id) { id } }"
        asked = await socket.subscribe(document, variables={"id": "AlibabaOrder:ADA"}, operationName="B")
        assert (await asked.next())["data"] == {"node": {"id": "AlibabaOrder:ADA"}}


async def test_an_invalid_document_is_an_error_and_ends_the_operation_alone(shared: Station) -> None:
    async with shared.talk() as socket:
        await socket.subscribe("{ whatever }")
        message = await socket.hear()
        assert (message["type"], message["id"]) == ("error", "1")
        assert errors({"errors": message["payload"]}) == ["GRAPHQL_VALIDATION_FAILED"]
        asked = await socket.subscribe(QUERY)
        assert (await asked.next())["data"]["caller"]["party"] == "ALIBABA"


async def test_a_refused_subscription_is_a_result_without_data_and_complete(shared: Station) -> None:
    """As a refused field of a query is; nothing is opened for it."""
    async with shared.talk("RDIF") as socket:
        asked = await socket.subscribe(CHANGED)
        result = await asked.next()
        assert (result["data"], errors(result)) == (None, ["UNAUTHORIZED_FIELD_OR_TYPE"])
        assert await socket.hear() == {"type": "complete", "id": "1"}


async def test_pings_are_answered_also_before_the_caller_is_known(shared: Station) -> None:
    """With what they brought."""
    async with shared.socket() as socket:
        await socket.say("ping", payload={"n": 1})
        assert await socket.hear() == {"type": "pong", "payload": {"n": 1}}
        await socket.say("pong")
        await socket.say("ping")
        assert await socket.hear() == {"type": "pong"}


async def test_completing_what_is_not_there_changes_nothing(shared: Station) -> None:
    """It may have ended while the word was on its way."""
    async with shared.talk() as socket:
        await socket.say("complete", id="7")
        asked = await socket.subscribe(QUERY)
        assert await asked.next()


async def test_the_token_may_be_in_the_handshake(shared: Station) -> None:
    async with shared.socket(authorization=f"Bearer {shared.token('MAILRU')}") as socket:
        await socket.say("connection_init")
        assert await socket.hear() == {"type": "connection_ack"}
        asked = await socket.subscribe(QUERY)
        assert (await asked.next())["data"]["caller"]["party"] == "MAILRU"


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
async def test_the_token_may_be_in_the_first_message(shared: Station, name: str) -> None:
    async with shared.socket() as socket:
        await socket.say("connection_init", payload={name: f"Bearer {shared.token()}"})
        assert await socket.hear() == {"type": "connection_ack"}


BAD: dict[str, Any] = {
    "no JSON": "{",
    "no object": "[]",
    "no type": "{}",
    "no such type": '{"type": "start"}',
    "bytes": b'{"type": "ping"}',
    "a payload that is none": '{"type": "ping", "payload": 1}',
    "a token that is no text": '{"type": "connection_init", "payload": {"authorization": 1}}',
    "a document that is none": '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
    "an operation without one": '{"type": "subscribe", "id": "1"}',
    "an operation without an id": '{"type": "subscribe", "payload": {"query": "{ caller { party } }"}}',
    "an empty id": '{"type": "subscribe", "id": "", "payload": {"query": "{ caller { party } }"}}',
    "an id without end": '{"type": "complete", "id": "%s"}' % ("x" * 256),
    "variables that are none": '{"type": "subscribe", "id": "1", "payload": {"query": "{a}", "variables": []}}',
}


@pytest.mark.parametrize("message", BAD.values(), ids=BAD)
async def test_what_is_no_message_ends_the_connection(shared: Station, message: Any) -> None:
    """4400, with what is wrong."""
    async with shared.socket(authorization=f"Bearer {shared.token()}") as socket:
        if "connection_init" not in str(message):
            await socket.say("connection_init")
            assert await socket.hear() == {"type": "connection_ack"}
        await socket.opened.send(message)
        code, reason = await socket.closed()
        assert code == 4400
        assert reason.startswith("Invalid message: ")


async def test_speaking_before_the_caller_is_known_ends_the_connection(shared: Station) -> None:
    """4401."""
    async with shared.socket() as socket:
        await socket.subscribe(QUERY)
        assert await socket.closed() == (4401, "Unauthorized")


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (None, "An access token is required."),
        ({"token": "x"}, "An access token is required."),
        ({"authorization": "Bearer x"}, "malformed, expired"),
        ({"authorization": "Basic eDp5"}, "An access token is required."),
        ({"authorization": "DPoP x"}, "in the handshake's headers, with its proof"),
    ],
)
async def test_who_has_no_good_token_is_let_go(shared: Station, payload: Any, says: str) -> None:
    """4403, upon which clients come again, with another token."""
    async with shared.socket() as socket:
        await socket.say("connection_init", payload=payload)
        code, reason = await socket.closed()
        assert code == 4403
        assert reason.startswith("Forbidden: ")
        assert says in reason


async def test_two_tokens_are_one_too_many(shared: Station) -> None:
    async with shared.socket(authorization=f"Bearer {shared.token()}") as socket:
        await socket.say("connection_init", payload={"authorization": f"Bearer {shared.token('MAILRU')}"})
        assert await socket.closed() == (4403, "Forbidden: send one token, in the handshake or here")


async def test_who_says_nothing_is_let_go(tmp_path: Path) -> None:
    """4408, after as long as an operation may take; pings are not what is waited for."""
    async with station_at(tmp_path, deadline=0.5) as station, station.socket() as socket:
        await socket.say("ping")
        assert await socket.closed() == (4408, "Connection initialisation timeout")


async def test_an_id_is_used_once_at_a_time(shared: Station) -> None:
    """4409."""
    async with shared.talk() as socket:
        await socket.subscribe(CHANGED, "a")
        await socket.subscribe(CHANGED, "a")
        assert await socket.closed() == (4409, "Subscriber for a already exists")


async def test_the_caller_is_made_known_once(shared: Station) -> None:
    """4429."""
    async with shared.talk() as socket:
        await socket.say("connection_init", payload={"authorization": f"Bearer {shared.token()}"})
        assert await socket.closed() == (4429, "Too many initialisation requests")


async def test_a_message_has_an_end(tmp_path: Path) -> None:
    """1009."""
    async with station_at(tmp_path, max_body=1_000) as station, station.talk() as socket:
        await socket.say("ping", payload={"x": "x" * 1_000})
        assert (await socket.closed())[0] == 1009


async def test_who_is_not_known_says_no_more_than_a_token_needs(shared: Station) -> None:
    """1009: to take a message apart takes time, which is not for anybody. From then on it may be as long as a body."""
    async with shared.socket() as socket:
        await socket.say("ping", payload={"x": "x" * 16_384})
        assert (await socket.closed())[0] == 1009
    async with shared.talk() as socket:
        await socket.say("ping", payload={"x": "x" * 16_384})
        assert (await socket.hear())["type"] == "pong"


async def test_a_message_has_no_more_in_it_than_a_body(shared: Station) -> None:
    """4400, before it is taken apart."""
    async with shared.talk() as socket:
        await socket.say("ping", payload={"x": [[]] * 20_000})
        assert await socket.closed() == (4400, "Invalid message: it may have 20000 objects and lists")


@pytest.mark.parametrize("protocol", ["graphql-ws", "soap", None])
async def test_other_protocols_are_not_spoken(shared: Station, protocol: str | None) -> None:
    """4406: the older one, which let operations in before it knew the caller, among them."""
    async with shared.socket(protocol) as socket:
        assert await socket.closed() == (4406, f"Subprotocol not acceptable: speak {PROTOCOL}")


async def refused(station: Station, **headers: str) -> int:
    """The status with which a handshake is refused."""
    with pytest.raises(InvalidStatus) as raised:
        async with station.socket(**headers):
            pass
    response = raised.value.response
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert b'"errors"' in response.body
    return int(response.status_code)


async def test_pages_of_other_origins_are_not_let_in(shared: Station) -> None:
    """Though they would have no token; our own are."""
    for origin in ("https://evil.example", "null", "http://127.0.0.1:8001"):
        assert await refused(shared, origin=origin) == 403
    async with shared.socket(origin=shared.settings.origin) as socket:
        await socket.init(shared.token())


async def test_a_bad_token_in_the_handshake_is_refused_there(shared: Station) -> None:
    assert await refused(shared, authorization="Bearer x") == 401


async def test_a_connection_has_so_many_operations(shared: Station) -> None:
    """One more is an error of its own; the others go on."""
    async with shared.talk() as socket:
        for number in range(51):
            await socket.subscribe(CHANGED, str(number))
        message = await socket.hear()
        assert (message["type"], message["id"]) == ("error", "50")
        assert errors({"errors": message["payload"]}) == ["TOO_MANY_OPERATIONS"]
        await socket.say("complete", id="0")
        asked = await socket.subscribe(QUERY, "50")
        assert await asked.next()


async def test_an_application_has_so_many_connections_and_subscriptions(tmp_path: Path) -> None:
    """By the numbers that are set; what is closed makes room at once."""
    async with station_at(tmp_path, connections=2, subscriptions=1) as station:
        async with station.talk() as one, station.talk():
            async with station.socket() as third:
                await third.say("connection_init", payload={"authorization": f"Bearer {station.token()}"})
                code, reason = await third.closed()
                assert code == 1013
                assert "2 connections" in reason
            listening = await one.subscribe()
            await listening.heard("AlibabaOrder:ADA")
            await one.subscribe(id="2")
            message = await one.hear()
            assert errors({"errors": message["payload"]}) == ["TOO_MANY_SUBSCRIPTIONS"]
            await one.say("complete", id="1")
            again = await one.subscribe(id="3")
            await again.heard("AlibabaOrder:ADA")
        async with asyncio.timeout(10):
            while True:
                async with station.socket() as next:
                    await next.say("connection_init", payload={"authorization": f"Bearer {station.token()}"})
                    if (await next.hear())["type"] == "connection_ack":
                        break


async def test_so_many_from_one_address_may_keep_silent(tmp_path: Path) -> None:
    """Who says nothing takes no room from who has said who it is; and makes room by going, or by saying it."""
    async with station_at(tmp_path) as station, AsyncExitStack() as opened:
        known = await opened.enter_async_context(station.talk())
        silent = [await opened.enter_async_context(station.socket()) for _ in range(FROM_ONE)]
        async with station.socket() as more:
            code, reason = await more.closed()
            assert (code, reason) == (1013, "Try again later: too many connections wait for a token")
        assert await (await known.subscribe(QUERY, "1")).next()
        await silent[0].init(station.token())
        async with station.talk() as again:
            assert await (await again.subscribe(QUERY, "1")).next()


def test_so_many_may_keep_silent_wherever_they_are() -> None:
    """Those of an IPv6 network are of one address; and each that goes makes room."""
    connections = Connections()
    with ExitStack() as opened:
        for number in range(FROM_ONE):
            opened.enter_context(connections.nameless(f"2001:db8::{number:x}"))
        with pytest.raises(Crowded), connections.nameless("2001:db8::ffff"):
            pass
        for number in range(NAMELESS - FROM_ONE):
            opened.enter_context(connections.nameless(f"10.0.{number // 256}.{number % 256}"))
        with pytest.raises(Crowded), connections.nameless("192.0.2.1"):
            pass
    with connections.nameless("192.0.2.1"), connections.nameless("2001:db8::ffff"):
        pass


async def test_who_floods_is_read_slowly_and_still_answered(shared: Station) -> None:
    """A hundred messages at once, and then fifty a second."""
    async with shared.talk() as socket:
        clock = asyncio.get_running_loop().time
        began = clock()
        for number in range(150):
            await socket.say("ping", payload={"n": number})
        for number in range(150):
            assert await socket.hear() == {"type": "pong", "payload": {"n": number}}
        assert clock() - began > 0.9


async def test_no_message_comes_packed(shared: Station) -> None:
    """In a kilobyte there may be a megabyte, and all that came at once would be unpacked before anyone is asked."""
    async with shared.socket() as socket:
        assert socket.opened.protocol.extensions == []


def test_a_message_has_an_end_in_the_server_too() -> None:
    """At what a body may have, were all its characters of 4 bytes."""
    assert configuration("app", "127.0.0.1", 0, settings=Settings(max_body=1_000)).ws_max_size == 4_000
