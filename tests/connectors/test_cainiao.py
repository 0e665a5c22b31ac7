"""Cainiao: what it says of parcels, in its own clocks and codes, and what the gateway makes of that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from sqlalchemy import func, insert, select

from connectors.cainiao.answers import accept, told
from connectors.cainiao.codes import CODES, milestone
from connectors.cainiao.sandbox import FAULTS, sandbox
from connectors.cainiao.tracking import AT_ONCE, pull_parcels, read_parcel
from gateway.connector import (
    Answer,
    Kind,
    Milestone,
    PartnerError,
    Unreadable,
    Upstream,
    shipment_numbers,
    tracking_events,
    trackings,
)
from gateway.sandboxes.faults import Fault
from gateway.sandboxes.faulty import Faulty
from gateway.store.database import migrate, writer
from gateway.sync.pull import pull
from tests.partners import batches_of, books, dataset_of, partner, rows_of_parcels, served, subjects_of

__all__ = ["books"]

NUMBER = "LP00099999999999"


class Asked(NamedTuple):
    """A parcel as the gateway asks about it."""

    number: str
    shipment_id: str


def event(
    code: str, at: str = "2017-12-20 10:00:00", zone: str | None = "GMT+8", **more: Any
) -> dict[str, Any]:
    """An event as Cainiao writes it."""
    told_zone = {} if zone is None else {"timeZone": zone}
    return {"actionCode": code, "timeStr": at, "standerdDesc": "Carrier update", **told_zone, **more}


def record(*events: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A parcel's record; its events newest first, as they come."""
    parcel = {"mailNo": NUMBER, "status": "DELIVERING", "detailList": [*events], **more}
    return {"number": NUMBER, "shipment_id": f"{NUMBER}:2017", "parcel": parcel}


def events_of(*events: Mapping[str, Any]) -> list[Any]:
    """The rows of these events."""
    return list(read_parcel(record(*events))[tracking_events])


def test_a_history_is_a_tracking_with_its_events_oldest_first() -> None:
    """The newest comes first from Cainiao; of one moment the order is its own, the other way round."""
    history = record(
        event("GTMS_SIGNED", "2017-12-30 12:00:00", "GMT+3", desc="[Tver] Signed", standerdDesc="Delivered"),
        event("GTMS_DO_DEPART", "2017-12-30 12:00:00", "GMT+3"),
        event("PU_PICKUP_SUCCESS"),
    )
    rows = read_parcel(history)
    key = {"tracking_id": f"{NUMBER}:2017:CAINIAO", "shipment_id": f"{NUMBER}:2017"}
    assert rows[trackings] == [
        {
            "id": key["tracking_id"],
            "shipment_id": key["shipment_id"],
            "carrier": "CAINIAO",
            "status_raw": "DELIVERING",
        }
    ]
    found = rows[tracking_events]
    assert [row["milestone"] for row in found] == ["ACCEPTED", "OUT_FOR_DELIVERY", "DELIVERED"]
    assert found[2] == {
        **key,
        "number": 3,
        "occurred_at": "2017-12-30T09:00:00Z",
        "occurred_at_raw": "2017-12-30 12:00:00",
        "utc_offset": "+03:00",
        "zone_assumed": 0,
        "milestone": "DELIVERED",
        "code": "GTMS_SIGNED",
        "description": "Delivered",
        "place": "Tver",
        "country": None,
    }


@pytest.mark.parametrize(
    ("code", "means"),
    [
        ("GTMS_STA_SIGNED", Milestone.AT_PICKUP_POINT),
        ("GTMS_SIGNED", Milestone.DELIVERED),
        ("GTMS_DO_DEPART", Milestone.OUT_FOR_DELIVERY),
        ("CC_IM_SUCCESS", Milestone.CUSTOMS_CLEARED),
        ("LH_DEPART", Milestone.EXPORTED),
        ("LH_ARRIVE", Milestone.IMPORTED),
        ("GTMS_OE_DEPART", Milestone.IN_TRANSIT),
        ("TRANSIT_PORT_REROUTE_CALLBACK", Milestone.UNKNOWN),
    ],
)
def test_only_delivery_is_delivery(code: str, means: Milestone) -> None:
    """F47: at a pick-up point it is signed for, and nobody has it; what is in no table is unknown, and never final."""
    assert milestone(code, ["LH_DEPART"]) is means
    assert [each for each, found in CODES.items() if found is Milestone.DELIVERED] == ["GTMS_SIGNED"]


