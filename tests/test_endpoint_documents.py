"""What GraphQL itself has to say of a request, and with which status."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gateway.endpoint.media_types import GRAPHQL_JSON
from tests.answers import data_of
from tests.door import Door, both_kinds, check, door, log

__all__ = ["door", "log"]

# What GraphQL itself has to say

BEFORE_TIME = "0001-01-01T00:00:00+23:59"
CLIENTS = "query ($a: {}) {{ clients({}: $a) {{ totalCount }} }}"
PARSE, VALIDATION, INPUT = "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"

REQUEST_ERRORS: dict[str, tuple[str, str]] = {
    "empty": ("", PARSE),
    "syntax": ("{ caller { party }", PARSE),
    "nothing selected": ("{ caller { } }", PARSE),
    "a line break in a string": ('{ node(id: "a\nb") { id } }', PARSE),
    "1,900 levels": ("{a" * 1_900 + "}" * 1_900, PARSE),
    "too many tokens": ("{ a }" * 3_000, PARSE),
    "20 levels": ("{a" * 20 + "}" * 20, "DEPTH_LIMIT"),
    "unknown field": ("{ whatever }", VALIDATION),
    "no selection": ("{ caller }", VALIDATION),
    "too much selection": ("{ caller { party { x } } }", VALIDATION),
    "unknown argument": ("{ caller(x: 1) { party } }", VALIDATION),
    "missing argument": ("{ client { id } }", VALIDATION),
    "unknown directive": ("{ caller { party @x } }", VALIDATION),
    "a literal of another type": ("{ clients(first: 1.5) { totalCount } }", VALIDATION),
    "5,000 digits": ("{ clients(first: " + "9" * 5_000 + ") { totalCount } }", VALIDATION),
    "a deep literal": ("{ clients(filter: " + "{a:" * 150 + "1" + "}" * 151 + ") { totalCount } }", PARSE),
    "a mutation": ("mutation { a }", VALIDATION),
    "a mutation that the caller may not ask for": ("mutation { a: __typename b }", VALIDATION),
    "a subscription": ("subscription { a }", VALIDATION),
    "a subscription to nothing": ("subscription { __typename }", VALIDATION),
    "a definition": ("type A { b: Int }", VALIDATION),
    "no operation": ("fragment f on Query { caller { party } }", VALIDATION),
    "a circle": ("{ ...f } fragment f on Query { ...f }", VALIDATION),
    "two nameless": ("{ caller { party } } { caller { party } }", VALIDATION),
}


@pytest.mark.parametrize(("query", "code"), REQUEST_ERRORS.values(), ids=REQUEST_ERRORS)
@both_kinds
def test_a_document_that_is_no_good_is_answered(door: Door, query: str, code: str, kind: str) -> None:
    """400 in GraphQL's own type, 200 in plain JSON, as GraphQL over HTTP has it (6.4.1, 6.4.2)."""
    check(door.post({"query": query}, accept=kind), 400 if kind == GRAPHQL_JSON else 200, code, kind)


@pytest.mark.parametrize(
    ("kind_of", "argument", "variables"),
    [
        pytest.param("Int!", "first", {}, id="missing"),
        pytest.param("Int!", "first", {"a": None}, id="null"),
        pytest.param("Int", "first", {"a": "1"}, id="of another type"),
        pytest.param("Int", "first", {"a": 2**40}, id="too large"),
        pytest.param("Int", "first", {"a": 10**40}, id="much too large"),
        pytest.param("ClientFilter", "filter", {"a": {"x": 1}}, id="an unknown field"),
        pytest.param("ClientFilter", "filter", {"a": {"party": "YANDEX"}}, id="an unknown party"),
        pytest.param("ClientFilter", "filter", {"a": {"placedAfter": "2017"}}, id="half a moment"),
        pytest.param("ClientFilter", "filter", {"a": {"placedAfter": BEFORE_TIME}}, id="before all time"),
        pytest.param("ClientFilter", "filter", {"a": [[[[{}]]]]}, id="nested"),
    ],
)
@both_kinds
def test_variables_that_do_not_fit_are_answered(
    door: Door, kind_of: str, argument: str, variables: dict[str, Any], kind: str
) -> None:
    """In the same way."""
    body = {"query": CLIENTS.format(kind_of, argument), "variables": variables}
    message = check(door.post(body, accept=kind), 400 if kind == GRAPHQL_JSON else 200, INPUT, kind)
    assert "$a" in message


def test_names_are_not_guessed(door: Door) -> None:
    """A hint at what somebody may have meant would show what is there."""
    body = door.post({"query": "{ callr { prty } client(ids: 1) { id } }"}).text
    assert "Did you mean" not in body
    assert "caller" not in body


def test_documents_that_are_small_to_write_and_large_to_run_are_refused_soon(door: Door) -> None:
    """Fragments that double each other, fragments in a long row, and a field many times over."""
    started = time.monotonic()
    doubling = [f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(200)]
    row = [f"fragment f{n} on Query {{ ...f{n + 1} }}" for n in range(400)]
    for fragments in (doubling, row):
        leaf = f"fragment f{len(fragments)} on Query {{ caller {{ party }} }}"
        response = door.post({"query": " ".join(["{ ...f0 }", *fragments, leaf])})
        assert response.status_code == 200
        assert response.json().keys() == {"errors"}
    assert door.post({"query": "{" + "caller{party}" * 1_100 + "}"}).json().keys() == {"errors"}
    few = " ".join(["{ ...f0 }", *doubling[:8], "fragment f8 on Query { caller { party } }"])
    assert data_of(door.post({"query": few}).json()) == {"caller": {"party": "ALIBABA"}}
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"query": "query A { caller { party } }", "operationName": "B"}, id="unknown"),
        pytest.param({"query": "query A { caller { party } }", "operationName": ""}, id="empty"),
        pytest.param({"query": "{ caller { party } }", "operationName": "A"}, id="of a nameless operation"),
        pytest.param({"query": "query A { caller { party } } query B { caller { party } }"}, id="missing"),
    ],
)
@both_kinds
def test_an_operation_name_that_chooses_none_is_refused(door: Door, body: dict[str, Any], kind: str) -> None:
    """It is not guessed which was meant; the request is well formed, so it is answered as a bad document is (6.4)."""
    status = 400 if kind == GRAPHQL_JSON else 200
    check(door.post(body, accept=kind), status, "OPERATION_RESOLUTION_FAILURE", kind)


def test_the_operation_that_is_named_runs(door: Door) -> None:
    """And no other."""
    two = "query A { caller { party } } query B { caller { purpose } }"
    answer = door.post({"query": two, "operationName": "B"}).json()
    assert data_of(answer) == {"caller": {"purpose": "analytics"}}


@both_kinds
def test_a_field_that_fails_is_null_beside_the_others(door: Door, kind: str) -> None:
    """An operation that ran is 200 in either type, errors or not."""
    query = "{ caller { party } clients(first: -1) { totalCount } }"
    response = door.post({"query": query}, accept=kind)
    assert response.status_code == 200
    [error] = response.json()["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["clients"], "BAD_USER_INPUT")
