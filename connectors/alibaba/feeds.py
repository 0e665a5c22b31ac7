"""Feeds: prices and stock of AliExpress's products, changed in bulk by those who sell there.

Documented by the partner: `aliexpress.solution.feed.submit` with `operation_type` and up to 2,000 items, which answers
with a job; `…feed.query` with how many items succeeded, and each item's result as JSON within a text; that some items
of a job fail is normal. Modelled: that a job is done when its results are there, for `feed.query` names no state.

Submitting is never repeated by itself unless the partner's own gateway refused it: whoever hears nothing must look at
what the products say before submitting again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import strawberry

from connectors.alibaba.calls import Found, call, change
from connectors.alibaba.fields import fields, inner, listed, text, whole
from connectors.alibaba.live import COST, NAME
from connectors.alibaba.members import PARTY
from gateway.connector import (
    Access,
    FieldError,
    Kind,
    PartnerError,
    Unreadable,
    Upstream,
    batch,
    list_size,
    requires,
)

SUBMIT = "aliexpress.solution.feed.submit"
QUERY = "aliexpress.solution.feed.query"
SCOPE = "alibaba:feeds"
MOST = 500
"""Items that one operation may submit; the partner takes 2,000."""


class Item(NamedTuple):
    """What became of one item of a job; `error` is the partner's code of why it failed, if it said one."""

    product_id: str
    succeeded: bool
    error: str | None


class Job(NamedTuple):
    """A job at the partner. Before it is done there are no items."""

    id: str
    done: bool
    total: int | None
    succeeded: int | None
    items: list[Item]


@strawberry.type(directives=[requires(SCOPE)])
class AlibabaFeedItem:
    """What became of one product of a job."""

    product_id: strawberry.ID = strawberry.field(description="As it was submitted.")
    succeeded: bool
    error: str | None = strawberry.field(description="Why it failed, in AliExpress's words.")


@strawberry.type(directives=[requires(SCOPE)])
class AlibabaFeedJob:
    """A change of many products that AliExpress works on; some of it may fail, and the rest holds."""

    id: strawberry.ID
    done: bool
    total: int | None = strawberry.field(description="How many products it is about; null until asked again.")
    succeeded: int | None = strawberry.field(description="How many of them are changed.")
    items: list[AlibabaFeedItem] = strawberry.field(
        description="What became of each; empty until it is done.", directives=[list_size(50)]
    )


@strawberry.input
class AlibabaSkuStock:
    """How many there are of a variant."""

    code: str = strawberry.field(description="The seller's own code, as `AlibabaSku.code` has it.")
    stock: int


@strawberry.input
class AlibabaStock:
    """How many there are of a product's variants."""

    product_id: strawberry.ID
    skus: list[AlibabaSkuStock]


@strawberry.input
class AlibabaSkuPrice:
    """What a variant costs."""

    code: str = strawberry.field(description="The seller's own code, as `AlibabaSku.code` has it.")
    price: Decimal = strawberry.field(description="In the product's currency, major units.")


@strawberry.input
class AlibabaPrices:
    """What a product's variants cost."""

    product_id: strawberry.ID
    skus: list[AlibabaSkuPrice]


async def update_stock(roots: Sequence[None], access: Access, *, products: list[AlibabaStock]) -> list[Job]:
    """Tell AliExpress how many there are of what; for its own party's applications. Ask `alibabaFeedJob` what became
    of it. After an error that does not say otherwise, look at the products before telling again.
    """
    items = [
        _item(each.product_id, [{"sku_code": sku.code, "inventory": _stock(sku.stock)} for sku in each.skus])
        for each in products
    ]
    return [await _submitted(access, "PRODUCT_STOCKS_UPDATE", items) for _ in roots]


async def update_prices(roots: Sequence[None], access: Access, *, products: list[AlibabaPrices]) -> list[Job]:
    """Tell AliExpress what things cost from now on; for its own party's applications. As with `alibabaUpdateStock`,
    the job says what became of it.
    """
    items = [
        _item(each.product_id, [{"sku_code": sku.code, "price": _price(sku.price)} for sku in each.skus])
        for each in products
    ]
    return [await _submitted(access, "PRODUCT_PRICES_UPDATE", items) for _ in roots]


