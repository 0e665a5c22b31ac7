"""AliExpress asked while a caller waits: parcels, details and variants, over a real gateway and a real socket."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.alibaba.products import alibaba_products
from connectors.alibaba.sandbox import sandbox
from connectors.alibaba.sandbox.furnishing import FILE
from gateway.clients.orders import orders
from tests.conftest import Gateway, start
from tests.connectors.test_alibaba_world import SETTINGS, books, served
from tests.world import ADA, BORIS, order, product, small_world

__all__ = ["books"]

SCOPES = "clients:read clients:pii alibaba:read alibaba:products"


class Counted:
    """The partner, with the methods it was asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note what the query names."""
        query = dict(pair.split("=") for pair in scope["query_string"].decode().split("&") if "=" in pair)
        self.asked.append(str(query.get("method", scope["path"])))
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def partner(books: Path) -> Iterator[tuple[Counted, str]]:
    """The partner at a socket."""
    app = Counted(sandbox(books, SETTINGS))
    with served(app) as address:
        yield app, address


def known(books: Path, sql: str, *values: object) -> list[Any]:
    """What the partner's own books say."""
    with closing(sqlite3.connect(books / FILE)) as database:
        return database.execute(sql, values).fetchall()


@pytest.fixture
async def gateway(books: Path, partner: tuple[Counted, str], tmp_path: Path) -> AsyncIterator[Gateway]:
    """The small world, where Ada bought what the partner knows of, and Boris what it does not."""
    counted, address = partner
    world = small_world()
    sent = [
        id_ for (id_,) in known(books, "SELECT id FROM orders WHERE status = 'FINISH' AND sent > '' LIMIT 3")
    ]
    [(unsent,)] = known(books, "SELECT id FROM orders WHERE sent IS NULL LIMIT 1")
    of_ada = [
        order("ALIBABA", str(id_), "ADA", ADA, f"2018-01-0{n}T00:00:00Z")
        for n, id_ in enumerate([*sent, unsent], 1)
    ]
    [(offered,)] = known(books, "SELECT id FROM products WHERE status = 'onSelling' LIMIT 1")
    catalogue = [product(str(offered)), product("1", status="OFFLINE", modified_at="2017-02-01T00:00:00Z")]
    rows = {**world, orders: [*world[orders], *of_ada], alibaba_products: catalogue}
    counted.asked.clear()
    settings = {"connectors": {"alibaba": {**SETTINGS, "url": address}}}
    async for each in start(tmp_path, rows, **settings):
        yield each


ORDERS = """{ clients(first: 10) { nodes { orders(party: ALIBABA, first: 10) { nodes { id ... on AlibabaOrder {
    tracking { trackingNumber carrier expectedAt events { occurredAt name description } } } } } } } }"""


def orders_in(answer: Any) -> dict[str, Any]:
    """Orders in an answer by their partner's id."""
    nodes = [each for client in answer["data"]["clients"]["nodes"] for each in client["orders"]["nodes"]]
    return {each["id"].partition(":")[2]: each for each in nodes}


async def test_parcels_of_all_orders_at_once(
    gateway: Gateway, partner: tuple[Counted, str], books: Path
) -> None:
    """Each order's parcels stand with it, one call an order; what the partner does not know is an error there."""
    answer = await gateway.ask(ORDERS, scopes=SCOPES)
    found = orders_in(answer)
    for (id_,) in known(books, "SELECT id FROM orders WHERE status = 'FINISH' AND sent > '' LIMIT 3"):
        parcels = found[str(id_)]["tracking"]
        assert parcels
        assert all(each["trackingNumber"] and each["events"] for each in parcels)
        moments = [event["occurredAt"] for event in parcels[0]["events"]]
        assert moments == sorted(moments, reverse=True)
        assert parcels[0]["events"][0]["name"] == "Delivered"
    [(unsent,)] = known(books, "SELECT id FROM orders WHERE sent IS NULL LIMIT 1")
    assert found[str(unsent)]["tracking"] == []
    # The small world's own orders are none of the partner's.
    assert found[f"{BORIS}1"]["tracking"] is None
    errors = [each["extensions"] for each in answer["errors"]]
    assert {each["partner"]["name"] for each in errors} == {"alibaba"}
    assert {each["partner"]["kind"] for each in errors} == {"BUSINESS"}
    counted, _ = partner
    assert counted.asked == ["aliexpress.ds.order.tracking.get"] * len(found)


async def test_parcels_are_asked_for_only_when_wanted(gateway: Gateway, partner: tuple[Counted, str]) -> None:
    """No selection, no call; and an order that comes twice in one level is asked about once."""
    await gateway.ask("{ clients { nodes { orders { nodes { id } } } } }", scopes=SCOPES)
    counted, _ = partner
    assert counted.asked == []
    twice = "{ a: node(id: %s) { ...T } b: node(id: %s) { ...T } } fragment T on AlibabaOrder { tracking { carrier } }"
    await gateway.ask(twice.replace("%s", f'"AlibabaOrder:{ADA}1"'), scopes=SCOPES)
    assert len(counted.asked) <= 2