def test_import_that_was_declared_beforehand_is_no_customs() -> None:
    """The parcel is still where it was sent; once it has left, the same code means that customs have it."""
    early, late = event("CC_IM_START", "2017-12-21 10:00:00"), event("CC_IM_START", "2017-12-24 10:00:00")
    found = events_of(late, event("LH_DEPART", "2017-12-22 10:00:00"), early)
    assert [row["milestone"] for row in found] == ["IN_TRANSIT", "EXPORTED", "CUSTOMS_ENTERED"]


@pytest.mark.parametrize(
    ("zone", "at", "offset", "assumed"),
    [
        ("GMT+8", "2017-12-20T02:00:00Z", "+08:00", 0),
        ("GMT+3", "2017-12-20T07:00:00Z", "+03:00", 0),
        ("GMT-03:30", "2017-12-20T13:30:00Z", "-03:30", 0),
        ("UTC", "2017-12-20T10:00:00Z", "+00:00", 0),
        (None, "2017-12-20T02:00:00Z", "+08:00", 1),
        ("", "2017-12-20T02:00:00Z", "+08:00", 1),
        ("local", "2017-12-20T02:00:00Z", "+08:00", 1),
        ("GMT+99", "2017-12-20T02:00:00Z", "+08:00", 1),
    ],
)
def test_each_event_has_a_clock_of_its_own(zone: str | None, at: str, offset: str, assumed: int) -> None:
    """F48: where none is told, or none that there is, Beijing's is assumed, and that is said."""
    [found] = events_of(event("LH_ARRIVE", "2017-12-20 10:00:00", zone))
    assert (found["occurred_at"], found["utc_offset"], found["zone_assumed"]) == (at, offset, assumed)


def test_milliseconds_take_every_clock_for_beijings() -> None:
    """So they say what the clock on the wall showed, and the zone says where that was."""
    ten = int(datetime.fromisoformat("2017-12-20T10:00:00+08:00").timestamp()) * 1000
    texts, numbers = event("LH_ARRIVE", zone="GMT+3", time=ten), event("LH_ARRIVE", "", "GMT+3", time=ten)
    first, second = events_of(texts)[0], events_of(numbers)[0]
    assert first["occurred_at"] == second["occurred_at"] == "2017-12-20T07:00:00Z"
    assert (first["occurred_at_raw"], second["occurred_at_raw"]) == ("2017-12-20 10:00:00", str(ten))


@pytest.mark.parametrize(
    ("more", "number", "carrier"),
    [
        (
            {"copyRealMailNo": "RA 123 456 785 RU", "destCpInfo": {"cpName": "Russian Post"}},
            "RA123456785RU",
            "RUSSIAN_POST",
        ),
        ({"realMailNo": "Latest Tracking Number:\tPO0123456789"}, "PO0123456789", "UNKNOWN"),
        ({"copyRealMailNo": NUMBER}, None, None),
        ({"copyRealMailNo": "<b>none</b>"}, None, None),
        ({}, None, None),
    ],
)
def test_the_last_miles_number_is_one_more(
    more: dict[str, Any], number: str | None, carrier: str | None
) -> None:
    """And its carrier is who is asked about it."""
    rows = read_parcel(record(event("GTMS_ACCEPT"), **more)).get(shipment_numbers, [])
    wanted = {"number": number, "shipment_id": f"{NUMBER}:2017", "carrier": carrier}
    assert list(rows) == ([wanted] if number else [])


