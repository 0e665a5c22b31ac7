"""What the partner does wrong, over a real socket: bans, odd answers, answers that mean nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.alibaba.orders import order_list, read_order
from connectors.alibaba.sandbox import sandbox
from gateway.connector import Kind, PartnerError, Upstream, order_lines, orders
from tests.connectors.test_alibaba_pull import NARROW, ORDERS, address, ids, pulled
from tests.connectors.test_alibaba_world import SETTINGS, books, reached, served

__all__ = ["address", "books"]


class Throttling:
    """The partner's gateway in a bad mood: its third call is banned for a second, and all within it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.calls = 0
        self.bans = 0
        self.free = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse as the partner does, also whoever does not wait; let the others through."""
        self.calls += 1
        if self.calls == 3:
            self.free = time.monotonic() + 1
        if time.monotonic() >= self.free:
            await self.app(scope, receive, send)
            return
        self.bans += 1
        message = "Api access frequency exceeds the limit. this ban will last 1 seconds"
        body = orjson.dumps({"error_response": {"type": "ISP", "code": "ApiCallLimit", "msg": message}})
        await Response(body)(scope, receive, send)


class Bent:
    """The sandbox with its results bent as the partner's are said to be at times."""

    def __init__(self, app: ASGIApp, bend: Callable[[dict[str, Any]], object]) -> None:
        self.app = app
        self.bend = bend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, but for the result."""
        parts: list[bytes] = []

        async def collect(message: Message) -> None:
            parts.append(message.get("body", b""))

        await self.app(scope, receive, collect)
        [(root, body)] = orjson.loads(b"".join(parts)).items()
        bent = {root: {**body, "result": self.bend(body["result"])}}
        await Response(orjson.dumps(bent))(scope, receive, send)


def with_ones_bare(result: dict[str, Any]) -> dict[str, Any]:
    """Lists of one as a bare object, of orders and of products."""
    records = result.get("target_list", {}).get("order_dto", [])
    for record in records:
        if len(products := record["product_list"]["order_product_dto"]) == 1:
            record["product_list"] = products[0]
    return result | ({"target_list": records[0]} if len(records) == 1 else {"target_list": records})


@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(lambda result: result | {"total_count": 0}, id="a total that counts nothing"),
        pytest.param(
            lambda result: result | {"total_count": str(result["total_count"])}, id="a total as text"
        ),
        pytest.param(lambda result: result | {"error_code": 24000011}, id="an error code beside success"),
        pytest.param(lambda result: result | {"success": "true"}, id="success as text"),
        pytest.param(with_ones_bare, id="other wrappers"),
    ],
)
async def test_odd_answers(books: Path, bend: Callable[[dict[str, Any]], object]) -> None:
    """What is odd but means something is understood."""
    with served(Bent(sandbox(books, SETTINGS), bend)) as address:
        async with reached(address) as upstream:
            found = [read_order(r) for b in await pulled(NARROW, upstream, {}) for r in b.records]
    assert len({row["id"] for rows in found for row in rows[orders]}) == ORDERS
    assert all(rows[order_lines] for rows in found)


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        pytest.param(None, Kind.DRIFT, id="no result"),
        pytest.param({"target_list": "N/A"}, Kind.DRIFT, id="a word for a list"),
        pytest.param({"total_count": "many"}, Kind.DRIFT, id="a word for a total"),
        pytest.param({"success": False, "error_code": "24000011"}, Kind.BUSINESS, id="no success"),
    ],
)
async def test_answers_that_mean_nothing(books: Path, result: object, kind: Kind) -> None:
    """What makes no sense ends the pull with its reason."""
    with served(Bent(sandbox(books, SETTINGS), lambda _: result)) as address:
        async with reached(address) as upstream:
            with pytest.raises(PartnerError) as caught:
                await pulled(order_list, upstream, {})
    assert caught.value.kind is kind


async def test_the_last_page_again(books: Path) -> None:
    """A partner that gives a full last page for any number beyond it as well is not asked for ever."""
    last = {"success": True, "total_count": 50, "target_list": [{"order_id": n} for n in range(50)]}
    with served(Bent(sandbox(books, SETTINGS), lambda _: last)) as address:
        async with reached(address) as upstream:
            found = ids(await pulled(order_list, upstream, {}))
    assert set(found) == set(range(50))


async def test_throttling_is_waited_for(books: Path) -> None:
    """A ban is waited for as long as its text says, once, and costs no order."""
    gateway = Throttling(sandbox(books, SETTINGS))
    with served(gateway) as address:
        async with reached(address) as upstream:
            assert len(ids(await pulled(order_list, upstream, {}))) == ORDERS
    assert gateway.bans == 1


async def test_a_wrong_secret_is_said_at_once(address: str) -> None:
    """What the operator must mend is not tried again, and the message holds no secret."""
    settings = {"url": address, **SETTINGS, "app_secret": "wrong-secret", "access_token": "hidden-token"}
    async with Upstream("alibaba", settings) as upstream:
        with pytest.raises(PartnerError) as caught:
            await pulled(order_list, upstream, {})
    assert caught.value.kind is Kind.AUTH
    assert "wrong-secret" not in caught.value.message
    assert "hidden-token" not in caught.value.message
