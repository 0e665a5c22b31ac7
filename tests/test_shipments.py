"""Shipments: numbers, what events come to, customs by date, EPCIS; who sees them, tests/test_access.py has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import update

from gateway.shipments.customs import Duty, _judged
from gateway.shipments.epcis import STEPS
from gateway.shipments.limits import LIMITS, limit_on
from gateway.shipments.milestones import Carrier, Milestone
from gateway.shipments.numbers import NumberFormat, check_digit, number_format, s10_number
from gateway.shipments.parcels import open_parcels, shipment_id, shipments, tracking_number
from tests.conftest import Gateway, start
from tests.epcis.schema import faults
from tests.world import event, parcel, small_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

SENT = datetime(2017, 12, 20, tzinfo=UTC)


def told(row: dict[str, Any], *events: tuple[str, str, int], **of_shipment: Any) -> list[tuple[Any, Any]]:
    """An order's parcel of which these events are told: milestone, country, and whether the zone was assumed."""
    *head, _, _, _, _ = parcel(row, "")
    rows = [(table, dict(values)) for table, values in head]
    unknown = dict.fromkeys(("value_minor", "currency", "weight_grams"))
    rows[0][1].update(unknown | {"shipped_at": "2017-12-20T00:00:00Z"} | of_shipment)
    tracking = rows[-1][1]
    events_table = parcel(row, "")[-1][0]
    for number, (milestone, country, assumed) in enumerate(events, 1):
        at = SENT + timedelta(days=number)
        values = event(tracking, number, milestone, at, "Town", country) | {"zone_assumed": assumed}
        rows.append((events_table, values))
    return rows


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway with parcels of five orders of Alibaba's."""
    world = {table: list(rows) for table, rows in small_world().items()}
    [orders] = [rows for table, rows in world.items() if table.name == "orders"]
    mine = [row for row in orders if row["party"] == "ALIBABA"]
    signed = [("ACCEPTED", "CN", 0), ("AT_PICKUP_POINT", "RU", 1), ("UNKNOWN", "RU", 0)]
    through = [
        *(("ACCEPTED", "CN", 0), ("EXPORTED", "CN", 0), ("TRANSIT_ARRIVED", "RU", 0)),
        *(("TRANSIT_DEPARTED", "RU", 0), ("IMPORTED", "DE", 0)),
    ]
    packed = [
        *told(mine[0], *signed, tracking_number="LY113628433CN"),
        *told(mine[1], ("DELIVERED", "RU", 0), value_minor=100_001, currency="EUR", weight_grams=500),
        *told(mine[2], *through, destination="DE"),
        *told(mine[3], weight_grams=31_001),
        *told(mine[4], ("RETURNING", "RU", 0), value_minor=100, currency="USD", weight_grams=1),
    ]
    for table, row in packed:
        world.setdefault(table, []).append(row)
    async for each in start(tmp_path_factory.mktemp("shipments"), world):
        yield each


async def ask(gateway: Gateway, order: int, selection: str) -> Any:
    """What is told of the parcel of one of the orders."""
    document = """query($n: Int!) { clients(first: 100) { nodes { alibaba { orders(first: $n) { nodes {
        id shipments { %s } } } } } } }"""
    answer = await gateway.ask(document % selection, "ALIBABA", variables={"n": 2})
    assert "errors" not in answer
    found = {
        each["id"]: each["shipments"][0]
        for client in answer["data"]["clients"]["nodes"]
        if client["alibaba"]
        for each in client["alibaba"]["orders"]["nodes"]
        if each["shipments"]
    }
    ids = [
        "AlibabaOrder:1011",
        "AlibabaOrder:1012",
        "AlibabaOrder:2021",
        "AlibabaOrder:2022",
        "AlibabaOrder:4041",
    ]
    return found[ids[order]]


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("RR473124829GB", NumberFormat.S10),
        ("RR000000005CN", NumberFormat.S10),
        ("RR000000080CN", NumberFormat.S10),
        ("LY113628433CN", NumberFormat.S10_WRONG),
        ("LY113628432CN", NumberFormat.S10),
        ("RR4731248[9GB", NumberFormat.OTHER),
        ("12345678901234", NumberFormat.RUSSIAN_POST),
        ("LP00123456789012", NumberFormat.OTHER),
        ("RR４73124829GB", NumberFormat.OTHER),
    ],
)
async def test_a_number_is_told_by_its_check_digit(number: str, kind: NumberFormat) -> None:
    """UPU's weights 8 6 4 2 3 5 9 7; the edges at which the digit would be 10 and 11; and F49's patterns."""
    assert number_format(number) is kind