@pytest.mark.parametrize(
    "wrong",
    [
        record(),
        record(event("")),
        record(event("LH_ARRIVE", "yesterday")),
        record(event("LH_ARRIVE", "")),
        record(event("LH_ARRIVE", "0001-01-01 00:00:00")),
        record(event("LH_ARRIVE", "", time=10**18)),
        record(event("GTMS_SIGNED"), mailNo="LP00000000000001"),
        record(event("GTMS_SIGNED"), detailList="none"),
    ],
)
def test_what_cannot_be_read_is_put_aside(wrong: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read_parcel(wrong)


def said(body: Any, status: int = 200) -> Answer:
    """An answer with this body."""
    return Answer(status, {}, orjson.dumps(body))


@pytest.mark.parametrize("place", ["module", "modules", "data"])
def test_a_parcel_is_found_wherever_it_is(place: str) -> None:
    """In a list or by itself, under either of its names."""
    parcel = {"mailNo": NUMBER, "detailList": []}
    assert (
        accept(said({"success": True, place: [parcel]}))
        == accept(said({"success": True, place: parcel}))
        == [parcel]
    )
    assert accept(said({"success": True, place: []})) == accept(said({"success": True})) == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said({"success": False}), Kind.BUSINESS),
        (said({}, 502), Kind.TRANSIENT),
        (said({}, 429), Kind.THROTTLED),
        (Answer(200, {}, b"<html>"), Kind.TRANSIENT),
        (said([]), Kind.DRIFT),
        (said({"module": []}), Kind.DRIFT),
        (said({"success": True, "module": ["none"]}), Kind.DRIFT),
    ],
)
def test_refusals_are_told_apart(answer: Answer, kind: Kind) -> None:
    with pytest.raises(PartnerError) as caught:
        accept(answer)
    assert caught.value.kind is kind


