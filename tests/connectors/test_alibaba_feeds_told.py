"""Feeds of AliExpress in the graph: told by a mutation, followed by a query, for its own party."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from connectors.alibaba import connector
from connectors.alibaba.products import alibaba_products
from connectors.alibaba.sandbox import sandbox
from gateway.sandboxes.faulty import Faulty
from tests.conftest import Gateway, start
from tests.connectors.test_alibaba_live import known
from tests.connectors.test_alibaba_world import SETTINGS, books, served
from tests.world import product, small_world

__all__ = ["books"]

SCOPES = "alibaba:products alibaba:feeds"


@pytest.fixture(scope="module")
def at_work(books: Path) -> Iterator[tuple[Faulty, str]]:
    """The partner at a socket."""
    app = Faulty(sandbox(books, SETTINGS), connector.faults)
    with served(app) as address:
        yield app, address


STOCK = """mutation ($id: ID!, $code: String!) { alibabaUpdateStock(
    products: [{productId: $id, skus: [{code: $code, stock: 12}]}]) { id done total } }"""
PRICES = """mutation ($id: ID!, $price: Decimal!) { alibabaUpdatePrices(
    products: [{productId: $id, skus: [{code: "x", price: $price}]}]) { id } }"""
JOB = "query ($id: ID!) { alibabaFeedJob(id: $id) { done total succeeded items { productId succeeded error } } }"
SKUS = "query ($id: ID!) { alibabaProduct(id: $id) { skus { code stock } } }"


@pytest.fixture
async def gateway(at_work: tuple[Faulty, str], books: Path, tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway that knows one product."""
    at_work[0].forget()
    (id_,) = known(books, "SELECT id FROM products LIMIT 1")[0]
    settings = {"connectors": {"alibaba": {**SETTINGS, "url": at_work[1]}}}
    async for each in start(tmp_path, {**small_world(), alibaba_products: [product(str(id_))]}, **settings):
        yield each


async def test_stock_is_told_followed_and_seen(gateway: Gateway, books: Path) -> None:
    """A mutation tells it, a query follows the job, and the product's variants show it."""
    (id_,) = known(books, "SELECT id FROM products LIMIT 1")[0]
    told = {"id": str(id_), "code": f"{id_}-B"}
    answer = await gateway.ask(STOCK, scopes=SCOPES, variables=told)
    job = answer["data"]["alibabaUpdateStock"]
    assert (job["done"], job["total"]) == (False, None)
    for done in (False, True):
        found = (await gateway.ask(JOB, scopes=SCOPES, variables={"id": job["id"]}))["data"]["alibabaFeedJob"]
        assert found["done"] is done
    assert found["items"] == [{"productId": str(id_), "succeeded": True, "error": None}]
    shown = (await gateway.ask(SKUS, scopes=SCOPES, variables={"id": str(id_)}))["data"]["alibabaProduct"]
    assert {"code": f"{id_}-B", "stock": 12} in shown["skus"]


@pytest.mark.parametrize(
    ("document", "variables", "code"),
    [
        (STOCK, {"id": "1 OR 1", "code": "x"}, "BAD_USER_INPUT"),
        (PRICES, {"id": "1", "price": "0"}, "BAD_USER_INPUT"),
        (PRICES, {"id": "1", "price": "9.999"}, "BAD_USER_INPUT"),
        (PRICES, {"id": "1", "price": "NaN"}, "BAD_USER_INPUT"),
        (PRICES, {"id": "1", "price": "1E+1000000"}, "BAD_USER_INPUT"),
        (JOB, {"id": "seven"}, "BAD_USER_INPUT"),
    ],
)
async def test_what_makes_no_sense_is_not_told(
    gateway: Gateway, at_work: tuple[Faulty, str], document: str, variables: dict[str, str], code: str
) -> None:
    """The argument is named, and the partner is not asked."""
    answer = await gateway.ask(document, scopes=SCOPES, variables=variables)
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    assert at_work[0].calls == 0


async def test_only_its_own_party_tells(gateway: Gateway, at_work: tuple[Faulty, str]) -> None:
    """Mail.ru's application may hold the scope and changes nothing; nor does anybody without it."""
    told = {"id": "1", "code": "x"}
    answer = await gateway.ask(STOCK, "MAILRU", SCOPES, variables=told)
    assert answer["data"] == {"alibabaUpdateStock": None}
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    answer = await gateway.ask(STOCK, "ALIBABA", "alibaba:products", variables=told)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHORIZED_FIELD_OR_TYPE"
    assert at_work[0].calls == 0
