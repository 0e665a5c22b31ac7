"""Orders and members of AliExpress become rows, or are said to be unreadable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from connectors.alibaba.members import read_member
from connectors.alibaba.orders import alibaba_orders, read_order
from gateway.connector import Unreadable, accounts, order_lines, orders, profiles

PRODUCT = {
    "order_id": 9007199254740995,
    "product_id": 23453463456346547,
    "product_name": "Чехол 手机",
    "category_name": "PHONES",
    "product_count": 2,
    "total_product_amount": {"amount": "12.50", "currency_code": "USD"},
}


ORDER = {
    "order_id": 9007199254740993,
    "order_status": "FINISH",
    "buyer_login_id": "0123456789",
    "gmt_create": "2017-07-01 12:00:00",
    "gmt_update": "2017-07-15 12:00:00",
    "logistics_status": "BUYER_ACCEPT_GOODS",
    "pay_amount": {"cent": 1250, "cent_factor": 100, "amount": "12.50", "currency_code": "USD"},
    "product_list": {"order_product_dto": [PRODUCT]},
}


MEMBER = {
    "login_id": "0123456789",
    "full_name": "Anna Ivanova",
    "email": "anna@example.org",
    "mobile_no": "+79001234567",
    "region": "Tula",
    "birth_year": 1980,
    "gmt_register": "2016-01-31 23:30:00",
}


def order(**changed: object) -> dict[str, Any]:
    """An order with some fields changed; None takes a field away."""
    return {name: value for name, value in (ORDER | changed).items() if value is not None}


def order_of(product: Mapping[str, object]) -> dict[str, Any]:
    """An order of this one product."""
    return order(product_list={"order_product_dto": [{**PRODUCT, **product}]})


def test_order() -> None:
    """An order's rows have its ids as text, digit for digit, its money in cents, its times in UTC."""
    rows = read_order(orjson.loads(orjson.dumps(ORDER)))
    id_ = "AlibabaOrder:9007199254740993"
    assert rows[orders] == [
        {
            "id": id_,
            "party": "ALIBABA",
            "account_id": "ALIBABA:0123456789",
            "placed_at": "2017-07-01T19:00:00Z",
            "placed_at_raw": "2017-07-01 12:00:00",
            "modified_at": "2017-07-15T19:00:00Z",
            "status": "COMPLETED",
            "status_raw": "FINISH",
            "total_minor": 1250,
            "currency": "USD",
        }
    ]
    assert rows[order_lines] == [
        {
            "order_id": id_,
            "line": 1,
            "product_id": "23453463456346547",
            "name": "Чехол 手机",
            "category": "PHONES",
            "quantity": 2,
            "total_minor": 1250,
            "currency": "USD",
        }
    ]
    assert rows[alibaba_orders] == [{"order_id": id_, "logistics_status": "BUYER_ACCEPT_GOODS"}]


def test_member() -> None:
    """A member is an account and, apart from it, a profile."""
    rows = read_member(MEMBER)
    assert rows[accounts] == [
        {
            "id": "ALIBABA:0123456789",
            "party": "ALIBABA",
            "member_since": "2016-02-01T07:30:00Z",
            "region": "Tula",
        }
    ]
    assert rows[profiles] == [
        {
            "account_id": "ALIBABA:0123456789",
            "party": "ALIBABA",
            "name": "Anna Ivanova",
            "email": "anna@example.org",
            "phone": "+79001234567",
            "birth_year": 1980,
        }
    ]


def test_member_of_whom_little_is_known() -> None:
    """Only the account's id must be there."""
    rows = read_member({"login_id": "0123456789"})
    assert rows[accounts][0]["member_since"] is None
    assert rows[profiles][0]["phone"] is None


