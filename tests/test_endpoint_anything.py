"""Whatever is sent, by hypothesis: there is an answer, and it is never the gateway's failure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.endpoint.media_types import GRAPHQL_JSON, HTML, JSON
from tests.door import CALLER, KINDS, Door, door, log

__all__ = ["door", "log"]

# Anything


def good_answer(response: httpx.Response) -> None:
    """Whatever was sent: a status below 500, and JSON with data or errors."""
    assert response.status_code < 500, response.text
    assert response.headers["content-type"].startswith((JSON, GRAPHQL_JSON))
    body = response.json()
    assert body.keys() <= {"data", "errors", "extensions"}
    assert ("data" in body) is ("extensions" in body)
    assert body
    codes = [error.get("extensions", {}).get("code") for error in body.get("errors", [])]
    assert "INTERNAL_SERVER_ERROR" not in codes


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
WORDS = """
{ } ( ) [ ] ! : = $a $ ... on query fragment f @include(if:true) @skip caller clients client node nodes orders id party
first last after filter totalCount __typename __schema Int ID! 1 -1 "x" null true
"""
documents = st.lists(st.sampled_from(WORDS.split()), max_size=25).map(" ".join)
quick = settings(max_examples=60, deadline=None)


@given(body=st.binary(max_size=200))
@quick
def test_any_bytes_have_an_answer(door: Door, body: bytes) -> None:
    """Bytes for a body."""
    good_answer(door.post(body))


@given(query=json_values | documents, variables=json_values, name=json_values, extensions=json_values)
@quick
def test_any_json_has_an_answer(door: Door, query: Any, variables: Any, name: Any, extensions: Any) -> None:
    """Any values where a request's parts should be."""
    parts = {"query": query, "variables": variables, "operationName": name, "extensions": extensions}
    good_answer(door.post(parts))


@given(
    address=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=200)
)
@quick
def test_any_address_has_an_answer(door: Door, address: str) -> None:
    """Characters for parameters."""
    good_answer(door.get(address))


parts = st.sampled_from(["query", "variables", "operationName", "extensions", "access_token", "id"])
pairs = st.tuples(parts, json_values.map(json.dumps) | documents | st.text(max_size=20))


@given(
    parameters=st.lists(pairs, max_size=5), method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS"])
)
@quick
def test_any_parameters_have_an_answer(door: Door, parameters: Any, method: str) -> None:
    """Any values where a request's parts should be, in any order and number, by any method."""
    response = door.get(parameters, method)
    assert response.status_code < 500, response.text
    if response.content:
        good_answer(response)


@given(
    document=documents,
    variables=st.dictionaries(st.sampled_from(["a", "b"]), json_values, max_size=2),
    kind=st.sampled_from(KINDS),
)
@quick
def test_any_words_of_graphql_have_an_answer(door: Door, document: str, variables: Any, kind: str) -> None:
    """Documents that are nearly some; the answer is the same whichever way they come."""
    by_post = door.post({"query": document, "variables": variables}, accept=kind)
    by_get = door.get({"query": document, "variables": json.dumps(variables)}, accept=kind)
    good_answer(by_post)
    good_answer(by_get)
    assert by_get.content == by_post.content


TYPED = """
query ($id: ID!, $first: Int, $last: Int, $after: String, $before: String, $filter: ClientFilter, $by: Party) {
  node(id: $id) { id }  client(id: $id) { id region orders(first: $first, after: $after, party: $by) { totalCount } }
  clients(first: $first, last: $last, after: $after, before: $before, filter: $filter) { totalCount nodes { id } }
}"""
positions = st.lists(st.integers(-(2**70), 2**70) | st.text(max_size=5), max_size=3).map(
    lambda values: base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")
)
texts = st.none() | st.text(max_size=30) | positions
numbers = st.none() | st.integers(-200, 200) | st.integers()


@given(
    variables=st.fixed_dictionaries(
        {"id": texts, "first": numbers, "last": numbers, "after": texts, "before": texts},
        optional={
            "filter": st.dictionaries(
                st.sampled_from(["region", "party", "placedAfter", "placedBefore"]),
                texts | st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
            ),
            "by": st.sampled_from(["ALIBABA", "MAILRU", "RDIF", "X"]),
        },
    )
)
@settings(max_examples=100, deadline=None)
def test_any_arguments_have_an_answer(door: Door, variables: Any) -> None:
    """Ids, cursors, sizes and filters of the right type and any value: what they do not fit is the caller's error."""
    good_answer(door.post({"query": TYPED, "variables": variables}))


NAMES = "accept content-type authorization content-encoding x-request-id host expect range origin"
names = st.sampled_from(NAMES.split(" "))
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40).map(str.strip)


@given(headers=st.dictionaries(names, values, max_size=4))
@quick
def test_any_headers_have_an_answer(door: Door, headers: Mapping[str, str]) -> None:
    """Headers with anything in them; by GET, one that asks for a page may get it."""
    sent = {name.replace("-", "_"): value for name, value in headers.items()}
    good_answer(door.post(CALLER, **sent))
    by_get = door.get(CALLER, **sent)
    if not by_get.headers["content-type"].startswith(HTML):
        good_answer(by_get)
