"""Products: AliExpress's catalogue, synced by list, and the SKUs of a product with their stock, asked for live.

Documented by the partner: `aliexpress.solution.product.list.get` by status and time of modification, 99 a page, and
`…product.info.get` with `global_aeop_ae_product_sku`. That the times are Beijing's stands in integrators' code only.
No person is in any of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

import strawberry
from sqlalchemy import BigInteger, Column, Index, String, Text

from connectors.alibaba.calls import call
from connectors.alibaba.feeds import AlibabaFeedJob, feed_job
from connectors.alibaba.fields import currency, fields, listed, optional, price, spelt, text, whole
from connectors.alibaba.listings import Form, Listing
from connectors.alibaba.live import COST, answers
from connectors.alibaba.pacific import moment
from connectors.alibaba.profiles import BEIJING
from gateway.connector import (
    FORWARD,
    Access,
    Amount,
    Connection,
    Dataset,
    DateTime,
    Instant,
    Money,
    Page,
    Row,
    Rows,
    Upstream,
    agreed,
    batch,
    instant,
    requires,
    table,
)

alibaba_products = table(
    "alibaba_products",
    Column("id", Text, primary_key=True),
    Column("party", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("status_raw", Text, nullable=False),
    Column("lowest_minor", BigInteger, nullable=False),
    Column("highest_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("image", Text),
    Column("listed_at", Instant, nullable=False),
    Column("modified_at", Instant, nullable=False),
    Index("ix_alibaba_products_party", "party", "modified_at", "id"),
    Index("ix_alibaba_products_status", "party", "status", "modified_at", "id"),
    rows=agreed("products", owner="'ALIBABA'"),
)
"""What AliExpress offers; `party` is the same in all rows, and what a page of all is looked up by."""

PARTY = "ALIBABA"
INFO = "aliexpress.solution.product.info.get"
_LATEST_FIRST = (("modified_at", True), ("id", True))


@strawberry.enum
class AlibabaProductStatus(Enum):
    """Whether a product can be bought."""

    ON_SALE = "ON_SALE"
    OFFLINE = "OFFLINE"
    IN_REVIEW = "IN_REVIEW"
    TO_BE_EDITED = "TO_BE_EDITED"
    UNKNOWN = "UNKNOWN"


STATUSES: Mapping[str, AlibabaProductStatus] = {
    "onSelling": AlibabaProductStatus.ON_SALE,
    "offline": AlibabaProductStatus.OFFLINE,
    "auditing": AlibabaProductStatus.IN_REVIEW,
    "editingRequired": AlibabaProductStatus.TO_BE_EDITED,
}
"""The partner's statuses; one that is not here is UNKNOWN."""


def read_product(record: Any) -> Rows:
    """One `item_display_dto` with the status it was listed under, as a row. Raises `Unreadable`."""
    product = fields(record, "product")
    status = text(product, "product_status_type")
    money = currency(product, "currency_code")
    row = {
        "id": str(whole(product, "product_id")),
        "party": PARTY,
        "name": text(product, "subject"),
        "status": STATUSES.get(status, AlibabaProductStatus.UNKNOWN).value,
        "status_raw": status,
        "lowest_minor": price(product, "product_min_price", money).minor,
        "highest_minor": price(product, "product_max_price", money).minor,
        "currency": money,
        "image": (optional(product, "image_u_r_ls") or "").partition(";")[0] or None,
        "listed_at": instant(moment(product.get("gmt_create"), "gmt_create", BEIJING)),
        "modified_at": instant(moment(product.get("gmt_modified"), "gmt_modified", BEIJING)),
    }
    return {alibaba_products: [row]}


product_list = Listing(
    "aliexpress.solution.product.list.get",
    "item_display_dto",
    tuple(STATUSES),
    form=Form(
        query="aeop_a_e_product_list_query",
        status="product_status_type",
        start="gmt_modified_start",
        end="gmt_modified_end",
        records="aeop_a_e_product_display_d_t_o_list",
        total="product_count",
        size=99,
        zone=BEIJING,
        unsaid=True,
    ),
)

dataset = Dataset(
    name="products", pull=product_list.pull, read=read_product, covers={"products": "alibaba:products"}
)