async def test_open_parcels_are_asked_about_many_at_a_time(books: Path) -> None:
    """Of those of AliExpress that Cainiao carries each has its history, all the way that it has come."""
    dataset = dataset_of("cainiao", "parcels")
    [open_] = await subjects_of(dataset)
    async with partner("cainiao", books) as upstream:
        batches = await batches_of(dataset, upstream)
    rows = [read_parcel(record) for batch in batches for record in batch.records]
    assert {row[trackings][0]["shipment_id"] for row in rows} == {each.shipment_id for each in open_}
    assert len(batches) == -(-len(open_) // AT_ONCE) + 1
    milestones = [[event["milestone"] for event in row[tracking_events]] for row in rows]
    assert {each[0] for each in milestones} == {"ANNOUNCED"}
    assert {each[-1] for each in milestones} >= {"IN_TRANSIT", "DELIVERED"}
    assert any("TRANSIT_ARRIVED" in each for each in milestones)
    assert any(event["zone_assumed"] for row in rows for event in row[tracking_events])
    assert any(shipment_numbers in row for row in rows)


async def test_numbers_that_nobody_knows_have_no_history(books: Path) -> None:
    """A stub is nothing: the parcel stays unknown, and is asked about again."""
    async with partner("cainiao", books) as upstream:
        assert await told(upstream, [NUMBER, "LP00000000000000"]) == {}
        asked = [Asked(NUMBER, f"{NUMBER}:2017")]
        batches = [batch async for batch in pull_parcels(upstream, {}, asked)]  # type: ignore[arg-type]
    assert [batch.records for batch in batches] == [[], []]


async def test_a_number_that_was_used_again_is_in_one_batch() -> None:
    """The cursor stands behind a number, so all parcels of it come before, and none comes twice."""
    asked = [Asked(f"LP{number // 2:014d}", f"{number}") for number in range(2 * AT_ONCE - 1)][1:]
    batches = [batch async for batch in pull_parcels(Stumbling(), {}, asked)]  # type: ignore[arg-type]
    assert [batch.cursor.get("after") for batch in batches] == ["LP00000000000050", "LP00000000000099", None]
    told_of = [record["shipment_id"] for batch in batches for record in batch.records]
    assert told_of == [each.shipment_id for each in asked]


@pytest.mark.parametrize("fault", FAULTS)
async def test_faults_of_its_own(books: Path, fault: str) -> None:
    """F46: another parcel's delivery is not this one's. F48: without zones, times are assumed and say so."""
    dataset = dataset_of("cainiao", "parcels")
    misbehaving = Faulty(sandbox(books, {}), FAULTS)
    misbehaving.tell(Fault.told({"fault": fault, "rate": 1}, misbehaving.known))
    async with served(misbehaving) as url, Upstream("cainiao", {"url": url}) as upstream:
        records = [record for batch in await batches_of(dataset, upstream) for record in batch.records]
    if fault == "F46":
        assert records == []
    else:
        assert records
        assert all(row["zone_assumed"] for each in records for row in read_parcel(each)[tracking_events])


class Stumbling:
    """A way to a Cainiao that knows every parcel, but stumbles over some, whoever is asked about beside them."""

    def __init__(self, **over: Answer) -> None:
        self.over = over
        self.calls = 0

    async def read(self, prepare: Any, accept: Any) -> Any:
        """Answer a call."""
        self.calls += 1
        numbers = prepare().query["mailNos"].split(",")
        known = [{"mailNo": each, "detailList": [event("GTMS_SIGNED")]} for each in numbers]
        refused = (answer for number, answer in self.over.items() if number in numbers)
        return accept(next(refused, said({"success": True, "module": known})))


@pytest.mark.parametrize("answer", [said({"success": False}), said({"module": []}), said(["none"])])
async def test_a_number_that_cainiao_stumbles_over_costs_no_other(answer: Answer) -> None:
    """It is found by halves, is put aside for this time, and the pull goes on behind it."""
    asked = [Asked(f"LP{number:014d}", f"LP{number:014d}:2017") for number in range(AT_ONCE + 1)]
    stumbling = Stumbling(**{asked[number].number: answer for number in (0, 33)})
    batches = [batch async for batch in pull_parcels(stumbling, {}, asked)]  # type: ignore[arg-type]
    first, second, last = (batch.records for batch in batches)
    assert (len(first), len(second), last) == (AT_ONCE, 1, [])
    refused = [each for each in first if isinstance(each["parcel"], str)]
    assert [each["number"] for each in refused] == [asked[0].number, asked[33].number]
    for each in first:
        if each in refused:
            with pytest.raises(Unreadable, match="does not tell"):
                read_parcel(each)
        else:
            assert read_parcel(each)[tracking_events]
    assert stumbling.calls <= 6 + 2 * 10


async def test_a_cainiao_that_fails_altogether_is_asked_no_further() -> None:
    """No number is to blame for that; it is for the round to say."""
    down = Stumbling(LP0=said({}, 502))
    with pytest.raises(PartnerError) as caught:
        await told(down, ["LP0", "LP1"])  # type: ignore[arg-type]
    assert (caught.value.kind, down.calls) == (Kind.TRANSIENT, 1)


async def test_no_text_that_may_name_people_is_kept(books: Path) -> None:
    """Neither in rows nor in a record, which is put aside as it is where it cannot be read."""
    courier = "Courier Ivanov, 89161234567"
    parcel = {
        "mailNo": NUMBER,
        "receiver": courier,
        "destCpInfo": {"cpName": "Posti", "phone": courier},
        "detailList": [event("GTMS_DO_DEPART", desc=f"[Tver] {courier}", descTitle=courier)],
    }

    class Telling:
        async def read(self, prepare: Any, accept: Any) -> Any:
            return accept(said({"success": True, "module": [parcel]}))

    found = await told(Telling(), [NUMBER])  # type: ignore[arg-type]
    assert "Ivanov" not in str(found)
    assert found[NUMBER]["detailList"][0]["desc"] == "[Tver]"


async def test_events_are_kept_and_parcels_at_their_end_left_in_peace(books: Path, tmp_path: Path) -> None:
    """A second pull asks about those on their way alone, and doubles nothing."""
    dataset = dataset_of("cainiao", "parcels")
    assert dataset.about is not None
    await subjects_of(dataset)
    migrate(tmp_path / "gateway.db")
    engine = writer(tmp_path / "gateway.db")
    counts = []
    async with partner("cainiao", books) as upstream, engine.connect() as connection:
        for table, row in rows_of_parcels():
            await connection.execute(insert(table).prefix_with("OR REPLACE"), row)
        await connection.commit()
        before = len((await connection.execute(dataset.about)).all())
        await connection.commit()
        for _ in range(2):
            assert (await pull(engine, upstream, "cainiao", dataset)).unreadable == 0
            events = select(func.count()).select_from(tracking_events)
            counts.append((await connection.execute(events)).scalar_one())
            await connection.commit()
        after = len((await connection.execute(dataset.about)).all())
    await engine.dispose()
    assert counts[0] == counts[1] > before > after > 0
