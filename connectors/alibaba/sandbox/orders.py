"""Orders, as `aliexpress.solution.order.get` gives them out: fields, misspellings, the rule for `FINISH`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import orjson

from connectors.alibaba.sandbox.admission import invalid
from connectors.alibaba.sandbox.listings import Condition, Filter, Listing, Record, wrapped

_ORDER: Mapping[str, object] = {
    "biz_type": "AE_COMMON",
    "payment_type": "migs102",
    "frozen_status": "NO_FROZEN",
    "issue_status": "NO_ISSUE",
    "timeout_left_time": -86_400_000,
    "left_send_good_day": "0",
    "left_send_good_hour": "0",
    "left_send_good_min": "0",
    "logisitcs_escrow_fee_rate": "0.05",
    "escrow_fee_rate": 0.05,
    "seller_login_id": "cn1500000017",
    "seller_operator_login_id": "cn1500000017",
    "seller_signer_fullname": "Silk Road Store",
    "phone": True,
    "has_request_loan": False,
}

_PRODUCT: Mapping[str, object] = {
    "delivery_time": "5-10",
    "logistics_type": "CPAM",
    "money_back3x": False,
    "afflicate_fee_rate": "0.03",
}

# The partner writes the escape itself into the text.
_SNAPSHOT = "http://www.aliexpress.com/snapshot/null.html?orderId\\u003d"


def statuses(asked: Filter) -> Condition:
    """The orders of the statuses asked for; without any, all orders but those that are `FINISH`."""
    found = asked.get("order_status_list") or asked.get("order_status")
    if not found:
        return Condition("status <> 'FINISH'", ())
    names = found if isinstance(found, list) else [found]
    if not all(isinstance(name, str) for name in names):
        raise invalid("order_status")
    return Condition(f"status IN ({', '.join('?' * len(names))})", tuple(names))


def order(row: sqlite3.Row, simplify: bool) -> Record:
    """One `order_dto`; what is not known is absent."""
    lines = orjson.loads(row["lines"])
    products = [product(row, place, line) for place, line in enumerate(lines, 1)]
    known = {
        "gmt_pay_time": row["paid"],
        "gmt_send_goods_time": row["sent"],
        "end_reason": row["end_reason"],
        "buyer_signer_fullname": row["buyer_name"],
    }
    return {
        **_ORDER,
        **{name: value for name, value in known.items() if value is not None},
        "order_id": row["id"],
        "order_status": row["status"],
        "gmt_create": row["created"],
        "gmt_update": row["modified"],
        "pay_amount": money(sum(line[4] for line in lines)),
        "fund_status": "PAY_SUCCESS" if row["paid"] else "NOT_PAY",
        "logistics_status": logistics_status(row),
        "buyer_login_id": row["buyer"],
        "order_detail_url": f"http://trade.aliexpress.com/order_detail.htm?orderId={row['id']}",
        "product_list": wrapped(products, "order_product_dto", simplify),
    }


def logistics_status(row: sqlite3.Row) -> str:
    """Where the parcel is."""
    if row["sent"] is None:
        return "WAIT_SELLER_SEND_GOODS" if row["paid"] else "NO_LOGISTICS"
    return "BUYER_ACCEPT_GOODS" if row["status"] == "FINISH" else "SELLER_SEND_GOODS"


def product(row: sqlite3.Row, place: int, line: list[Any]) -> Record:
    """One `order_product_dto`. Its own `order_id` is the child order's."""
    product_id, name, category, quantity, cents = line
    child = row["id"] + place
    return {
        **_PRODUCT,
        "order_id": child,
        "child_id": child,
        "product_id": product_id,
        "product_name": name,
        "category_name": category,
        "product_count": quantity,
        "product_unit_price": {"amount": decimal(cents // quantity), "currency_code": "USD"},
        "total_product_amount": {"amount": decimal(cents), "currency_code": "USD"},
        "son_order_status": row["status"],
        "product_snap_url": f"{_SNAPSHOT}{child}",
    }


def money(cents: int) -> Record:
    """An amount with its cents and their factor."""
    return {"amount": decimal(cents), "cent": cents, "cent_factor": 100, "currency_code": "USD"}


def decimal(cents: int) -> str:
    """Cents as the decimal text of dollars."""
    return f"{cents // 100}.{cents % 100:02d}"


orders = Listing("orders", "order_dto", order, statuses)
