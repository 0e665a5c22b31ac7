"""Feeds: stock and prices changed in bulk, as `aliexpress.solution.feed.submit` and `…feed.query` do it.

Documented by the partner: parameters, 2,000 items at most, job ids of 18 digits, counts, and each item's result as JSON
within a text; that some items fail and the job does not. Modelled: that results are there from the second question on,
and the words for why an item failed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from connectors.alibaba.sandbox.admission import CallError, invalid
from connectors.alibaba.sandbox.listings import Record, wrapped
from connectors.alibaba.sandbox.products import product, sku_codes
from connectors.alibaba.sandbox.rows import number, product_row

OPERATIONS: Mapping[str, tuple[str, str]] = {
    "PRODUCT_STOCKS_UPDATE": ("inventory", "stock"),
    "PRODUCT_PRICES_UPDATE": ("price", "price"),
}
"""What an item of an operation must give of each SKU, and what of it changes."""

MOST = 2_000
_FIRST = 200_000_000_060_024_475


class Job(NamedTuple):
    """A job's results by item, in the order they were given."""

    results: list[Record]
    asked: list[None]


class Feeds:
    """The jobs that were submitted, and what they changed; as long as the partner's stand-in runs."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._changed: dict[str, dict[str, Any]] = {}

    def submit(self, database: sqlite3.Connection, parameters: Mapping[str, str]) -> Record:
        """`aliexpress.solution.feed.submit`. Raises `CallError`."""
        operation = OPERATIONS.get(parameters.get("operation_type", ""))
        if operation is None:
            raise invalid("operation_type")
        items = _items(parameters)
        results = [self._executed(database, operation, each) for each in items]
        id_ = _FIRST + 10_000 * len(self._jobs)
        self._jobs[id_] = Job(results, [])
        return {"job_id": id_}

    def query(self, database: sqlite3.Connection, parameters: Mapping[str, str]) -> Record:
        """`aliexpress.solution.feed.query`. Raises `CallError`."""
        id_ = number(parameters.get("job_id"), "job_id")
        job = self._jobs.get(id_)
        if job is None:
            raise CallError(type="ISV", code="isv.job-not-exist", msg="The job does not exist")
        job.asked.append(None)
        found: Record = {"job_id": id_, "success_item_count": 0, "total_item_count": len(job.results)}
        if len(job.asked) > 1:
            done = [orjson.loads(str(each["item_execution_result"]))["success"] for each in job.results]
            simplify = parameters.get("simplify") == "true"
            found["success_item_count"] = sum(done)
            found["result_list"] = wrapped(job.results, "single_item_response_dto", simplify)
        return found

    def product(self, database: sqlite3.Connection, parameters: Mapping[str, str]) -> Record:
        """`aliexpress.solution.product.info.get`, with what was changed. Raises `CallError`."""
        return product(database, parameters, self._changed)

    def _executed(
        self, database: sqlite3.Connection, operation: tuple[str, str], item: Mapping[str, Any]
    ) -> Record:
        given, changes = operation
        content = item["item_content"]
        result: Record = {"productId": content.get("aliexpress_product_id"), "success": True}
        try:
            known = sku_codes(product_row(database, content.get("aliexpress_product_id")))
            skus = {each["sku_code"]: each[given] for each in content["multiple_sku_update_list"]}
            if not skus or not skus.keys() <= known:
                raise CallError(code="SKU_NOT_EXIST")
            for code, value in skus.items():
                self._changed.setdefault(code, {})[changes] = value
        except (CallError, KeyError, TypeError, AttributeError) as error:
            code = error.body["code"] if isinstance(error, CallError) else "ITEM_CONTENT_INVALID"
            result |= {"success": False, "errorCode": code}
        return {
            "item_content_id": str(item["item_content_id"]),
            "item_execution_result": orjson.dumps(result).decode(),
        }


def _items(parameters: Mapping[str, str]) -> list[dict[str, Any]]:
    try:
        items = orjson.loads(parameters["item_list"])
    except (KeyError, orjson.JSONDecodeError):
        raise invalid("item_list") from None
    if not isinstance(items, list) or not 1 <= len(items) <= MOST or not all(map(_is_item, items)):
        raise invalid("item_list")
    return items


def _is_item(item: object) -> bool:
    return isinstance(item, dict) and "item_content_id" in item and isinstance(item.get("item_content"), dict)
