"""Guessing at the schema: what a caller may not ask for is, in every message, as what is not there at all.

An operation that is valid and asks for it is another matter: its caller is told what the token lacks, the promise
of `UNAUTHORIZED_FIELD_OR_TYPE`. Names are no secret, `schema.graphql` is in the repository; but no tool can make
a schema of what the gateway says to documents that are wrong.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from graphql import GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType

from gateway.schema import declared_schema
from tests.conftest import ALL_SCOPES, Gateway, start
from tests.world import small_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEMA = declared_schema()
NAMED = "Absent"
"""Stands in for what is hidden; nothing in the schema is called so."""


def reachable(scopes: str) -> frozenset[str]:
    return SCHEMA.reachable(frozenset(scopes.split()))


def hidden_fields(kind: str, scopes: str) -> list[str]:
    """The fields of a type that the holder of these scopes may not ask for."""
    shown = reachable(scopes)
    names = SCHEMA.graphql.type_map[kind].fields  # type: ignore[attr-defined]
    return [name for name in names if f"{kind}.{name}" not in shown]


def hidden_types(scopes: str) -> list[str]:
    """The types of which the holder of these scopes may ask for nothing, and those that only their fields take."""
    shown = SCHEMA.printed(frozenset(scopes.split()))
    kinds = (GraphQLObjectType, GraphQLInterfaceType, GraphQLInputObjectType)
    return [
        name
        for name, kind in SCHEMA.graphql.type_map.items()
        if isinstance(kind, kinds) and not name.startswith("__") and f" {name} " not in shown
    ]


FUND = ALL_SCOPES["RDIF"]
ABSENT = {
    *(f"{{ {name} }}" for name in hidden_fields("Query", FUND)),
    *(f"{{ {name} {{ lol }} }}" for name in hidden_fields("Query", FUND)),
    *(f"{{ {name}(id: 7) {{ id }} nope }}" for name in hidden_fields("Query", FUND)),
    *(f"{{ {name}(lol: 7) {{ lol }} }}" for name in hidden_fields("Query", FUND)),
    *(f'{{ node(id: "x") {{ ... on {name} {{ lol }} }} }}' for name in hidden_types(FUND)),
    *(f"{{ ...f }} fragment f on {name} {{ lol }}" for name in hidden_types(FUND)),
    *(f"query ($a: {name}!) {{ lol(a: $a) }}" for name in hidden_types(FUND)),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway; guessing needs no rows."""
    async for each in start(tmp_path_factory.mktemp("guessing"), small_world()):
        yield each


async def said(gateway: Gateway, document: str, name: str, **variables: Any) -> str:
    """The answer to a document, without the name that it guesses and without places in its text."""
    answer = await gateway.ask(document, "RDIF", variables=variables)
    for error in answer["errors"]:
        error.pop("locations", None)
    return str(answer).replace(name, NAMED)


async def test_there_is_much_to_guess() -> None:
    """The fund may not ask for most of the schema."""
    assert {"client", "clients"} <= set(hidden_fields("Query", FUND))
    assert {"Client", "ClientFilter", "Order", "AlibabaAccount", "Segment"} <= set(hidden_types(FUND))


@pytest.mark.parametrize("document", sorted(ABSENT))
async def test_a_wrong_document_tells_nothing_of_what_is_hidden(gateway: Gateway, document: str) -> None:
    """Its answer is that to the same document with a name that nobody has."""
    name = next(
        each
        for each in sorted([*hidden_fields("Query", FUND), *hidden_types(FUND)], key=len, reverse=True)
        if each in document.replace("fragment", "")
    )
    absent = document.replace(name, NAMED)
    assert await said(gateway, document, name) == await said(gateway, absent, NAMED)


async def test_variables_tell_nothing_of_a_type_that_is_hidden(gateway: Gateway) -> None:
    """Neither which members it has nor of which types they are."""
    document = "query ($f: ClientFilter) { clients(filter: $f) { totalCount } }"
    for value in ({"region": 7}, {"lol": 1}, {"party": "LOL"}, "x"):
        answer = await gateway.ask(document, "RDIF", variables={"f": value})
        assert [error["message"] for error in answer["errors"]] == ["Unknown type 'ClientFilter'."]


async def test_who_may_ask_for_it_is_told_what_is_wrong_with_it(gateway: Gateway) -> None:
    """Messages are no worse for those who are shown the field."""
    for document, message in (
        ("{ clients { lol } }", "Cannot query field 'lol' on type 'ClientConnection'."),
        (
            "{ client { id } }",
            "Argument 'Query.client(id:)' of type 'ID!' is required, but it was not provided.",
        ),
    ):
        answer = await gateway.ask(document, "ALIBABA")
        assert [error["message"] for error in answer["errors"]] == [message]


async def test_a_valid_operation_is_told_what_its_token_lacks(gateway: Gateway) -> None:
    """That a field is refused is no secret: its caller is to know what to ask its party for."""
    answer = await gateway.ask("{ clients { totalCount } caller { party } }", "RDIF")
    [error] = answer["errors"]
    assert error["extensions"]["missingScopes"] == ["clients:read"]