async def feed_jobs(roots: Sequence[None], access: Access, *, id: strawberry.ID) -> list[Job]:
    """What became of a job; AliExpress is asked."""
    _check_party(access)
    if not id.isascii() or not id.isdecimal() or len(id) > 18:
        raise FieldError("A job's id is a number of up to 18 digits.", "BAD_USER_INPUT", argument="id")
    found = await query(access.partner(NAME), id)
    return [found for _ in roots]


async def _submitted(access: Access, operation: str, items: list[dict[str, Any]]) -> Job:
    _check_party(access)
    if not 1 <= len(items) <= MOST:
        raise FieldError(
            f"Between 1 and {MOST} products are told at a time.", "BAD_USER_INPUT", argument="products"
        )
    return await submit(access.partner(NAME), operation, items)


def _check_party(access: Access) -> None:
    # What AliExpress offers is not shared: no agreement lets another party change it.
    if access.caller.party != PARTY:
        raise FieldError(f"What {PARTY} offers is for its own applications to change.", "FORBIDDEN")


def _item(product: str, skus: list[dict[str, object]]) -> dict[str, Any]:
    if not product.isascii() or not product.isdecimal() or len(product) > 18 or not skus:
        raise FieldError(
            "A product has an id of up to 18 digits, and variants.", "BAD_USER_INPUT", argument="products"
        )
    content = {"aliexpress_product_id": int(product), "multiple_sku_update_list": skus}
    return {"item_content_id": product, "item_content": content}


def _stock(stock: int) -> int:
    if not 0 <= stock <= 999_999:
        raise FieldError(
            "There are between 0 and 999,999 of a variant.", "BAD_USER_INPUT", argument="products"
        )
    return stock


def _price(price: Decimal) -> str:
    if not price.is_finite() or not 0 < price < 1_000_000 or price != round(price, 2):
        raise FieldError(
            "A price is above 0, below 1,000,000, and has two decimals.",
            "BAD_USER_INPUT",
            argument="products",
        )
    return f"{price:.2f}"


async def submit(upstream: Upstream, operation: str, items: list[dict[str, Any]]) -> Job:
    """Submit a job. Raises `PartnerError`."""
    asked = {"operation_type": operation, "item_list": items}
    found = await change(upstream, SUBMIT, asked, judge=_judge)
    return Job(str(found["job_id"]), False, None, None, [])


async def query(upstream: Upstream, id_: str) -> Job:
    """What became of a job. Raises `PartnerError`."""
    found = await call(upstream, QUERY, {"job_id": id_}, judge=_judge)
    try:
        return read_job(found)
    except Unreadable as error:
        raise PartnerError(Kind.DRIFT, f"{QUERY}: {error}") from None


def _judge(found: Found) -> None:
    try:
        whole(found, "job_id")
    except Unreadable as error:
        raise PartnerError(Kind.DRIFT, str(error)) from None


def read_job(found: Mapping[str, Any]) -> Job:
    """A job as `feed.query` shows it. Raises `Unreadable`."""
    items = [
        _result(fields(each, "item")) for each in listed(found.get("result_list"), "single_item_response_dto")
    ]
    total, succeeded = whole(found, "total_item_count"), whole(found, "success_item_count")
    return Job(str(whole(found, "job_id")), bool(items), total, succeeded, items)


def _result(item: Mapping[str, Any]) -> Item:
    """One item. Where its result is no JSON, as happens, it is not taken for a success."""
    said = inner(item, "item_execution_result")
    known = said if isinstance(said, dict) else {}
    error = known.get("errorCode") or known.get("errorMessage")
    if not known:
        error = "UNREADABLE"
    return Item(text(item, "item_content_id"), known.get("success") is True, str(error) if error else None)


feed_job = batch(feed_jobs, requires=requires(SCOPE), cost=COST)


@strawberry.type
class AlibabaMutation:
    """What this connector adds to `Mutation`."""

    alibaba_update_stock: AlibabaFeedJob | None = batch(update_stock, requires=requires(SCOPE), cost=COST)
    alibaba_update_prices: AlibabaFeedJob | None = batch(update_prices, requires=requires(SCOPE), cost=COST)
