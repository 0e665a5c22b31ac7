"""AliExpress in the graph and in the base: who sees which account, and that pulling again changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.alibaba import connector
from connectors.alibaba.orders import alibaba_orders
from connectors.alibaba.sandbox import sandbox
from gateway.clients.accounts import accounts
from gateway.clients.orders import order_lines, orders
from gateway.connector import Upstream
from gateway.store.database import migrate, writer
from gateway.sync.pull import pull
from tests.conftest import Gateway, start
from tests.connectors.test_alibaba_world import SETTINGS, Books, books, served
from tests.world import ADA, BORIS, DINA, order, small_world

__all__ = ["books"]

CLIENTS = """{ clients(first: 10) { nodes { orders(party: ALIBABA) { totalCount } alibaba {
    memberSince lifetimeValue { minor currency }
    orders(first: 5) { totalCount nodes { id statusRaw ... on AlibabaOrder { logisticsStatus } } }
} } } }"""


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    """The small world, where Dina also cancelled an order, and parcels are on their way."""
    world = small_world()
    cancelled = order("ALIBABA", "4049", "DINA", DINA, "2017-09-01T00:00:00Z", 777, status="CANCELLED")
    placed = [*world[orders], cancelled]
    parcels = [
        {"order_id": row["id"], "logistics_status": "SELLER_SEND_GOODS"}
        for row in placed
        if row["party"] == "ALIBABA" and row is not cancelled
    ]
    async for each in start(tmp_path, {**world, orders: placed, alibaba_orders: parcels}):
        yield each


def by_client(answer: Any) -> dict[str, Any]:
    """The accounts in an answer by the client in their first order's id."""
    found = [node["alibaba"] for node in answer["data"]["clients"]["nodes"] if node["alibaba"]]
    return {
        account["orders"]["nodes"][0]["id"].removeprefix("AlibabaOrder:")[:3]: account for account in found
    }


async def test_its_own_party_sees_all_accounts(gateway: Gateway) -> None:
    """ALIBABA sees each of its accounts; what was cancelled is listed and not counted as paid."""
    answer = await gateway.ask(CLIENTS, "ALIBABA")
    assert "errors" not in answer
    found = by_client(answer)
    assert found.keys() == {str(ADA), str(BORIS), str(DINA)}
    assert found[str(DINA)]["orders"]["totalCount"] == 3
    assert found[str(DINA)]["orders"]["nodes"][0]["logisticsStatus"] is None
    assert found[str(ADA)] == {
        "memberSince": "2016-05-01T00:00:00Z",
        "lifetimeValue": {"minor": 2000, "currency": "USD"},
        "orders": {
            "totalCount": 2,
            "nodes": [
                {
                    "id": f"AlibabaOrder:{ADA}{n}",
                    "statusRaw": "FINISH",
                    "logisticsStatus": "SELLER_SEND_GOODS",
                }
                for n in (2, 1)
            ],
        },
    }
    assert found[str(DINA)]["lifetimeValue"]["minor"] == 2000


async def test_another_party_sees_those_who_consented(gateway: Gateway) -> None:
    """MAILRU sees Ada's account, who said yes; of Boris not even that he has one."""
    answer = await gateway.ask(CLIENTS, "MAILRU")
    assert by_client(answer).keys() == {str(ADA)}
    assert sum(node["orders"]["totalCount"] for node in answer["data"]["clients"]["nodes"]) == 2


async def test_nothing_without_the_scope(gateway: Gateway) -> None:
    """Without `alibaba:read` the account is null, and the error says what is missing."""
    answer = await gateway.ask(
        "{ clients { nodes { region alibaba { memberSince } } } }", scopes="clients:read"
    )
    assert {node["alibaba"] for node in answer["data"]["clients"]["nodes"]} == {None}
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHORIZED_FIELD_OR_TYPE"
    assert "alibaba:read" in str(answer["errors"][0]["extensions"])


TABLES = (accounts, orders, order_lines, alibaba_orders)


async def contents(engine: AsyncEngine) -> list[Any]:
    """All that a pull wrote."""
    async with engine.connect() as connection:
        return [(await connection.execute(select(each).order_by(*each.primary_key))).all() for each in TABLES]


async def test_pulled_into_the_base_twice(books: Path, tmp_path: Path) -> None:
    """The migration makes the connector's table, every record is readable, and pulling all again changes nothing."""
    migrate(tmp_path / "gateway.db")
    (tmp_path / "gateway.db").touch()
    engine = writer(tmp_path / "gateway.db")
    with served(sandbox(books, SETTINGS)) as address:
        async with Upstream("alibaba", {"url": address, **SETTINGS}) as upstream:
            for dataset in connector.datasets:
                assert (await pull(engine, upstream, "alibaba", dataset)).unreadable == 0
            before = await contents(engine)
            async with engine.begin() as connection:
                await connection.execute(text("DELETE FROM sync_cursors"))
            for dataset in connector.datasets:
                # What was confirmed does not come again.
                again = (await pull(engine, upstream, "alibaba", dataset)).records
                assert again > 0 or dataset.name == "messages"
    assert await contents(engine) == before
    async with engine.connect() as connection:
        lines = await connection.scalar(select(func.count()).select_from(order_lines))
    await engine.dispose()
    assert lines == sum(len(purchase.lines) for purchase in Books().purchases("ALIBABA"))
    assert [len(rows) for rows in before] == [70, 332, lines, 332]
