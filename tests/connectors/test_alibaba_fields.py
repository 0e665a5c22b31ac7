"""Times, money and lists of AliExpress are read exactly, or said to be unreadable."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from connectors.alibaba.fields import listed, money
from connectors.alibaba.pacific import moment, unambiguous, wall
from gateway.connector import Amount, Unreadable


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        pytest.param("2017-07-01 12:00:00", "2017-07-01T19:00:00", id="summer"),
        pytest.param("2017-12-01 12:00:00", "2017-12-01T20:00:00", id="winter"),
        pytest.param("2017-12-01 12:00", "2017-12-01T20:00:00", id="without seconds"),
        pytest.param("2017-03-12 01:59:59", "2017-03-12T09:59:59", id="before the lost hour"),
        pytest.param("2017-03-12 03:00:00", "2017-03-12T10:00:00", id="after the lost hour"),
        pytest.param("2017-11-05 00:59:59", "2017-11-05T07:59:59", id="before the repeated hour"),
        pytest.param(
            "2017-11-05 01:30:00", "2017-11-05T08:30:00", id="in the repeated hour, taken as the first"
        ),
        pytest.param("2017-11-05 02:00:00", "2017-11-05T10:00:00", id="after the repeated hour"),
    ],
)
def test_pacific_times(text: str, utc: str) -> None:
    """Wall times of the US Pacific become UTC by the tz database."""
    assert moment(text, "gmt_create") == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize("hour", [8, 9])
@pytest.mark.parametrize("minute", [0, 30, 59])
def test_bounds_avoid_the_repeated_hour(hour: int, minute: int) -> None:
    """A bound in either of the two moves to before both, where wall time and moment agree."""
    asked = datetime(2017, 11, 5, hour, minute, tzinfo=UTC)
    found = unambiguous(asked)
    assert found < datetime(2017, 11, 5, 8, tzinfo=UTC)
    assert moment(wall(found), "bound") == found


def test_bounds_elsewhere_stay() -> None:
    """Any other moment is a bound as it is."""
    for month in range(1, 13):
        asked = datetime(2017, month, 5, 12, 30, tzinfo=UTC)
        assert unambiguous(asked) == asked == moment(wall(asked), "bound")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"amount": "1.01", "currency_code": "USD"}, (101, "USD"), id="text"),
        pytest.param({"amount": "7", "currency_code": "RUB"}, (700, "RUB"), id="text without decimals"),
        pytest.param({"amount_str": "0.10", "currency_code": "USD"}, (10, "USD"), id="the other spelling"),
        pytest.param(
            {"cent": 333100, "cent_factor": 100, "currency_code": "USD"}, (333100, "USD"), id="cents"
        ),
        pytest.param(
            {"cent": 12345, "cent_factor": 1000, "amount": "12.345", "currency_code": "KWD"},
            None,
            id="finer than a hundredth",
        ),
        pytest.param({"cent": 500, "cent_factor": 1, "currency_code": "JPY"}, (50000, "JPY"), id="factor 1"),
        pytest.param({"cent": 1, "cent_factor": 0, "currency_code": "USD"}, None, id="factor 0"),
        pytest.param({"amount": "1.005", "currency_code": "USD"}, None, id="a fraction of a cent"),
        pytest.param({"amount": 1.01, "currency_code": "USD"}, None, id="a float"),
        pytest.param({"amount": "1e3", "currency_code": "USD"}, None, id="an exponent"),
        pytest.param({"amount": "-1.00", "currency_code": "USD"}, None, id="less than nothing"),
        pytest.param({"amount": "NaN", "currency_code": "USD"}, None, id="not a number"),
        pytest.param({"amount": "1.00", "currency_code": "USD;RUB"}, None, id="two currencies"),
        pytest.param({"currency_code": "USD"}, None, id="nothing"),
        pytest.param("USD 5.5", None, id="prefixed text"),
    ],
)
def test_money(value: object, expected: tuple[int, str] | None) -> None:
    """Money is exact in hundredths, or unreadable; it is never rounded."""
    if expected is None:
        with pytest.raises(Unreadable):
            money({"pay_amount": value}, "pay_amount")
    else:
        assert money({"pay_amount": value}, "pay_amount") == Amount(*expected)


def test_cents_win_over_a_stale_amount(caplog: pytest.LogCaptureFixture) -> None:
    """Where amount and cent differ the cents stand, and the log says so without either."""
    value = {"amount": "0", "cent": 333100, "cent_factor": 100, "currency_code": "USD"}
    with caplog.at_level(logging.WARNING):
        assert money({"pay_amount": value}, "pay_amount") == Amount(333100, "USD")
    assert "pay_amount" in caplog.text
    assert "333100" not in caplog.text


@pytest.mark.parametrize("value", [{"order_dto": [{"a": 1}]}, [{"a": 1}], {"a": 1}, {"order_dto": {"a": 1}}])
def test_list_wrappers(value: object) -> None:
    """A list of one is the same list in whatever way the partner wraps it."""
    assert listed(value, "order_dto") == [{"a": 1}]


@pytest.mark.parametrize("value", [None, {}, [], {"order_dto": []}, {"order_dto": None}])
def test_empty_lists(value: object) -> None:
    """An empty list is empty, and so is an absent one."""
    assert listed(value, "order_dto") == []
