"""Products, as `aliexpress.solution.product.list.get` lists them and `…product.info.get` shows them with their SKUs.

Documented by the partner: the names of fields, lists and filters, a page of 99 at most, that a list needs a status,
images joined by `;`, and prices as texts. Times are Beijing's, as integrators found them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from connectors.alibaba.sandbox.admission import invalid
from connectors.alibaba.sandbox.listings import Condition, Filter, Form, Listing, Record, wrapped
from connectors.alibaba.sandbox.orders import decimal
from connectors.alibaba.sandbox.rows import product_row

STATUSES = ("onSelling", "offline", "auditing", "editingRequired")

_COLOURS = ("Black", "White", "Red")


def statuses(asked: Filter) -> Condition:
    """The products of the status asked for, which is needed."""
    status = asked.get("product_status_type")
    if status not in STATUSES:
        raise invalid("product_status_type")
    return Condition("status = ?", (status,))


def shown(row: sqlite3.Row, simplify: bool) -> Record:
    """One `item_display_dto`; its status is the one that was asked for, and is not said again."""
    prices = [price for _, price, _ in variants(row)]
    return {
        "product_id": row["id"],
        "subject": row["name"],
        "currency_code": "USD;RUB" if row["id"] % 10 == 3 else "USD",
        "product_min_price": decimal(min(prices)),
        "product_max_price": decimal(max(prices)),
        "image_u_r_ls": ";".join(
            f"https://ae01.alicdn.com/kf/{row['id']}_{n}.jpg" for n in range(len(prices))
        ),
        "freight_template_id": 1000,
        "owner_member_id": "cn1500000017",
        "owner_member_seq": 1021372981,
        "src": "isv",
        "gmt_create": row["created"],
        "gmt_modified": row["modified"],
    }


def variants(row: sqlite3.Row) -> list[tuple[str, int, int]]:
    """The colours a product comes in, with the price in cents and the stock of each."""
    lot = row["id"] // 2
    return [
        (colour, row["cents"] + 50 * place, lot * (place + 7) % 400)
        for place, colour in enumerate(_COLOURS[: 1 + lot % len(_COLOURS)])
    ]


def sku_codes(row: sqlite3.Row) -> set[str]:
    """The seller's codes of a product's variants."""
    return {_code(row, colour) for colour, _, _ in variants(row)}


def _code(row: sqlite3.Row, colour: str) -> str:
    return f"{row['id']}-{colour[0]}"


def product(
    database: sqlite3.Connection,
    parameters: Mapping[str, str],
    changed: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Record:
    """`aliexpress.solution.product.info.get`, with changed prices and stock by code. Raises `CallError`."""
    row = product_row(database, parameters.get("product_id"))
    simplify = parameters.get("simplify") == "true"
    skus = [_sku(row, *variant, changed.get(_code(row, variant[0]), {})) for variant in variants(row)]
    found = {
        "product_id": row["id"],
        "subject": row["name"],
        "category_id": 200_000_000 + len(row["category"] or ""),
        "product_status_type": row["status"],
        "currency_code": "USD",
        "aeop_ae_product_s_k_us": wrapped(skus, "global_aeop_ae_product_sku", simplify),
        "multi_language_subject_list": wrapped(
            [{"language": "en_US", "subject": row["name"]}], "global_subject", simplify
        ),
        "gmt_create": row["created"],
        "gmt_modified": row["modified"],
    }
    return {"result": found}


def _sku(row: sqlite3.Row, colour: str, cents: int, listed: int, changed: Mapping[str, Any]) -> Record:
    place, stock = _COLOURS.index(colour), changed.get("stock", listed)
    found: Record = {
        "id": f"14:{193 + place}#{colour}",
        "sku_code": _code(row, colour),
        "sku_price": changed.get("price", decimal(cents)),
        "currency_code": "USD",
        "sku_stock": stock > 0,
    }
    # One name here, another there, and a third elsewhere.
    name = ("ipm_sku_stock", "sku_available_stock", "s_k_u_available_stock")[row["id"] // 2 % 3]
    discounted = {"sku_discount_price": decimal(cents * 9 // 10)} if row["id"] % 4 == 1 else {}
    return found | discounted | {name: stock}


products = Listing(
    "products",
    "item_display_dto",
    shown,
    statuses,
    Form(
        "aeop_a_e_product_list_query",
        "aeop_a_e_product_display_d_t_o_list",
        "product_count",
        99,
        ("gmt_create_start", "gmt_create_end", "gmt_modified_start", "gmt_modified_end"),
    ),
)
