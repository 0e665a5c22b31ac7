"""Queries by the hundred, each valid for its caller: none of them is the gateway's failure."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query, print_schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from tests.conftest import ALL_SCOPES
from tests.door import Door, door

__all__ = ["door"]

SCALARS = {
    "BigInt": st.integers(-(2**63), 2**63 - 1).map(nodes.Int),
    "Date": st.dates().map(lambda day: nodes.String(day.isoformat())),
    "DateTime": st.datetimes().map(lambda moment: nodes.String(f"{moment.isoformat()}Z")),
    "Decimal": st.integers().map(lambda number: nodes.String(str(number))),
}
KNOWN: dict[str, str] = {}


def schema_of(door: Door, scopes: str) -> str:
    """The schema as the gateway shows it to a caller with these scopes."""
    if scopes not in KNOWN:
        door.scopes = scopes
        answer = door.post({"query": get_introspection_query()}).json()
        KNOWN[scopes] = print_schema(build_client_schema(answer["data"]))
    return KNOWN[scopes]


@pytest.mark.parametrize("party", ALL_SCOPES)
@given(data=st.data())
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_what_a_caller_is_shown_it_can_ask_for(door: Door, party: str, data: st.DataObject) -> None:
    """Without an error of the gateway's, and without a word of what its token would lack."""
    scopes = ALL_SCOPES[party]
    schema = schema_of(door, scopes)
    document = data.draw(queries(schema, custom_scalars=SCALARS, allow_null=False))
    door.scopes = scopes
    response = door.post({"query": document})
    assert response.status_code < 500, document
    codes = {code(error) for error in response.json().get("errors", [])}
    assert "INTERNAL_SERVER_ERROR" not in codes, document
    assert "UNAUTHORIZED_FIELD_OR_TYPE" not in codes, document
    assert "GRAPHQL_VALIDATION_FAILED" not in codes, (document, response.text)


def code(error: dict[str, Any]) -> str:
    """What kind of error it is."""
    found: str = error["extensions"]["code"]
    return found
