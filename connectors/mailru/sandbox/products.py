"""Pandao's catalogue as `product/multi-get` lists it: products, each with its variants, every value a string.

What there is of each follows from its number: its review, its colours, and which of these are switched off.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

PRODUCTS = "SELECT * FROM products WHERE updated >= ? ORDER BY updated, product_id LIMIT ? OFFSET ?"

_COLOURS = ("black", "white", "red")
_UNUSUAL = {3: "pending", 17: "rejected"}


class ProductRow(NamedTuple):
    """A row of `PRODUCTS`; `price` is in kopecks."""

    product_id: int
    name: str
    category: str
    updated: str
    uploaded: str
    price: int
    sold: int


def listed(rows: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """The records of a page."""
    return [{"Product": _product(row)} for row in map(ProductRow._make, rows)]


def product_key(product: int) -> str:
    """Pandao's id of a product: 24 hex digits, as the family's are."""
    return f"{product:024x}"


def variant_key(product: int, place: int) -> str:
    """Pandao's id of a variant."""
    return f"{product:023x}{place + 1}"


def roubles(kopecks: int) -> str:
    """An amount as the protocol writes it."""
    whole, rest = divmod(kopecks, 100)
    return f"{whole}.{rest:02d}" if rest % 10 else f"{whole}.{rest // 10}"


def _product(row: ProductRow) -> dict[str, Any]:
    lot = row.product_id // 3
    key = product_key(row.product_id)
    return {
        "id": key,
        "parent_sku": str(row.product_id),
        "name": row.name,
        "description": row.name,
        "product_category": row.category,
        "brand": "",
        "tags": [{"Tag": {"id": row.category.lower(), "name": row.category.capitalize()}}],
        "main_image": f"https://img.pandao.example/{key}.jpg",
        "extra_images": "",
        "number_sold": str(row.sold),
        "number_saves": str(row.sold * 3),
        "review_status": _UNUSUAL.get(lot % 40, "approved"),
        "is_promoted": "True" if lot % 11 == 0 else "False",
        "date_uploaded": row.uploaded,
        "last_updated": row.updated,
        "variants": [
            {"Variant": _variant(row, lot, place)} for place in range(1 + row.product_id % len(_COLOURS))
        ],
    }


def _variant(row: ProductRow, lot: int, place: int) -> dict[str, Any]:
    return {
        "id": variant_key(row.product_id, place),
        "product_id": product_key(row.product_id),
        # Orders of this world are all for the first one.
        "sku": f"{row.product_id}-{place + 1}" if place else str(row.product_id),
        "color": _COLOURS[place],
        "size": "",
        "price": roubles(row.price + 1_000 * place),
        "shipping": "0.0",
        "inventory": str(lot * (place + 7) % 400),
        "enabled": "False" if lot % 29 == 5 or (place and lot % 7 == 2) else "True",
    }
