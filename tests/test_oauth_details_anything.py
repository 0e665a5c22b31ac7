"""Rich authorization requests of any text: a grant within bounds or a refusal in fixed words, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.access.agreements import CONTRACT, rights
from gateway.discovery import dataset_scopes, discover
from gateway.oauth.details import MAX_DETAILS, InvalidAuthorizationDetails, claim, granted, read
from gateway.oauth.narrowing import within
from tests.exchange import detail

INVALID = "invalid_authorization_details"
RIGHTS = [each for each in rights(CONTRACT, dataset_scopes(discover())) if each.recipient == "ALIBABA"]
SCOPES = {each.scope for each in RIGHTS}
OWN = "ALIBABA accounts, contacts, orders, profiles"
MAY = f"{OWN}; MAILRU accounts, orders, segments"

names = st.sampled_from(
    ["MAILRU", "ALIBABA", "RDIF", "orders", "accounts", "segments", "analytics", "partner_data"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | names
SAID = {
    (INVALID, description)
    for description in (
        "A dataset must not be asked for twice.",
        "A token has one purpose: all entries must say the same.",
        f"The details must not exceed {MAX_DETAILS} characters.",
        "Each entry must be an object of the type partner_data.",
        "An entry has the members type, party, datasets and purpose, and no other.",
        "The party of an entry must be a text, and so must its purpose, if it is said.",
        "The datasets of an entry must be an array of at least one text.",
        "The details must be a JSON array of objects, in which no member is said twice.",
        "The details must be a JSON array of at least one object.",
        *(f"For this purpose and with these scopes may be asked for: {may}." for may in (MAY, OWN)),
    )
}
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text() | names, inner), max_leaves=10
)
entries = st.fixed_dictionaries(
    {
        "type": st.just("partner_data") | scalars,
        "party": names | values,
        "datasets": st.lists(names) | values,
    },
    optional={"purpose": names | values, "actions": values},
)


@given(st.text() | values.map(json.dumps) | st.lists(entries).map(json.dumps))
@example(json.dumps([detail("MAILRU", "orders"), detail("ALIBABA", "profiles", purpose="analytics")]))
def test_any_text_is_a_grant_within_bounds_or_refused(text: str) -> None:
    """And what is granted says the same when the token comes back."""
    try:
        asked = read(text)
        found = within(asked.datasets, RIGHTS, asked.purpose or "analytics", SCOPES)
    except InvalidAuthorizationDetails as refusal:
        said = (refusal.error, refusal.description)
    else:
        said = None
        assert found
        assert found <= {(right.owner, right.dataset) for right in RIGHTS}
        assert granted(claim(found, "analytics")) == found
    assert said is None or said in SAID


@pytest.mark.parametrize("name", ["party", "purpose", "datasets"])
@pytest.mark.parametrize("text", ["\ud800", "orders\x00", "a\nb"])
def test_what_cannot_be_written_is_no_name(name: str, text: str) -> None:
    """Half a surrogate pair comes through JSON, and would stop whoever writes it on; an outside issuer may sign it."""
    entry = {**detail("MAILRU", "orders"), name: [text] if name == "datasets" else text}
    with pytest.raises(InvalidAuthorizationDetails):
        read(json.dumps([entry]))
    with pytest.raises(ValueError, match="not those of a token"):
        granted([entry])


@given(values)
def test_a_claim_that_we_did_not_make_narrows_to_nothing_or_is_refused(value: Any) -> None:
    """A token is never taken for one without details because they cannot be read."""
    try:
        found = granted(value)
    except ValueError:
        return
    assert found == frozenset() or isinstance(value, list)
