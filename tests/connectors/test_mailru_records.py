"""Pandao's answers and records: errors known for what they are, strings read into what they mean."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.mailru.orders import read_order
from connectors.mailru.pandao import accept
from connectors.mailru.values import flag, kopecks, moment
from gateway.connector import Answer, Kind, PartnerError, Unreadable, orders
from tests.connectors.test_mailru_world import KEYS

ORDER = {
    "order_id": "58669a8007372b2400000003",
    "transaction_id": "58669a80000000072b240000",
    "buyer_id": "5000000007",
    "product_id": "000000000000000000989683",
    "product_name": "Чай",
    "product_category": "TEA",
    "quantity": "2",
    "order_total": "57.4",
    "state": "SHIPPED",
    "tracking_confirmed": "False",
    "order_time": "2017-01-01T08:00:00",
    "last_updated": "2017-01-04T08:00:00",
}


def order(**changed: Any) -> dict[str, Any]:
    return {"Order": {**ORDER, **changed}}


def test_an_order_is_one_order_with_one_line() -> None:
    rows = {target.name: found for target, found in read_order(order()).items()}
    identity = "PandaoOrder:58669a8007372b2400000003"
    money = {"total_minor": 5740, "currency": "RUB"}
    assert rows == {
        "orders": [
            {
                "id": identity,
                "party": "MAILRU",
                "account_id": "MAILRU:5000000007",
                "placed_at": "2017-01-01T08:00:00Z",
                "placed_at_raw": "2017-01-01T08:00:00",
                "modified_at": "2017-01-04T08:00:00Z",
                "status": "SHIPPED",
                "status_raw": "SHIPPED",
                **money,
            }
        ],
        "order_lines": [
            {
                "order_id": identity,
                "line": 1,
                "product_id": ORDER["product_id"],
                "name": "Чай",
                "category": "TEA",
                "quantity": 2,
                **money,
            }
        ],
        "mailru_orders": [{"order_id": identity, "transaction_id": ORDER["transaction_id"]}],
    }


@pytest.mark.parametrize(
    ("state", "confirmed", "status"),
    [
        ("APPROVED", "False", "AWAITING_SHIPMENT"),
        ("SHIPPED", "False", "SHIPPED"),
        ("SHIPPED", "True", "COMPLETED"),
        ("SHIPPED", True, "COMPLETED"),
        ("REFUNDED", "True", "REFUNDED"),
        ("REQUIRE_REVIEW", "False", "ON_HOLD"),
        ("TELEPORTED", "False", "UNKNOWN"),
    ],
)
def test_a_state_becomes_a_status_and_is_kept_as_it_was(state: str, confirmed: Any, status: str) -> None:
    [row] = read_order(order(state=state, tracking_confirmed=confirmed))[orders]
    assert (row["status"], row["status_raw"]) == (status, state)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("order_id", None),
        ("order_id", ""),
        ("buyer_id", 5000000007),
        ("order_total", "57,40"),
        ("order_total", "-57.4"),
        ("order_total", "NaN"),
        ("order_total", "1e999999"),
        ("order_total", "57.405"),
        ("quantity", "2.0"),
        ("quantity", "двое"),
        ("state", 7),
        ("tracking_confirmed", "maybe"),
        ("order_time", "yesterday"),
        ("last_updated", "2017-02-30T00:00:00"),
        ("order_time", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_an_unreadable_order_is_refused_by_field_and_without_its_value(field: str, value: Any) -> None:
    with pytest.raises(Unreadable, match=field) as caught:
        read_order(order(**{field: value}))
    assert value in (None, "") or str(value) not in str(caught.value)


@pytest.mark.parametrize("record", [None, [], "Order", {}, {"Order": []}, {"Product": ORDER}])
def test_a_record_in_another_wrapper_is_refused(record: Any) -> None:
    with pytest.raises(Unreadable):
        read_order(record)


@pytest.mark.parametrize(
    ("written", "minor"),
    [
        ("1.0", 100),
        ("0.29", 29),
        ("1", 100),
        ("0.0", 0),
        ("9999999999999.99", 999999999999999),
        ("2.500", 250),
    ],
)
def test_amounts_are_exact(written: str, minor: int) -> None:
    assert kopecks({"price": written}, "price") == minor == Decimal(written) * 100


@pytest.mark.parametrize(("value", "truth"), [("True", True), ("False", False), (True, True), (False, False)])
def test_truth_comes_as_text_or_as_itself(value: Any, truth: bool) -> None:
    assert flag({"is_combined_order": value}, "is_combined_order") is truth


@pytest.mark.parametrize("value", ["", "0", 0, 1, None, "TRUE "])
def test_nothing_else_is_taken_for_truth(value: Any) -> None:
    with pytest.raises(Unreadable):
        flag({"is_combined_order": value}, "is_combined_order")


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2017-03-01T12:00:00", "2017-03-01T12:00:00Z"),
        ("2017-03-01", "2017-03-01T00:00:00Z"),
        ("2017-03-01T12:00:00+03:00", "2017-03-01T09:00:00Z"),
    ],
)
def test_times_without_a_zone_are_utc(written: str, utc: str) -> None:
    assert moment({"order_time": written}, "order_time") == utc


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"code": 1016, "message": "pandao token?&", "data": null}', Kind.AUTH),
        (200, b'{"code": 2000, "message": "pandao token?&", "data": []}', Kind.BUSINESS),
        (200, b'{"code": 0, "message": "", "data": {"Order": {}}}', Kind.DRIFT),
        (200, b"[]", Kind.DRIFT),
        (200, b"<html>gateway error</html>", Kind.TRANSIENT),
        (503, b"", Kind.TRANSIENT),
        (429, b"", Kind.THROTTLED),
    ],
)
def test_an_error_is_known_whatever_its_status(status: int, body: bytes, kind: Kind) -> None:
    with pytest.raises(PartnerError) as caught:
        accept(Answer(status, {"retry-after": "7"}, body))
    assert caught.value.kind is kind
    assert caught.value.retry_after == (7 if status == 429 else None)
    assert KEYS["access_token"] not in str(caught.value)
