"""What an operation may cost: refused before anything of it runs, in words that help."""

from __future__ import annotations

import pytest

from gateway.endpoint.media_types import GRAPHQL_JSON, JSON
from gateway.settings import Settings
from tests.benchmarks.operations import Q1, Q2, Q3
from tests.door import Door, check, door

__all__ = ["door"]

BULK = "{ clients(first: 100) { nodes { orders(first: 100) { nodes { lines { total { minor } } } } } } }"


@pytest.mark.parametrize("kind", [GRAPHQL_JSON, JSON])
def test_an_operation_that_may_cost_too_much_is_refused(door: Door, kind: str) -> None:
    """With the estimate, the limit, and what to do."""
    response = door.post({"query": BULK}, accept=kind)
    message = check(response, 400 if kind == GRAPHQL_JSON else 200, "COST_LIMIT", kind)
    assert "`first`" in message
    [error] = response.json()["errors"]
    estimated = 1 + 100 * (1 + 1 + 100 * (1 + 20 * 2))
    assert error["extensions"] == {"code": "COST_LIMIT", "estimated": estimated, "limit": 50_000}


def test_variables_make_it_dear_as_well(door: Door) -> None:
    """The document is known by then; the same with less runs."""
    document = BULK.replace("{ clients", "query ($n: Int) { clients").replace("first: 100", "first: $n")
    for n, status in ((2, 200), (100, 400), (2, 200)):
        response = door.post({"query": document, "variables": {"n": n}}, accept=GRAPHQL_JSON)
        assert response.status_code == status


@pytest.mark.parametrize("document", [Q1.replace("$id: ID!", '$id: ID! = "x"'), Q2, Q3])
def test_the_operations_of_the_benchmarks_are_far_from_it(door: Door, document: str) -> None:
    """Ten times over."""
    cost = door.post({"query": document}).json()["extensions"]["cost"]
    assert cost["estimated"] * 10 < Settings().max_cost
