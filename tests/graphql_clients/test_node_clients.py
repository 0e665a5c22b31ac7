"""Clients for Node, unmodified and as their documentation has them, against the gateway on a socket."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.door import Door, logged
from tests.graphql_clients.conftest import DOCUMENTS, VARIABLES, given
from tests.graphql_clients.node import play


@dataclass
class Played:
    """What came of a client's scenarios, and the methods of the requests it sent."""

    came: dict[str, Any]
    methods: list[str]


@pytest.fixture(scope="module", params=["apollo", "urql", "graphql_request"])
def played(request: pytest.FixtureRequest, door: Door) -> Played:
    """Apollo Client, urql, graphql-request: each plays its scenarios once."""
    with logged() as log:
        came = play(f"{request.param}.mjs", given(door))
    lines = [json.loads(line) for line in log.lines]
    return Played(came, [each["method"] for each in lines if each["message"] == "request"])


def asked(door: Door, name: str, variables: Any = None) -> Any:
    """What the gateway answers to who speaks plain HTTP."""
    return door.post({"query": DOCUMENTS[name], "variables": variables}).json()


def bare(value: Any) -> Any:
    """A value without the `__typename` that clients with a cache ask for by themselves."""
    if isinstance(value, dict):
        return {key: bare(each) for key, each in value.items() if key != "__typename"}
    return [bare(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("scenario", ["post", "get"])
def test_a_query_is_answered(door: Door, played: Played, scenario: str) -> None:
    """With variables, fragments and interfaces, by either method; caches find ids and type names to keep it by."""
    assert bare(played.came[scenario]) == {"data": asked(door, "typed", VARIABLES)["data"]}
    assert len(played.came[scenario]["data"]["clients"]["nodes"]) == 2


def test_the_methods_are_those_that_were_meant(played: Played) -> None:
    """One scenario is by GET, and no client had to ask twice."""
    assert sorted(played.methods) == ["GET", "POST", "POST", "POST", "POST", "POST"]


def test_a_refused_field_leaves_the_rest(door: Door, played: Played) -> None:
    """Data and errors both get through to the application."""
    found = bare(played.came["refused"])
    assert found == {"data": asked(door, "refused")["data"], "codes": ["UNAUTHORIZED_FIELD_OR_TYPE"]}
    assert found["data"] == {"caller": {"party": "ALIBABA"}, "fundReport": None}


def test_an_invalid_document_is_told_by_its_code(played: Played) -> None:
    """Whatever status the client's favourite media type demands for it."""
    assert played.came["invalid"] == {"data": None, "codes": ["GRAPHQL_VALIDATION_FAILED"]}


def test_a_bad_token_is_told_by_its_code(played: Played) -> None:
    """A refusal has the form of GraphQL's errors, so that clients need nothing of their own for it."""
    assert played.came["stranger"] == {"data": None, "codes": ["UNAUTHENTICATED"]}


def test_the_schema_can_be_asked_for(door: Door, played: Played) -> None:
    """With the query for it that tools send."""
    assert bare(played.came["introspection"])["data"] == asked(door, "introspection")["data"]