@pytest.mark.parametrize(
    ("status", "end", "expected"),
    [
        ("PLACE_ORDER_SUCCESS", None, "AWAITING_PAYMENT"),
        ("WAIT_SELLER_SEND_GOODS", None, "AWAITING_SHIPMENT"),
        ("SELLER_PART_SEND_GOODS", None, "PARTLY_SHIPPED"),
        ("WAIT_BUYER_ACCEPT_GOODS", None, "SHIPPED"),
        ("FUND_PROCESSING", None, "COMPLETED"),
        ("PAYMENT_PROCESSING", None, "COMPLETED"),
        ("FINISH", "buyer_accept_goods", "COMPLETED"),
        ("FINISH", "cancel_order_close_trade", "CANCELLED"),
        ("FINISH", "refund_order_close_trade", "REFUNDED"),
        ("IN_ISSUE", "cancel_order_close_trade", "DISPUTED"),
        ("RISK_CONTROL", None, "ON_HOLD"),
        ("TELEPORTED", None, "UNKNOWN"),
    ],
)
def test_statuses(status: str, end: str | None, expected: str) -> None:
    """The partner's statuses become the shared words; the raw one stays, also of a status nobody knows."""
    [row] = read_order(order(order_status=status, end_reason=end))[orders]
    assert (row["status"], row["status_raw"]) == (expected, status)


SECRETIVE = "Anna <anna@example.org>"


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(None, id="nothing"),
        pytest.param(SECRETIVE, id="a text"),
        pytest.param(order(order_id=9007199254740993.0), id="an id that went through a double"),
        pytest.param(order(order_id=True), id="a boolean id"),
        pytest.param(order(order_id=-1), id="a negative id"),
        pytest.param(order(order_id=SECRETIVE), id="a text for an id"),
        pytest.param(order(order_id=None), id="no id"),
        pytest.param(order(order_status=None), id="no status"),
        pytest.param(order(order_status=[SECRETIVE]), id="a list for a status"),
        pytest.param(order(buyer_login_id=None), id="no buyer"),
        pytest.param(order(buyer_login_id=123456789), id="a number for a buyer"),
        pytest.param(order(gmt_create=SECRETIVE), id="a time that is none"),
        pytest.param(order(gmt_create="2017-02-30 12:00:00"), id="a day that is none"),
        pytest.param(order(gmt_create="2017-02-03"), id="a day without a time"),
        pytest.param(order(gmt_create=1488369600), id="a number for a time"),
        pytest.param(order(gmt_update="2017-02-03 10+00:00"), id="an offset"),
        pytest.param(order(pay_amount=None), id="no amount"),
        pytest.param(order(pay_amount=SECRETIVE), id="a text for an amount"),
        pytest.param(order(logistics_status=7), id="a number for a text"),
        pytest.param(order(product_list=SECRETIVE), id="a text for a list"),
        pytest.param(order(product_list={"order_product_dto": [SECRETIVE]}), id="a text for a product"),
        pytest.param(order_of({"product_id": "23453463456346547x"}), id="a product's id"),
        pytest.param(order_of({"product_count": 1.5}), id="half a product"),
        pytest.param(order_of({"product_name": ""}), id="a product without a name"),
        pytest.param(
            order_of({"total_product_amount": {"amount": SECRETIVE, "currency_code": "USD"}}), id="no sum"
        ),
    ],
)
def test_unreadable_orders(record: object) -> None:
    """What cannot be read is said to be so by the field, without a word of what it held."""
    with pytest.raises(Unreadable) as caught:
        read_order(record)
    reason = str(caught.value)
    assert reason
    assert not any(value in reason for value in ("Anna", "anna", "9007199254740993", "2017", "14883"))


@pytest.mark.parametrize(
    "record",
    [[], {}, MEMBER | {"login_id": 5}, MEMBER | {"birth_year": "MCM"}, MEMBER | {"gmt_register": SECRETIVE}],
)
def test_unreadable_members(record: object) -> None:
    """The same holds for members."""
    with pytest.raises(Unreadable) as caught:
        read_member(record)
    assert "nna" not in str(caught.value)
