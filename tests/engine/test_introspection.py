"""Introspection is answered from what the caller may ask for, with all that a client's tools ask of it."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query, print_schema

from gateway.engine.engine import Engine
from gateway.engine.limits import Limits
from gateway.schema import declared_schema

schema = declared_schema()
engine = Engine(schema.graphql, Limits(tokens=4_000, depth=15))
EVERYTHING = get_introspection_query(
    descriptions=True,
    specified_by_url=True,
    directive_is_repeatable=True,
    schema_description=True,
    input_value_deprecation=True,
    one_of=True,
)


async def ask(document: str, scopes: str, **variables: Any) -> dict[str, Any]:
    """The data of an answer without errors."""
    view = schema.view(frozenset(scopes.split()))
    answer = await engine.prepare(view, document, variables, None).run(dict, 10)
    assert not answer.errors
    assert answer.data is not None
    return answer.data


def fields(answer: dict[str, Any], name: str) -> set[str]:
    """The fields that a type shows."""
    [kind] = [each for each in answer["__schema"]["types"] if each["name"] == name]
    return {each["name"] for each in kind["fields"]}


async def test_a_client_can_build_the_schema_from_the_full_introspection() -> None:
    """With all scopes, types and fields are those of the schema; nothing is lost on the way."""
    built = build_client_schema(await ask(EVERYTHING, " ".join(schema.scopes)))
    shown = {name for name in built.type_map if not name.startswith("__")}
    assert shown == {name for name in schema.graphql.type_map if not name.startswith("__")}
    assert "type Client implements Node" in print_schema(built)


async def test_a_caller_sees_what_it_may_ask_for() -> None:
    answer = await ask(EVERYTHING, "clients:read alibaba:read")
    names = {each["name"] for each in answer["__schema"]["types"]}
    assert {"Client", "AlibabaOrder", "Order"} <= names
    assert not names & {"ClientProfile", "MailruAccount", "PandaoOrder", "Segment", "FundReport"}
    assert {"region", "orders", "alibaba"} <= fields(answer, "Client")
    assert not fields(answer, "Client") & {"profile", "mailru"}
    [order] = [each for each in answer["__schema"]["types"] if each["name"] == "Order"]
    assert [each["name"] for each in order["possibleTypes"]] == ["AlibabaOrder"]


async def test_a_caller_without_scopes_sees_little() -> None:
    answer = await ask(EVERYTHING, "")
    assert fields(answer, "Query") == {"caller", "explainAccess", "node"}


@pytest.mark.parametrize(("scopes", "name"), [("clients:pii clients:read", "ClientProfile"), ("", None)])
async def test_a_type_by_its_name_is_there_or_is_not(scopes: str, name: str | None) -> None:
    answer = await ask('{ t: __type(name: "ClientProfile") { name } }', scopes)
    assert answer == {"t": {"name": name} if name else None}


async def test_introspection_takes_variables_fragments_and_switches() -> None:
    document = """
    query ($name: String!, $yes: Boolean!, $filter: ClientFilter) {
      a: __type(name: $name) { ...T kind @skip(if: $yes) }
      a: __type(name: $name) { fields @include(if: $yes) { name } }
      __schema { queryType { ...T } }
      __typename
      clients(filter: $filter) @skip(if: $yes) { totalCount }
    }
    fragment T on __Type { name }
    """
    assert await ask(document, "", name="Caller", yes=True, filter={"region": "x"}) == {
        "a": {
            "name": "Caller",
            "fields": [{"name": each} for each in ("application", "data", "party", "purpose", "scopes")],
        },
        "__schema": {"queryType": {"name": "Query"}},
        "__typename": "Query",
    }