DETAIL = """{ clients(first: 10) { nodes { orders(party: ALIBABA, first: 10) { nodes { id ... on AlibabaOrder {
    detail { paidAt listPrice { minor currency } discount { minor } shipping { minor } refund { status }
        deliveries { trackingNumber service sentAt receivedAt } variants } } } } } } }"""


async def test_details_of_an_order(gateway: Gateway, books: Path) -> None:
    """Money, dates, parcels and variants of an order as the partner has them, misspelt names and all."""
    found = orders_in(await gateway.ask(DETAIL, scopes=SCOPES))
    [(id_,)] = known(books, "SELECT id FROM orders WHERE status = 'FINISH' AND sent > '' LIMIT 1")
    detail = found[str(id_)]["detail"]
    assert detail["paidAt"]
    assert detail["listPrice"]["minor"] > detail["discount"]["minor"] >= 0
    assert detail["shipping"] == {"minor": 0}
    assert all(each["sentAt"] < each["receivedAt"] for each in detail["deliveries"])
    assert "Ships From: China" in detail["variants"]
    assert found[f"{BORIS}1"]["detail"] is None


ADDRESS = """{ clients(first: 10) { nodes { orders(party: ALIBABA, first: 10) { nodes { id ... on AlibabaOrder {
    receiptAddress { name country city street localStreet postcode phone } } } } } } }"""


async def test_an_address_is_for_who_may_see_the_profile(
    gateway: Gateway, partner: tuple[Counted, str], books: Path
) -> None:
    """Its own party sees where an order goes; Mail.ru, which may see Ada's orders but no profile, does not ask."""
    counted, _ = partner
    [(id_,)] = known(books, "SELECT id FROM orders WHERE status = 'FINISH' AND sent > '' LIMIT 1")
    address = orders_in(await gateway.ask(ADDRESS, scopes=SCOPES))[str(id_)]["receiptAddress"]
    assert address["country"] == "RU"
    assert address["name"].startswith("Client")
    assert "ул. Ленина" in address["localStreet"]
    counted.asked.clear()
    answer = await gateway.ask(ADDRESS, "MAILRU", SCOPES)
    assert "errors" not in answer
    assert {each["receiptAddress"] for each in orders_in(answer).values()} == {None}
    assert counted.asked == []


async def test_an_address_needs_its_scope(gateway: Gateway, partner: tuple[Counted, str]) -> None:
    """Without `clients:pii` the field is refused, and nobody is asked."""
    answer = await gateway.ask(ADDRESS, scopes="clients:read alibaba:read")
    assert {each["receiptAddress"] for each in orders_in(answer).values()} == {None}
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHORIZED_FIELD_OR_TYPE"
    counted, _ = partner
    assert counted.asked == []


async def test_variants_of_a_product(gateway: Gateway) -> None:
    """The catalogue comes from the base, the variants with their stock from the partner."""
    document = """{ alibabaProducts(first: 5, status: ON_SALE) { totalCount nodes { id name statusRaw
        lowestPrice { minor currency } skus { id code price { amount } discountPrice { minor } stock } } } }"""
    answer = await gateway.ask(document, scopes=SCOPES)
    assert "errors" not in answer
    page = answer["data"]["alibabaProducts"]
    assert page["totalCount"] == 1
    [found] = page["nodes"]
    assert found["lowestPrice"] == {"minor": 100, "currency": "USD"}
    assert found["skus"]
    assert all(sku["stock"] is not None and sku["code"] for sku in found["skus"])


async def test_another_party_reads_the_catalogue_as_agreed(gateway: Gateway) -> None:
    """Mail.ru may see products, for analysis and not for reports; without the scope nobody does."""
    document = '{ alibabaProducts { nodes { id } } alibabaProduct(id: "1") { name } }'
    found = (await gateway.ask(document, "MAILRU", SCOPES))["data"]
    assert len(found["alibabaProducts"]["nodes"]) == 2
    assert found["alibabaProduct"] == {"name": "Tea"}
    found = (await gateway.ask(document, "MAILRU", SCOPES, purpose="reporting"))["data"]
    assert found["alibabaProducts"]["nodes"] == []
    assert found["alibabaProduct"] is None
    answer = await gateway.ask(document, "ALIBABA", "clients:read alibaba:read")
    assert answer["data"] == {"alibabaProducts": None, "alibabaProduct": None}


async def test_explained_without_a_call(gateway: Gateway, partner: tuple[Counted, str]) -> None:
    """What a live field would ask of the partner can be told beforehand, and is not asked."""
    document = """query ($o: String!) { explainAccess(document: $o) { runs levels { calls { coordinate
        partnerCalls { connector name } } } } }"""
    answer = await gateway.ask(document, scopes=SCOPES, variables={"o": ORDERS})
    calls = [call for level in answer["data"]["explainAccess"]["levels"] for call in level["calls"]]
    [tracking] = [call for call in calls if call["coordinate"] == "AlibabaOrder.tracking"]
    assert {"connector": "alibaba", "name": "aliexpress.ds.order.tracking.get"} in tracking["partnerCalls"]
    counted, _ = partner
    assert counted.asked == []
