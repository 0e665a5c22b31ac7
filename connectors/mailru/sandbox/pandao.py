"""Pandao's stand-in: the Wish-v2 shape, every value a string, errors in the envelope."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.mailru.sandbox import faults
from connectors.mailru.sandbox.products import PRODUCTS, listed, product_key, roubles, variant_key

_ORDERS = """
SELECT changed.*, products.name AS product, products.category, users.name, users.region, users.phone
FROM (SELECT * FROM orders WHERE updated >= ? ORDER BY updated, order_id LIMIT ? OFFSET ?) AS changed
LEFT JOIN products USING (product_id) LEFT JOIN users USING (user_id)
ORDER BY changed.updated, changed.order_id
"""
_USERS = "SELECT * FROM users WHERE updated >= ? ORDER BY updated, user_id LIMIT ? OFFSET ?"

MERCHANT_SHARE = 85
"""Per cent of the price that is the cost."""

Shape = Callable[[Iterable[tuple[Any, ...]]], list[dict[str, Any]]]


class UserRow(NamedTuple):
    """A row of `_USERS`."""

    updated: str
    user_id: str
    name: str | None
    email: str | None
    phone: str | None
    region: str | None
    birth_year: int | None
    registered: str


class OrderRow(NamedTuple):
    """A row of `_ORDERS`; `total` is in kopecks."""

    updated: str
    order_id: str
    transaction_id: str
    user_id: str
    product_id: int
    quantity: int
    total: int
    state: str
    confirmed: int
    placed: str
    shipped: str | None
    tracking: str | None
    product: str
    category: str
    name: str | None
    region: str | None
    phone: str | None


class ParameterError(Exception):
    """A parameter is not what the protocol allows; the text names it."""


class Pandao:
    """Three lists behind one access token."""

    def __init__(self, books: sqlite3.Connection, settings: Mapping[str, str]) -> None:
        self._books = books
        self._token = settings["access_token"]

    def routes(self) -> list[Route]:
        """The paths it answers."""
        lists: dict[str, tuple[str, Shape]] = {
            "order": (_ORDERS, _orders),
            "user": (_USERS, _users),
            "product": (PRODUCTS, listed),
        }
        return [Route(f"/api/v2/{name}/multi-get", self._list(*found)) for name, found in lists.items()]

    def _list(self, sql: str, shape: Shape) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            query = request.query_params
            if query.get("access_token") != self._token:
                return _envelope([], code=1016, message="The access token is unknown or revoked", status=400)
            try:
                start, limit = _number(query, "start", 0, 0), _number(query, "limit", 50, 1)
                data = faults.records(request, shape(self._books.execute(sql, (_since(query), limit, start))))
            except ParameterError as error:
                return _envelope([], code=1000, message=f"Invalid parameter: {error}")
            return _envelope(data, _paging(request, start, limit, len(data)))

        return endpoint


def _since(query: Mapping[str, str]) -> str:
    text = query.get("since", "")
    for form in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).isoformat()
        except ValueError:
            continue
    if text:
        raise ParameterError("since")
    return text


def _number(query: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = query.get(name, str(default))
    most = 500 if name == "limit" else 10**9
    if not (text.isascii() and text.isdigit() and len(text) < 11 and least <= int(text) <= most):
        raise ParameterError(name)
    return int(text)


def _paging(request: Request, start: int, limit: int, found: int) -> dict[str, str]:
    def address(place: int) -> str:
        query = {**request.query_params, "start": str(place), "limit": str(limit)}
        return f"{request.url.replace(query='')}?{urlencode(query)}"

    paging = {"next": faults.address(request, address(start + limit))} if found == limit else {}
    return {**paging, "previous": address(max(start - limit, 0))} if start else paging


def _envelope(
    data: Sequence[Any],
    paging: Mapping[str, str] | None = None,
    *,
    code: int = 0,
    message: str = "",
    status: int = 200,
) -> Response:
    body = orjson.dumps({"code": code, "message": message, "data": data, "paging": paging or {}})
    return Response(body, status, media_type="application/json")


def _users(rows: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [
        {
            "User": {
                "user_id": row.user_id,
                "name": row.name or "",
                "email": row.email or "",
                "phone_number": row.phone or "",
                "region": row.region or "",
                "birth_year": str(row.birth_year or ""),
                "registered": row.registered,
                "last_updated": row.updated,
            }
        }
        for row in map(UserRow._make, rows)
    ]


def _orders(rows: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [{"Order": {**_product(row), **_course(row)}} for row in map(OrderRow._make, rows)]


def _product(row: OrderRow) -> dict[str, Any]:
    price = round(row.total / row.quantity)
    return {
        "order_id": row.order_id,
        "transaction_id": row.transaction_id,
        "buyer_id": row.user_id,
        "product_id": product_key(row.product_id),
        "product_name": row.product,
        "product_category": row.category,
        "variant_id": variant_key(row.product_id, 0),
        "sku": str(row.product_id),
        "color": "",
        "size": "",
        "quantity": str(row.quantity),
        "price": roubles(price),
        "cost": roubles(price * MERCHANT_SHARE // 100),
        "shipping": "0.0",
        "shipping_cost": "0.0",
        "order_total": roubles(row.total),
    }


def _course(row: OrderRow) -> dict[str, Any]:
    return {
        "state": row.state,
        "order_time": row.placed,
        "released_to_merchant_time": row.placed,
        "last_updated": row.updated,
        "hours_to_fulfill": "120",
        "days_to_fulfill": "5",
        "is_combined_order": "False",
        "shipped_date": row.shipped or "",
        "shipping_provider": "RussianPost" if row.shipped else "",
        "tracking_number": row.tracking or "",
        "tracking_confirmed": "True" if row.confirmed else "False",
        "tracking_confirmed_date": row.updated if row.confirmed else "",
        "requires_delivery_confirmation": "True",
        "refunds": _refunds(row),
        "ShippingDetail": {
            "name": row.name or "",
            "state": row.region or "",
            "country": "RU",
            "phone_number": row.phone or "",
        },
    }


def _refunds(row: OrderRow) -> list[dict[str, str]]:
    """What was paid back: all of an order that was refunded, and a part of one in two hundred that have arrived."""
    part = (
        row.total
        if row.state == "REFUNDED"
        else row.total // 5 * (row.confirmed and row.product_id % 200 == 7)
    )
    if not part:
        return []
    late = row.state == "REFUNDED"
    return [
        {
            "refund_time": row.updated,
            "refund_amount": roubles(part),
            "merchant_responsible_amount": roubles(part * MERCHANT_SHARE // 100),
            "refund_reason": "Item was not delivered on time" if late else "Item is damaged",
        }
    ]
