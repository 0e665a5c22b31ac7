"""What carriers say wrongly or not at all of a parcel, and what the gateway makes of it."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import pytest

from connectors.russianpost.operations import milestone
from connectors.russianpost.tracking import AT_ONCE, pull_operations, read_operations
from gateway.connector import Milestone, Unreadable, tracking_events
from gateway.shipments.numbers import NumberFormat, number_format

NUMBER = "RR473124829GB"


def history(barcode: str = NUMBER, at: str = "2017-06-30T03:52:08.000+03:00", *codes: int) -> dict[str, Any]:
    """A parcel with one operation."""
    kind, attribute = codes or (2, 1)
    operation = {
        "ItemParameters": {"Barcode": barcode},
        "OperationParameters": {
            "OperType": {"Id": str(kind)},
            "OperAttr": {"Id": str(attribute)},
            "OperDate": at,
        },
    }
    return {
        "number": NUMBER,
        "shipment_id": f"{NUMBER}:2017",
        "origin": "CN",
        "destination": "RU",
        "history": [operation],
    }


def event(record: dict[str, Any]) -> Any:
    """The one event that is read of it."""
    [found] = read_operations(record)[tracking_events]
    return found


def test_another_parcels_history_is_put_aside() -> None:
    """It says that it was delivered, and nothing of that is this parcel's; an empty history is none."""
    with pytest.raises(Unreadable, match="about another parcel"):
        read_operations(history("RR473124815GB"))
    with pytest.raises(Unreadable, match="not a list of operations"):
        read_operations({**history(), "history": []})
    assert event(history())["milestone"] == "DELIVERED"


class Asked(NamedTuple):
    """A parcel as Russian Post is asked about it."""

    number: str
    shipment_id: str
    origin: str | None = None
    destination: str | None = None


class Knowing:
    """A way to a Russian Post that knows of every parcel."""

    settings: ClassVar = {"login": "l", "password": "p"}

    async def read(self, prepare: Any, accept: Any) -> Any:
        """Answer a call."""
        return [{}]


async def test_a_number_that_was_used_again_is_in_one_batch() -> None:
    """A pull that goes on behind the number has had all parcels of it, and none twice."""
    asked = [Asked(f"{number // 2:014d}", f"{number}") for number in range(1, 2 * AT_ONCE)]
    found, cursor = [], {}
    for _ in range(2):
        batches = pull_operations(Knowing(), cursor, asked)  # type: ignore[arg-type]
        batch = await anext(batches)
        await batches.aclose()  # type: ignore[attr-defined]
        found += [record["shipment_id"] for record in batch.records]
        cursor = dict(batch.cursor)
    assert found == [each.shipment_id for each in asked]


@pytest.mark.parametrize(
    ("codes", "means"),
    [
        ((8, 2), Milestone.AT_PICKUP_POINT),
        ((6, 1), Milestone.AT_PICKUP_POINT),
        ((5, 1), Milestone.DELIVERY_FAILED),
        ((2, 1), Milestone.DELIVERED),
        ((2, 2), Milestone.RETURNED),
        ((99, 1), Milestone.UNKNOWN),
    ],
)
def test_only_delivery_is_delivery(codes: tuple[int, int], means: Milestone) -> None:
    """Tables in the wild take 5 for delivered, and a pick-up point as well."""
    assert milestone(*codes, "RU", "CN", "RU") is means


def test_a_time_without_an_offset_is_marked() -> None:
    """It is taken for Moscow's, and says so; one with its own is kept."""
    own, bare = event(history()), event(history(NUMBER, "2017-06-30T03:52:08"))
    assert own["occurred_at"] == bare["occurred_at"] == "2017-06-30T00:52:08Z"
    assert (own["zone_assumed"], bare["zone_assumed"]) == (0, 1)
    asia = event(history(NUMBER, "2017-06-30T03:52:08+08:00"))
    assert asia["occurred_at"] == "2017-06-29T19:52:08Z"


def test_a_wrong_check_digit_is_told_and_kept() -> None:
    """A published sample has one."""
    assert number_format("LY113628433CN") is NumberFormat.S10_WRONG
    assert number_format("LY113628432CN") is NumberFormat.S10
    assert event({**history("LY113628433CN"), "number": "LY113628433CN"})["milestone"] == "DELIVERED"
