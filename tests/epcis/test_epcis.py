"""EPCIS documents are what GS1's published schema asks, whatever carriers say of a parcel."""

from __future__ import annotations

import copy
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.shipments.epcis import STEPS, _document
from gateway.store.queries import Row, row_type
from tests.epcis.schema import faults

EVENT = row_type(
    ("tracking_id", "number", "occurred_at", "utc_offset", "milestone", "code", "place", "country")
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
offsets = st.one_of(
    st.sampled_from(["+03:00", "+08:00", "-12:00", "+14:00", "-14:00", "+05:45"]),
    # Of whole minutes is all that a carrier's offset is known to be.
    st.builds("{}{:02}:{:02}".format, st.sampled_from("+-"), st.integers(0, 23), st.integers(0, 59)),
)
events = st.builds(
    EVENT,
    tracking_id=texts,
    number=st.integers(1, 99),
    occurred_at=st.datetimes().map("{:%Y-%m-%dT%H:%M:%SZ}".format).filter(lambda text: len(text) == 20),
    utc_offset=offsets,
    milestone=st.sampled_from(sorted(STEPS)),
    code=texts,
    place=st.none() | texts,
    country=st.none() | st.sampled_from(["CN", "RU", "", "? ", "Ж/"]),
)


def told(
    milestone: str = "IMPORTED",
    place: str | None = "Town",
    country: str | None = "RU",
    offset: str = "+03:00",
) -> Row:
    """An event."""
    return EVENT("RR1", 1, "2017-12-21T00:00:00Z", offset, milestone, "9/0", place, country)


@pytest.mark.parametrize("orders", [[], ["AlibabaOrder:1"], ["AlibabaOrder:1", "PandaoOrder:2 3"]])
def test_each_milestone_is_valid(orders: list[str]) -> None:
    """With and without a place, a country and orders."""
    places = (None, "Town", "Москва [9]")
    found = [told(*each) for each in product(STEPS, places, (None, "RU"))]
    assert faults(_document("RR473124829GB", found, orders)) == []


@given(number=texts, found=st.lists(events, max_size=3), orders=st.lists(texts, max_size=3, unique=True))
@settings(max_examples=60, deadline=None)
def test_whatever_carriers_say_comes_to_a_valid_document(
    number: str, found: list[Row], orders: list[str]
) -> None:
    """Numbers, places and ids of any text, and offsets that no place has."""
    assert faults(_document(number, found, orders)) == []


@pytest.mark.parametrize(
    ("offset", "shown"),
    [("+13:59", "+13:59"), ("-14:00", "-14:00"), ("+14:01", "+00:00"), ("-23:00", "+00:00")],
)
def test_an_offset_that_epcis_does_not_know_is_that_of_the_time_itself(offset: str, shown: str) -> None:
    """Which is told in UTC; the shipment's own events show what the carrier said."""
    [event] = _document("RR1", [told(offset=offset)], [])["epcisBody"]["eventList"]
    assert event["eventTimeZoneOffset"] == shown


WRONG: dict[str, dict[str, Any]] = {
    "a time that is none": {"eventTime": "2017-12-21 00:00"},
    "an offset without a sign": {"eventTimeZoneOffset": "03:00"},
    "a blank in a URI": {"epcList": ["urn:silk-road:parcel:RR 1"]},
    "a step that CBV has not": {"bizStep": "smuggling"},
    "a bare word of our own": {"disposition": "released"},
    "an action that is none": {"action": "FOUND"},
    "a place without an id": {"readPoint": {"name": "Town"}},
    "a name that is no URI": {"carrier": "RUSSIAN_POST"},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_the_schema_is_held_to(wrong: dict[str, Any]) -> None:
    """So that a document that is found valid is so: formats count, and names that are not GS1's."""
    document = copy.deepcopy(_document("RR1", [told()], ["AlibabaOrder:1"]))
    assert faults(document) == []
    document["epcisBody"]["eventList"][0].update(wrong)
    assert faults(document) != []
