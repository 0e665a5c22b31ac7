"""Whatever a request calls its document by, by hypothesis: an answer in words, and no document but those registered."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.door import Door, door
from tests.test_endpoint_anything import good_answer, json_values
from tests.trusted import code, registered, within_the_bound

__all__ = ["door"]

PARTY = "{ caller { party } }"
REGISTERED = {sha256(PARTY.encode()).hexdigest(): PARTY, "purpose": "{ caller { purpose } }"}
OTHERS = ["{ __typename }", "{ caller { scopes } }", "", "{", *REGISTERED.values()]

ids = st.sampled_from([*REGISTERED, *(f"sha256:{id}" for id in REGISTERED), "", "x", "a" * 300]) | json_values
hashes = ids | st.sampled_from([sha256(text.encode()).hexdigest() for text in OTHERS])
automatic = st.fixed_dictionaries(
    {}, optional={"version": st.sampled_from([1, 1, 1, 2, "1", None]), "sha256Hash": hashes}
)
extensions = st.fixed_dictionaries({"persistedQuery": automatic | json_values}) | json_values
bodies = st.fixed_dictionaries(
    {},
    optional={
        "documentId": ids,
        "doc_id": ids,
        "query": st.sampled_from(OTHERS) | json_values,
        "extensions": extensions,
        "variables": st.just({}) | json_values,
        "operationName": st.none() | json_values,
    },
)


@pytest.fixture(scope="module")
def kiosk(door: Door) -> Door:
    """An application that may run two documents, and nothing else."""
    registered(door.settings, "kiosk", REGISTERED, only=True)
    headers = {"authorization": f"Bearer {door.token(application='kiosk')}"}
    within_the_bound(lambda: code(door.post({"documentId": "purpose"}, **headers)) is None)
    return door


@given(body=bodies, application=st.sampled_from(["kiosk", "app"]), get=st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_names_of_documents_have_an_answer(
    kiosk: Door, body: dict[str, Any], application: str, get: bool
) -> None:
    """By POST and by GET; what has no document is told why in one error, and whoever may run two runs no third."""
    headers = {"authorization": f"Bearer {kiosk.token(application=application)}"}
    if get:
        sent = {k: v if isinstance(v, str) else json.dumps(v) for k, v in body.items()}
        response = kiosk.get(sent, **headers)
    else:
        response = kiosk.post(body, **headers)
    good_answer(response)
    found = response.json()
    if "data" not in found:
        assert all(error["message"] for error in found["errors"])
    elif application == "kiosk":
        assert found["data"] in ({"caller": {"party": "ALIBABA"}}, {"caller": {"purpose": "analytics"}})