async def test_numbers_that_are_made_are_right_and_of_one_form() -> None:
    """Blanks, dashes and small letters do not count; a number used again in another year is another parcel."""
    for value in (0, 7, 31_198_459_044, 10_399_999_999):
        assert number_format(s10_number(value, "CN")) is NumberFormat.S10
    assert check_digit("47312482") == 9
    assert tracking_number(" rr 4731-24829 gb\n") == "RR473124829GB"
    assert shipment_id("rr1", SENT) == "RR1:2017" != shipment_id("RR1", SENT + timedelta(days=30))


async def test_signed_at_a_pick_up_point_is_not_delivered_and_an_unknown_code_counts_for_nothing(
    gateway: Gateway,
) -> None:
    """F47, F48 and F49 at once: what is doubtful is told beside what is known."""
    selection = (
        "numberFormat progress { milestone reachedAt deliveredAt } warnings events { carrier zoneAssumed }"
    )
    found = await ask(gateway, 0, selection)
    assert found["progress"] == {
        "milestone": "AT_PICKUP_POINT",
        "reachedAt": "2017-12-22T00:00:00Z",
        "deliveredAt": None,
    }
    assert found["warnings"] == ["WRONG_CHECK_DIGIT", "ZONE_ASSUMED", "UNKNOWN_CODE"]
    assert found["numberFormat"] == "S10_WRONG"
    assert [each["zoneAssumed"] for each in found["events"]] == [False, True, False]
    assert {each["carrier"] for each in found["events"]} == {"RUSSIAN_POST"}


async def test_a_parcel_of_which_nothing_is_told_is_unknown(gateway: Gateway) -> None:
    """F46: an empty answer is no delivery."""
    found = await ask(gateway, 3, "progress { milestone deliveredAt } events { code } epcis")
    assert found["progress"] == {"milestone": "UNKNOWN", "deliveredAt": None}
    assert (found["events"], found["epcis"]["epcisBody"]) == ([], {"eventList": []})


@pytest.mark.parametrize(
    ("order", "duty", "reason"),
    [
        (1, "DUE", "It is worth more than 1000 EUR."),
        (2, None, None),
        (3, "DUE", "It weighs more than 31 kg."),
        (4, "UNKNOWN", "Its price is in USD, and there is no rate to euros that day that you may read."),
    ],
)
async def test_customs_say_whether_duty_is_due_and_by_which_act(
    gateway: Gateway, order: int, duty: str | None, reason: str | None
) -> None:
    """By the limit of 2017; of a parcel to Germany the union has nothing to say."""
    selection = (
        "customs { duty reason enteredOn limit { value { minor currency } grams per percent source } }"
    )
    found = (await ask(gateway, order, selection))["customs"]
    assert (found and found["duty"], found and found["reason"]) == (duty, reason)
    if found:
        assert found["limit"]["value"] == {"minor": 100_000, "currency": "EUR"}
        assert (found["limit"]["grams"], found["limit"]["per"], found["limit"]["percent"]) == (
            31_000,
            "MONTH",
            30,
        )


@pytest.mark.parametrize(
    ("day", "euros", "per"),
    [
        ("2018-12-31", 1000, "MONTH"), ("2019-01-01", 500, "MONTH"), ("2019-12-31", 500, "MONTH"),
        ("2020-01-01", 200, "PARCEL"), ("2022-03-30", 200, "PARCEL"), ("2022-03-31", 1000, "PARCEL"),
        ("2024-03-31", 1000, "PARCEL"), ("2024-04-01", 200, "PARCEL"), ("2030-01-01", 200, "PARCEL"),
    ],
)  # fmt: skip
async def test_limits_hold_to_the_day(day: str, euros: int, per: str) -> None:
    """500 euros a month in 2019, 200 a parcel from 2020 on, 1,000 for two years from spring 2022 on."""
    found = limit_on(date.fromisoformat(day))
    assert found is not None
    assert (found.euro_cents, found.per.name, found.grams) == (euros * 100, per, 31_000)


