"""Clients for subscriptions, unmodified: graphql-ws and graphql-sse, alone and below Apollo and urql, and gql."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportConnectionFailed, TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from websockets.exceptions import ConnectionClosedError

from tests.graphql_clients.node import play
from tests.subscribers import CHANGED, Station, shared

__all__ = ["shared"]

QUERY = "{ caller { party } }"


@contextmanager
def changing(station: Station) -> Iterator[None]:
    """An order changes again and again while the block runs."""
    ended = threading.Event()

    def change() -> None:
        while not ended.wait(0.2):
            station.change("AlibabaOrder:ADA")

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.fixture(scope="module")
def came(shared: Station) -> dict[str, Any]:
    """What came of all scenarios of the clients for Node."""
    given = {
        "url": f"http://127.0.0.1:{shared.port}/graphql",
        "token": shared.token(),
        "brief": shared.token(lifetime=2),
        "subscription": CHANGED,
        "query": QUERY,
        "refused": '{ caller { party } fundReport(quarter: "2017Q1") { quarter } }',
    }
    with changing(shared):
        found: dict[str, Any] = play("subscriptions.mjs", given)
    return found


def check(results: Any) -> list[str]:
    """Results of the subscription; the words by which the changes are known."""
    assert {each["data"]["orderChanged"]["id"] for each in results} == {"AlibabaOrder:ADA"}
    return [each["data"]["orderChanged"]["statusRaw"] for each in results]


@pytest.mark.parametrize("scenario", ["socket", "events"])
def test_events_come_one_after_the_other(came: dict[str, Any], scenario: str) -> None:
    words = check(came[scenario])
    assert len(set(words)) == 3
    assert words == sorted(words, key=lambda word: int(word.split()[1]))


@pytest.mark.parametrize("scenario", ["apollo", "urqlSocket", "urqlEvents"])
def test_clients_of_applications_get_them(came: dict[str, Any], scenario: str) -> None:
    """Apollo and urql over graphql-ws, urql by its own reading of event streams."""
    assert len(check(came[scenario])) == 1


@pytest.mark.parametrize("transport", ["socket", "events"])
def test_a_query_is_one_result_and_complete(came: dict[str, Any], transport: str) -> None:
    """The loop over the results ends by itself."""
    assert came[f"{transport}Query"] == [{"data": {"caller": {"party": "ALIBABA"}}}]


@pytest.mark.parametrize("transport", ["socket", "events"])
def test_a_refused_field_leaves_the_rest(came: dict[str, Any], transport: str) -> None:
    assert came[f"{transport}Refused"] == [
        {
            "data": {"caller": {"party": "ALIBABA"}, "fundReport": None},
            "codes": ["UNAUTHORIZED_FIELD_OR_TYPE"],
        }
    ]


def test_an_invalid_document_is_told_by_its_code(came: dict[str, Any]) -> None:
    """As an error of the operation, or as a result that is nothing but errors."""
    assert came["socketInvalid"] == {"codes": ["GRAPHQL_VALIDATION_FAILED"]}
    assert came["eventsInvalid"] == [{"codes": ["GRAPHQL_VALIDATION_FAILED"]}]


def test_a_bad_token_is_told(came: dict[str, Any]) -> None:
    """By the code of the close, by the status."""
    assert came["socketStranger"]["closed"] == 4403
    assert "Unauthorized" in came["eventsStranger"]["threw"]


def test_a_client_whose_token_has_ended_comes_again_with_another(came: dict[str, Any]) -> None:
    """By itself: it asks its application for a token, and the application's loop never ends."""
    assert came["socketRenewed"] == {"closed": [4403], "found": 2}


def test_streams_are_not_reserved(came: dict[str, Any]) -> None:
    """graphql-sse's other mode is refused with a status that says so."""
    assert "Method Not Allowed" in came["eventsShared"]["threw"]


def transport_of(station: Station, token: str) -> WebsocketsTransport:
    """gql's transport as an application configures it."""
    return WebsocketsTransport(
        f"ws://127.0.0.1:{station.port}/graphql", init_payload={"Authorization": f"Bearer {token}"}
    )


async def test_gql_subscribes_and_asks_on_one_connection(shared: Station) -> None:
    async with Client(
        transport=transport_of(shared, shared.token()), fetch_schema_from_transport=True
    ) as session:
        found = []
        with changing(shared):
            async for data in session.subscribe(gql(CHANGED)):
                found.append({"data": data})
                if len(found) == 2:
                    break
        assert len(set(check(found))) == 2
        assert await session.execute(gql(QUERY)) == {"caller": {"party": "ALIBABA"}}


async def test_gql_is_told_of_a_refused_subscription(shared: Station) -> None:
    """As of a refused field of a query."""
    async with Client(transport=transport_of(shared, shared.token("RDIF"))) as session:
        with pytest.raises(TransportQueryError) as raised:
            await anext(session.subscribe(gql(CHANGED)))
    assert [each["extensions"]["code"] for each in raised.value.errors or ()] == [
        "UNAUTHORIZED_FIELD_OR_TYPE"
    ]


async def test_gql_is_told_of_a_bad_token(shared: Station) -> None:
    """By the code of the close, which is behind its own error."""
    with pytest.raises(TransportConnectionFailed) as raised:
        async with Client(transport=transport_of(shared, "x")):
            pass
    closed = raised.value.__cause__
    assert isinstance(closed, ConnectionClosedError)
    assert closed.rcvd is not None
    assert closed.rcvd.code == 4403
