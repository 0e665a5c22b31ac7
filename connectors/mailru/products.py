"""Products: Pandao's catalogue, each product with the variants of it that can be bought.

Documented for the family (Wish v2, Joom v2): `GET /api/v2/product/multi-get?since&start&limit`, records
`{"Product": {…, "variants": [{"Variant": {…}}]}}`, every value a string, `review_status` (approved, pending, rejected),
and that a variant is switched off by itself. Modelled: that the list goes by `last_updated` as that of orders does, and
`product_category`. No person is in any of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from enum import Enum
from typing import Any

import strawberry
from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Text

from connectors.mailru.changes import Feed, changes
from connectors.mailru.users import PARTY
from connectors.mailru.values import (
    CURRENCY,
    Fields,
    flag,
    kopecks,
    moment,
    number,
    text,
    text_or_none,
    unwrapped,
)
from gateway.connector import (
    FORWARD,
    Access,
    Amount,
    Batch,
    BigInt,
    Connection,
    Cursor,
    Dataset,
    DateTime,
    Instant,
    Money,
    Page,
    Row,
    Rows,
    Unreadable,
    Upstream,
    agreed,
    batch,
    follows,
    requires,
    table,
)

FEED = Feed("/api/v2/product/multi-get", "Product", "id")

_LATEST_FIRST = (("modified_at", True), ("id", True))

mailru_products = table(
    "mailru_products",
    Column("id", Text, primary_key=True),
    Column("party", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("category", Text),
    Column("status", Text, nullable=False),
    Column("status_raw", Text, nullable=False),
    Column("image", Text),
    Column("sold", BigInteger, nullable=False),
    Column("listed_at", Instant, nullable=False),
    Column("modified_at", Instant, nullable=False),
    Index("ix_mailru_products_party", "party", "modified_at", "id"),
    Index("ix_mailru_products_status", "party", "status", "modified_at", "id"),
    rows=agreed("products", owner="'MAILRU'"),
)
"""What Pandao offers; `party` is the same in all rows, and what a page of all is looked up by."""

mailru_variants = table(
    "mailru_variants",
    Column("id", Text, primary_key=True),
    Column("product_id", Text, ForeignKey("mailru_products.id"), nullable=False),
    Column("sku", Text, nullable=False),
    Column("color", Text),
    Column("size", Text),
    Column("price_minor", BigInteger, nullable=False),
    Column("shipping_minor", BigInteger, nullable=False),
    Column("stock", Integer, nullable=False),
    Column("enabled", Integer, nullable=False),
    Index("ix_mailru_variants_product_id", "product_id"),
    rows=follows("mailru_products", "mailru_products.id = this.product_id"),
)
"""What is in fact bought; amounts are in kopecks."""


@strawberry.enum
class PandaoProductStatus(Enum):
    """Whether a product can be bought."""

    ON_SALE = "ON_SALE"
    OFFLINE = "OFFLINE"
    IN_REVIEW = "IN_REVIEW"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"


_REVIEWS: Mapping[str, PandaoProductStatus] = {
    "approved": PandaoProductStatus.ON_SALE,
    "pending": PandaoProductStatus.IN_REVIEW,
    "rejected": PandaoProductStatus.REJECTED,
}
"""The partner's words; one that is not here is UNKNOWN."""