async def test_limits_follow_each_other_without_gaps() -> None:
    """And before the first nothing is known."""
    assert all(one.until == other.since - timedelta(days=1) for one, other in pairwise(LIMITS))
    assert limit_on(LIMITS[0].since - timedelta(days=1)) is None


@pytest.mark.parametrize(
    ("cents", "grams", "duty"),
    [(20_000, 31_000, Duty.FREE), (20_001, 1, Duty.DUE), (1, 31_001, Duty.DUE), (None, 31_001, Duty.DUE),
     (None, 1, Duty.UNKNOWN), (1, None, Duty.UNKNOWN)],
)  # fmt: skip
async def test_value_and_weight_count_both(cents: int | None, grams: int | None, duty: Duty) -> None:
    """Up to the limit it is free; without one of the two nobody can say so."""
    limit = limit_on(date(2020, 6, 1))
    assert limit is not None
    assert _judged(limit, cents, grams)[0] is duty


async def test_a_way_through_russia_is_a_corridor_of_its_own(gateway: Gateway) -> None:
    """With the legs that it has behind it, each a day."""
    answer = await gateway.ask(
        '{ corridors(shippedAfter: "2017-12-01T00:00:00Z") {'
        " route volume legs { leg volume median percentile90 } } }",
        "ALIBABA",
    )
    assert "errors" not in answer
    found = {each["route"]: each for each in answer["data"]["corridors"]}
    assert found["CHINA_RUSSIA"]["volume"] == 4
    assert found["CHINA_RUSSIA_EUROPE"]["legs"] == [
        {"leg": leg, "volume": 1, "median": 1.0, "percentile90": 1.0}
        for leg in ("FIRST_MILE", "LINE_HAUL", "TRANSIT", "ONWARD")
    ]


async def test_events_go_out_as_epcis(gateway: Gateway) -> None:
    """Their ids are the same each time, so that who captures a document again keeps each event once."""
    first, again = [(await ask(gateway, 2, "epcis"))["epcis"] for _ in range(2)]
    assert first["epcisBody"] == again["epcisBody"]
    assert faults(first) == []
    events = first["epcisBody"]["eventList"]
    assert [each["bizStep"] for each in events] == [
        "accepting",
        "departing",
        "arriving",
        "departing",
        "arriving",
    ]
    assert len({each["eventID"] for each in events}) == 5
    assert events[0] | {"eventID": ""} == {
        "type": "ObjectEvent",
        "eventID": "",
        "eventTime": "2017-12-21T00:00:00Z",
        "eventTimeZoneOffset": "+03:00",
        "epcList": ["urn:silk-road:parcel:2021.ALIBABA"],
        "action": "OBSERVE",
        "bizStep": "accepting",
        "disposition": "in_progress",
        "bizTransactionList": [{"type": "po", "bizTransaction": "urn:silk-road:order:AlibabaOrder%3A2021"}],
        "readPoint": {"id": "urn:silk-road:place:CN:Town"},
    }


async def test_each_milestone_has_its_words_in_cbv() -> None:
    """So that no event makes a document fail."""
    assert STEPS.keys() == {each.name for each in Milestone}


async def test_a_parcel_from_the_future_ends_the_time_of_no_other(gateway: Gateway) -> None:
    """How long parcels are asked about is counted from the newest one, and one may have a time that cannot be."""
    async with gateway.writing() as connection:
        asked = open_parcels(Carrier.RUSSIAN_POST)
        before = (await connection.execute(asked)).all()
        wrong = shipments.c.id == before[0].shipment_id
        await connection.execute(update(shipments).where(wrong).values(shipped_at="2100-01-01T00:00:00Z"))
        assert (await connection.execute(asked)).all() == before
        await connection.rollback()
    assert len(before) > 1