class Sku(NamedTuple):
    """A variant of a product, at this moment."""

    id: str
    code: str | None
    price: Amount
    discount_price: Amount | None
    stock: int | None


def read_skus(result: Mapping[str, Any]) -> list[Sku]:
    """The variants in a product's detail. Raises `Unreadable`."""
    return [
        _sku(fields(each, "sku"))
        for each in listed(result.get("aeop_ae_product_s_k_us"), "global_aeop_ae_product_sku")
    ]


def _sku(record: Mapping[str, Any]) -> Sku:
    money = currency(record, "currency_code")
    discounted = record.get("sku_discount_price")
    return Sku(
        text(record, "id"),
        optional(record, "sku_code"),
        price(record, "sku_price", money),
        price(record, "sku_discount_price", money) if discounted else None,
        whole(record, "sku_stock_count") if spelt(record, "sku_stock_count") is not None else None,
    )


async def product_skus(rows: Sequence[Row], access: Access) -> list[list[Sku] | Exception | None]:
    """The variants with price and stock at this moment: AliExpress is asked, once for each product."""
    return await answers(access, [row.id for row in rows], _skus)


async def _skus(upstream: Upstream, product: str) -> list[Sku]:
    found = await call(upstream, INFO, {"product_id": product}, shared=True)
    return read_skus(fields(found.get("result"), "result"))


@strawberry.type(directives=[requires("alibaba:products")])
class AlibabaSku:
    """A variant of a product: what is in fact bought."""

    id: strawberry.ID = strawberry.field(description="AliExpress's own id of it, within the product.")
    code: str | None = strawberry.field(description="The seller's own code.")
    price: Money
    discount_price: Money | None
    stock: int | None = strawberry.field(
        description="How many there are; null where AliExpress does not say."
    )


def lowest_prices(rows: Sequence[Row], access: Access) -> list[Amount]:
    """What the cheapest variant costs."""
    return [Amount(row.lowest_minor, row.currency) for row in rows]


def highest_prices(rows: Sequence[Row], access: Access) -> list[Amount]:
    """What the dearest variant costs."""
    return [Amount(row.highest_minor, row.currency) for row in rows]


@strawberry.type(directives=[requires("alibaba:products")])
class AlibabaProduct:
    """A product in AliExpress's catalogue."""

    id: strawberry.ID = strawberry.field(description="AliExpress's own id, as `OrderLine.productId` has it.")
    name: str
    status: AlibabaProductStatus
    status_raw: str = strawberry.field(description="The status in AliExpress's own words.")
    lowest_price: Money = batch(lowest_prices, needs=["lowest_minor", "currency"])
    highest_price: Money = batch(highest_prices, needs=["highest_minor", "currency"])
    image: str | None = strawberry.field(description="The address of its first picture.")
    listed_at: DateTime
    modified_at: DateTime
    skus: list[AlibabaSku] | None = batch(product_skus, needs=["id"], list_size=10, cost=COST)


async def products(
    roots: Sequence[None],
    access: Access,
    *,
    status: AlibabaProductStatus | None = None,
    first: int | None = None,
    after: str | None = None,
) -> list[Page]:
    """What AliExpress offers, latest change first; of one status or of all."""
    given = {"status": AlibabaProductStatus(status).value} if status else {}
    return await access.pages(
        alibaba_products,
        "party",
        [PARTY for _ in roots],
        access.columns(alibaba_products, "AlibabaProduct", "id"),
        _LATEST_FIRST,
        first=first,
        after=after,
        where=tuple(given),
        count="total_count" in access.asked.get("AlibabaProductConnection", ()),
        **given,
    )


async def product(roots: Sequence[None], access: Access, *, id: strawberry.ID) -> list[Row | None]:
    """A product by AliExpress's id of it."""
    columns = access.columns(alibaba_products, "AlibabaProduct", "id")
    return await access.one(alibaba_products, "id", [id for _ in roots], columns)


@strawberry.type
class AlibabaQuery:
    """What this connector adds to `Query`."""

    alibaba_product: AlibabaProduct | None = batch(product, requires=requires("alibaba:products"))
    alibaba_products: Connection[AlibabaProduct] | None = batch(
        products, requires=requires("alibaba:products"), list_size=FORWARD
    )
    alibaba_feed_job: AlibabaFeedJob | None = feed_job
