"""Pandao's catalogue and refunds: read into what they mean, pulled whole, and asked for in the graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.mailru.orders import pandao_orders, read_order
from connectors.mailru.products import mailru_products, mailru_variants, pandao_products, read_product
from connectors.mailru.refunds import mailru_refunds
from connectors.mailru.sandbox import sandbox
from gateway.connector import Unreadable
from gateway.oauth.tokens import Caller
from gateway.store.readers import Readers
from tests.connectors.test_mailru_graphql import SCOPES, answer, readers
from tests.connectors.test_mailru_pandao import pulled
from tests.connectors.test_mailru_records import order
from tests.connectors.test_mailru_world import KEYS, SmallWorld, folder, orders_of, partner, write

__all__ = ["folder", "readers"]

PRODUCTS = SCOPES | {"mailru:products"}

PRODUCT = {
    "id": "000000000000000000989683",
    "name": "Чай",
    "product_category": "TEA",
    "main_image": "https://img.pandao.example/1.jpg",
    "number_sold": "12",
    "review_status": "approved",
    "date_uploaded": "2017-01-01T08:00:00",
    "last_updated": "2017-02-01T08:00:00",
}

VARIANT = {
    "id": "000000000000000000989681",
    "sku": "10000003",
    "color": "black",
    "size": "",
    "price": "57.4",
    "shipping": "0.0",
    "inventory": "7",
    "enabled": "True",
}


def product(variants: list[dict[str, Any]], **changed: Any) -> dict[str, Any]:
    return {"Product": {**PRODUCT, **changed, "variants": [{"Variant": each} for each in variants]}}


def test_a_product_is_a_row_with_one_for_each_variant() -> None:
    rows = read_product(product([VARIANT, {**VARIANT, "id": "2", "enabled": False}]))
    [row] = rows[mailru_products]
    assert row == {
        "id": PRODUCT["id"],
        "party": "MAILRU",
        "name": "Чай",
        "category": "TEA",
        "status": "ON_SALE",
        "status_raw": "approved",
        "image": PRODUCT["main_image"],
        "sold": 12,
        "listed_at": "2017-01-01T08:00:00Z",
        "modified_at": "2017-02-01T08:00:00Z",
    }
    first, second = rows[mailru_variants]
    assert first == {
        "id": VARIANT["id"],
        "product_id": PRODUCT["id"],
        "sku": "10000003",
        "color": "black",
        "size": None,
        "price_minor": 5740,
        "shipping_minor": 0,
        "stock": 7,
        "enabled": 1,
    }
    assert second["enabled"] == 0


@pytest.mark.parametrize(
    ("review", "enabled", "status"),
    [
        ("approved", ["False", "True"], "ON_SALE"),
        ("approved", ["False"], "OFFLINE"),
        ("approved", [], "OFFLINE"),
        ("pending", ["True"], "IN_REVIEW"),
        ("rejected", ["True"], "REJECTED"),
        ("frozen", ["True"], "UNKNOWN"),
    ],
)
def test_what_can_be_bought_was_approved_and_is_switched_on(
    review: str, enabled: list[str], status: str
) -> None:
    variants = [{**VARIANT, "id": str(place), "enabled": each} for place, each in enumerate(enabled)]
    [row] = read_product(product(variants, review_status=review))[mailru_products]
    assert (row["status"], row["status_raw"]) == (status, review)


@pytest.mark.parametrize(
    "variants", [None, {}, [{"Product": VARIANT}], [{"Variant": {**VARIANT, "price": 57.4}}]]
)
def test_a_product_without_readable_variants_is_put_aside(variants: Any) -> None:
    with pytest.raises(Unreadable):
        read_product({"Product": {**PRODUCT, "variants": variants}})


async def test_whatever_was_bought_is_in_the_catalogue(folder: Path) -> None:
    async with partner(sandbox(folder, KEYS)) as upstream:
        batches = await pulled(pandao_products, upstream)
        assert (
            write(folder, "UPDATE products SET updated = '2018-06-01T00:00:00' WHERE product_id % 9 = 0")
            == 10
        )
        again = await pulled(pandao_products, upstream, batches[-1].cursor)
    rows = [read_product(record) for batch in batches for record in batch.records]
    bought = {f"{line.product:024x}": line.name for _, line in orders_of(SmallWorld())}
    assert {row["id"]: row["name"] for each in rows for row in each[mailru_products]} == bought
    assert {row["status"] for each in rows for row in each[mailru_products]} > {"ON_SALE", "IN_REVIEW"}
    assert sum(len(batch.records) for batch in again) < len(bought)
    changed = [read_product(record)[mailru_products][0] for batch in again for record in batch.records]
    assert sum(row["modified_at"] == "2018-06-01T00:00:00Z" for row in changed) == 10


REFUND = {
    "refund_time": "2017-01-09T08:00:00",
    "refund_amount": "7.5",
    "merchant_responsible_amount": "6.37",
    "refund_reason": "Item is damaged",
}


def test_refunds_are_rows_of_their_order_oldest_first() -> None:
    later = {"refund_time": "2017-01-10T08:00:00", "refund_amount": "1.0"}
    rows = read_order(order(refunds=[later, REFUND]))[mailru_refunds]
    identity = "PandaoOrder:58669a8007372b2400000003"
    first = {"amount_minor": 750, "seller_minor": 637, "reason": "Item is damaged"}
    second = {"amount_minor": 100, "seller_minor": None, "reason": None}
    assert rows == [
        {"order_id": identity, "number": 1, "refunded_at": "2017-01-09T08:00:00Z", **first},
        {"order_id": identity, "number": 2, "refunded_at": "2017-01-10T08:00:00Z", **second},
    ]
    assert mailru_refunds not in read_order(order(refunds=[]))


@pytest.mark.parametrize(
    "refunds",
    [
        {"1": REFUND},
        "none",
        [None],
        [{**REFUND, "refund_amount": 7.5}],
        [{**REFUND, "refund_time": "yesterday"}],
    ],
)
def test_an_order_whose_refunds_cannot_be_read_is_put_aside(refunds: Any) -> None:
    with pytest.raises(Unreadable):
        read_order(order(refunds=refunds))


async def test_orders_that_were_refunded_say_what_came_back(folder: Path) -> None:
    async with partner(sandbox(folder, KEYS)) as upstream:
        batches = await pulled(pandao_orders, upstream)
    records = [record["Order"] for batch in batches for record in batch.records]
    refunded = [each for each in records if each["state"] == "REFUNDED"]
    assert refunded
    assert all(each["refunds"][0]["refund_amount"] == each["order_total"] for each in refunded)


CATALOGUE = """{ pandaoProducts(first: 3, status: ON_SALE) { totalCount nodes {
    id name category status statusRaw sold listedAt modifiedAt
    variants { sku color price { minor currency } shipping { minor } stock enabled }
} } }"""

REFUNDED = """{ clients(first: 100) { nodes { mailru { orders(first: 50) { nodes {
    statusRaw total { minor } ... on PandaoOrder {
        refunds { refundedAt amount { minor currency } sellerAmount { minor } reason }
    }
} } } } } }"""


async def test_the_catalogue_in_the_graph(readers: Readers) -> None:
    """Its own party sees it, and whoever may by agreement; each product with its variants."""
    found = {}
    for party, purpose in (("MAILRU", "analytics"), ("ALIBABA", "analytics"), ("ALIBABA", "reporting")):
        result = await answer(readers, Caller(party, "app", PRODUCTS, purpose), CATALOGUE)
        assert result.errors == []
        assert result.data is not None
        found[party, purpose] = result.data["pandaoProducts"]
    own = found["MAILRU", "analytics"]
    assert own == found["ALIBABA", "analytics"]
    assert found["ALIBABA", "reporting"] == {"totalCount": 0, "nodes": []}
    assert own["totalCount"] > len(own["nodes"]) == 3
    for each in own["nodes"]:
        assert (each["status"], each["statusRaw"]) == ("ON_SALE", "approved")
        assert int(each["sold"]) > 0
        assert any(variant["enabled"] for variant in each["variants"])
        assert all(variant["price"]["currency"] == "RUB" for variant in each["variants"])
    one = own["nodes"][0]["id"]
    result = await answer(
        readers,
        Caller("MAILRU", "app", PRODUCTS, "analytics"),
        f'{{ pandaoProduct(id: "{one}") {{ name }} }}',
    )
    assert result.data == {"pandaoProduct": {"name": own["nodes"][0]["name"]}}


async def test_refunds_in_the_graph(readers: Readers) -> None:
    """They are with their order, oldest first, and none where nothing came back."""
    result = await answer(readers, Caller("MAILRU", "app", SCOPES, "analytics"), REFUNDED)
    assert result.errors == []
    assert result.data is not None
    orders = [each for node in result.data["clients"]["nodes"] for each in node["mailru"]["orders"]["nodes"]]
    refunded = [each for each in orders if each["statusRaw"] == "REFUNDED"]
    assert refunded
    for each in refunded:
        [refund] = each["refunds"]
        assert refund["amount"] == {"minor": each["total"]["minor"], "currency": "RUB"}
        assert refund["sellerAmount"]["minor"] == each["total"]["minor"] * 85 // 100
    assert any(each["refunds"] == [] for each in orders)
