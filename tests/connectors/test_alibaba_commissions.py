"""Affiliate orders: pulled by a cursor, read strictly, and seen with their order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.alibaba.commissions import (
    METHOD,
    STATUSES,
    _judge,
    alibaba_commissions,
    dataset,
    read_commission,
)
from connectors.alibaba.sandbox import sandbox
from gateway.clients.orders import orders
from gateway.connector import Kind, PartnerError, Unreadable, Upstream
from tests.conftest import start
from tests.connectors.test_alibaba_live import known
from tests.connectors.test_alibaba_world import SETTINGS, books, served
from tests.world import commission, small_world

__all__ = ["books"]


@pytest.fixture(scope="module")
def address(books: Path) -> Iterator[str]:
    """The partner at a socket."""
    with served(sandbox(books, SETTINGS)) as found:
        yield found


@pytest.fixture
async def upstream(address: str) -> AsyncIterator[Upstream]:
    """The way to the partner."""
    async with Upstream("alibaba", {**SETTINGS, "url": address}) as found:
        yield found


async def test_all_statuses_are_swept_by_cursor(upstream: Upstream, books: Path) -> None:
    """Every affiliate order comes once; from the last cursor on there is nothing more, and ids are exact."""
    batches = [each async for each in dataset.pull(upstream, {})]
    rows = [read_commission(record)[alibaba_commissions][0] for each in batches for record in each.records]
    expected = known(books, "SELECT order_id, status FROM affiliate_orders")
    assert len(rows) == len({row["id"] for row in rows}) == len(expected) > 0
    assert {(row["order_id"], row["status_raw"]) for row in rows} == {
        (f"AlibabaOrder:{order}", status) for order, status in expected
    }
    assert all(row["commission_minor"] == row["paid_minor"] * 7 // 100 for row in rows)
    again = [each async for each in dataset.pull(upstream, batches[-1].cursor)]
    assert [list(each.records) for each in again] == [[]]
    assert again[-1].cursor == batches[-1].cursor
    assert set(again[-1].cursor) <= set(STATUSES)


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        ({"resp_code": 401, "resp_msg": "This publisher is not registered"}, Kind.AUTH),
        ({"resp_code": 404, "resp_msg": "System Error"}, Kind.TRANSIENT),
        ({"resp_code": "402", "resp_msg": "Invalid parameter"}, Kind.BUSINESS),
        ("N/A", Kind.DRIFT),
    ],
)
def test_an_error_within_a_success(result: Any, kind: Kind) -> None:
    """F13: the method's own code decides, by what it means."""
    with pytest.raises(PartnerError) as caught:
        _judge({"resp_result": result})
    assert caught.value.kind is kind
    assert METHOD in caught.value.message


GOOD = {
    "order_id": 1,
    "sub_order_id": 2,
    "product_id": 3,
    "order_status": "Payment Completed",
    "commission_rate": "7.5%",
    "paid_amount": 333100,
    "estimated_paid_commission": "24982",
    "settled_currency": "USD",
    "created_time": "2017-03-01 12:00:00",
}


@pytest.mark.parametrize(
    ("changed", "column", "value"),
    [
        ({}, "rate_bp", 750),
        ({}, "commission_minor", 24982),
        ({"commission_rate": "90%"}, "rate_bp", 9000),
        ({"order_status": "Under Review"}, "status", "UNKNOWN"),
        ({"estimated_finished_commission": 0}, "commission_minor", 0),
        ({"estimated_paid_commission": None}, "commission_minor", None),
        ({"effect_detail_status": "FullRefund"}, "effect", "FullRefund"),
    ],
)
def test_what_is_read(changed: dict[str, object], column: str, value: object) -> None:
    """Rates with and without decimals, cents as numbers and as text, statuses nobody has heard of, zero commissions."""
    [row] = read_commission(GOOD | changed)[alibaba_commissions]
    assert row[column] == value


@pytest.mark.parametrize(
    "changed",
    [{"commission_rate": "0.07"}, {"paid_amount": 1.5}, {"settled_currency": "US"}, {"sub_order_id": 2e16}],
)
def test_what_is_not_read(changed: dict[str, object]) -> None:
    """What is not as agreed is refused, and not guessed."""
    with pytest.raises(Unreadable):
        read_commission(GOOD | changed)


COMMISSIONS = """{ clients(first: 10) { nodes { orders(party: ALIBABA, first: 10) { nodes { id ... on AlibabaOrder {
    commissions { status statusRaw rate paid { minor } commission { minor currency } newBuyer } } } } } } }"""


async def test_seen_with_the_order(tmp_path: Path) -> None:
    """Whoever sees an order sees what was earned on it: Mail.ru of Ada's, who said yes, and no other."""
    world = small_world()
    rows = [commission(each) for each in world[orders] if each["party"] == "ALIBABA"]
    async for gateway in start(tmp_path, {**world, alibaba_commissions: rows}):
        seen = {}
        for party in ("ALIBABA", "MAILRU"):
            answer = await gateway.ask(COMMISSIONS, party)
            assert "errors" not in answer
            seen[party] = [
                order for client in answer["data"]["clients"]["nodes"] for order in client["orders"]["nodes"]
            ]
    assert (len(seen["ALIBABA"]), len(seen["MAILRU"])) == (len(rows), 2)
    [found] = seen["MAILRU"][0]["commissions"]
    assert found == {
        "status": "PAID",
        "statusRaw": "Payment Completed",
        "rate": "7.00",
        "paid": {"minor": 1000},
        "commission": {"minor": 70, "currency": "USD"},
        "newBuyer": True,
    }
