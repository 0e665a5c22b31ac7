"""gql, the client for Python, unmodified, over each of its transports that the tests have."""

from __future__ import annotations

from typing import Any

import pytest
from gql import Client, gql
from gql.dsl import DSLQuery, DSLSchema, dsl_gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport, HTTPXTransport
from graphql import GraphQLError, print_schema

from tests.door import Door
from tests.graphql_clients.conftest import DOCUMENTS, VARIABLES, address

ASYNCHRONOUS = pytest.mark.parametrize("transport", [AIOHTTPTransport, HTTPXAsyncTransport])


def configured(door: Door, transport: Any, token: str | None = None) -> Any:
    """A transport as an application configures it."""
    return transport(address(door), headers={"Authorization": f"Bearer {token or door.token()}"})


def expected(door: Door, name: str, variables: Any = None) -> Any:
    """The data that the gateway gives to who speaks plain HTTP."""
    return door.post({"query": DOCUMENTS[name], "variables": variables}).json()["data"]


@ASYNCHRONOUS
async def test_a_query_is_answered(door: Door, transport: Any) -> None:
    """Checked first against the schema that the client fetched, with variables, and with several on one connection."""
    async with Client(transport=configured(door, transport), fetch_schema_from_transport=True) as session:
        for _ in range(3):
            document = gql(DOCUMENTS["typed"])
            document.variable_values = VARIABLES
            assert await session.execute(document) == expected(door, "typed", VARIABLES)


def test_a_query_is_answered_to_who_waits(door: Door) -> None:
    """Without a loop."""
    with Client(transport=configured(door, HTTPXTransport), fetch_schema_from_transport=True) as session:
        assert session.execute(gql("{ caller { party } }")) == {"caller": {"party": "ALIBABA"}}


@ASYNCHRONOUS
async def test_a_refused_field_leaves_the_rest(door: Door, transport: Any) -> None:
    """The data is in the error."""
    async with Client(transport=configured(door, transport)) as session:
        with pytest.raises(TransportQueryError) as raised:
            await session.execute(gql(DOCUMENTS["refused"]))
    assert raised.value.data == {"caller": {"party": "ALIBABA"}, "fundReport": None}
    assert [each["extensions"]["code"] for each in raised.value.errors or ()] == [
        "UNAUTHORIZED_FIELD_OR_TYPE"
    ]


@ASYNCHRONOUS
async def test_an_invalid_document_is_an_error_of_the_query(door: Door, transport: Any) -> None:
    """Not of the transport."""
    async with Client(transport=configured(door, transport)) as session:
        with pytest.raises(TransportQueryError) as raised:
            await session.execute(gql(DOCUMENTS["invalid"]))
    assert [each["extensions"]["code"] for each in raised.value.errors or ()] == ["GRAPHQL_VALIDATION_FAILED"]


@ASYNCHRONOUS
async def test_a_bad_token_is_an_error(door: Door, transport: Any) -> None:
    """With what was wrong in it."""
    async with Client(transport=configured(door, transport, "x")) as session:
        with pytest.raises(TransportError, match=r"401|UNAUTHENTICATED"):
            await session.execute(gql("{ caller { party } }"))


async def test_the_client_finds_out_by_itself_what_it_may_not_ask_for(door: Door) -> None:
    """The schema it fetches is the caller's own."""
    async with Client(
        transport=configured(door, AIOHTTPTransport), fetch_schema_from_transport=True
    ) as session:
        with pytest.raises(GraphQLError, match="Cannot query field 'fundReport'"):
            await session.execute(gql(DOCUMENTS["refused"]))
        assert session.client.schema is not None
        assert "FundReport" not in print_schema(session.client.schema)


async def test_operations_can_be_composed_from_the_schema(door: Door) -> None:
    """By the client's own language for it, page after page."""
    async with Client(
        transport=configured(door, AIOHTTPTransport), fetch_schema_from_transport=True
    ) as session:
        assert session.client.schema is not None
        schema = DSLSchema(session.client.schema)
        after, seen = None, []
        while True:
            page = schema.Query.clients(first=1, after=after).select(
                schema.ClientConnection.nodes.select(schema.Client.id, schema.Client.region),
                schema.ClientConnection.pageInfo.select(
                    schema.PageInfo.endCursor, schema.PageInfo.hasNextPage
                ),
            )
            found = (await session.execute(dsl_gql(DSLQuery(page))))["clients"]
            seen += [each["id"] for each in found["nodes"]]
            after = found["pageInfo"]["endCursor"]
            if not found["pageInfo"]["hasNextPage"]:
                break
    everybody = door.post({"query": "{ clients { nodes { id } } }"}).json()["data"]["clients"]["nodes"]
    assert seen == [each["id"] for each in everybody]
    assert len(seen) > 2