def pull_products(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
    """The products changed since the cursor."""
    return changes(upstream, FEED, cursor)


def read_product(record: Any) -> Rows:
    """One product with its variants. Raises `Unreadable`."""
    product = unwrapped(record, "Product")
    identity, review = text(product, "id"), text(product, "review_status")
    variants = [_variant(unwrapped(each, "Variant"), identity) for each in _listed(product, "variants")]
    status = _REVIEWS.get(review, PandaoProductStatus.UNKNOWN)
    if status is PandaoProductStatus.ON_SALE and not any(each["enabled"] for each in variants):
        status = PandaoProductStatus.OFFLINE
    row = {
        "id": identity,
        "party": PARTY,
        "name": text(product, "name"),
        "category": text_or_none(product, "product_category"),
        "status": status.value,
        "status_raw": review,
        "image": text_or_none(product, "main_image"),
        "sold": number(product, "number_sold"),
        "listed_at": moment(product, "date_uploaded"),
        "modified_at": moment(product, "last_updated"),
    }
    return {mailru_products: [row], mailru_variants: variants}


def _variant(variant: Fields, product: str) -> dict[str, Any]:
    return {
        "id": text(variant, "id"),
        "product_id": product,
        "sku": text(variant, "sku"),
        "color": text_or_none(variant, "color"),
        "size": text_or_none(variant, "size"),
        "price_minor": kopecks(variant, "price"),
        "shipping_minor": kopecks(variant, "shipping"),
        "stock": number(variant, "inventory"),
        "enabled": int(flag(variant, "enabled")),
    }


def _listed(fields: Fields, name: str) -> list[Any]:
    found = fields.get(name)
    if not isinstance(found, list):
        raise Unreadable(f"{name} is not a list")
    return found


pandao_products = Dataset(
    "products",
    pull_products,
    read_product,
    covers={"products": "mailru:products"},
    children={mailru_variants: "product_id"},
)


def prices(rows: Sequence[Row], access: Access) -> list[Amount]:
    """What it costs, without sending it."""
    return [Amount(row.price_minor, CURRENCY) for row in rows]


def shipping_prices(rows: Sequence[Row], access: Access) -> list[Amount]:
    """What it costs to send it."""
    return [Amount(row.shipping_minor, CURRENCY) for row in rows]


def switches(rows: Sequence[Row], access: Access) -> list[bool]:
    """Whether the seller has it on sale."""
    return [bool(row.enabled) for row in rows]


@strawberry.type(directives=[requires("mailru:products")])
class PandaoVariant:
    """A variant of a product: what is in fact bought."""

    id: strawberry.ID = strawberry.field(description="Pandao's own id of it.")
    sku: str = strawberry.field(description="The seller's own code.")
    color: str | None
    size: str | None
    price: Money = batch(prices, needs=["price_minor"])
    shipping: Money = batch(shipping_prices, needs=["shipping_minor"])
    stock: int = strawberry.field(description="How many there are.")
    enabled: bool = batch(switches, needs=["enabled"])


async def product_variants(rows: Sequence[Row], access: Access) -> list[list[Row]]:
    """The variants it comes in."""
    columns = access.columns(mailru_variants, "PandaoVariant", "id")
    keys = [row.id for row in rows]
    return await access.rows(mailru_variants, "product_id", keys, columns, (("id", False),))


@strawberry.type(directives=[requires("mailru:products")])
class PandaoProduct:
    """A product in Pandao's catalogue."""

    id: strawberry.ID = strawberry.field(description="Pandao's own id, as `OrderLine.productId` has it.")
    name: str
    category: str | None
    status: PandaoProductStatus
    status_raw: str = strawberry.field(description="What its review came to, in Pandao's own words.")
    image: str | None = strawberry.field(description="The address of its first picture.")
    sold: BigInt = strawberry.field(description="How often it was bought.")
    listed_at: DateTime
    modified_at: DateTime
    variants: list[PandaoVariant] = batch(product_variants, needs=["id"], list_size=10)


async def products(
    roots: Sequence[None],
    access: Access,
    *,
    status: PandaoProductStatus | None = None,
    first: int | None = None,
    after: str | None = None,
) -> list[Page]:
    """What Pandao offers, latest change first; of one status or of all."""
    given = {"status": PandaoProductStatus(status).value} if status else {}
    return await access.pages(
        mailru_products,
        "party",
        [PARTY for _ in roots],
        access.columns(mailru_products, "PandaoProduct", "id"),
        _LATEST_FIRST,
        first=first,
        after=after,
        where=tuple(given),
        count="total_count" in access.asked.get("PandaoProductConnection", ()),
        **given,
    )


async def product(roots: Sequence[None], access: Access, *, id: strawberry.ID) -> list[Row | None]:
    """A product by Pandao's id of it."""
    columns = access.columns(mailru_products, "PandaoProduct", "id")
    return await access.one(mailru_products, "id", [id for _ in roots], columns)


@strawberry.type
class PandaoQuery:
    """What the catalogue adds to `Query`."""

    pandao_product: PandaoProduct | None = batch(product, requires=requires("mailru:products"))
    pandao_products: Connection[PandaoProduct] | None = batch(
        products, requires=requires("mailru:products"), list_size=FORWARD
    )
