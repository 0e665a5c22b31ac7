"""Affiliate orders, as `aliexpress.affiliate.order.listbyindex` gives them out: by a cursor, status by status.

Documented by the partner: parameters, the two indices of an answer and their form (`<time>_<seller>_<order>`), amounts
as bare numbers of cents, rates with a per-cent sign, `Y` and `N`, US Pacific times, JSON within a text, the two ids
that are deprecated and still there. Modelled: that indices grow with the time of the last change of status, that an
answer goes on behind the index asked for, and which order has which affiliate.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from connectors.alibaba.pacific import moment, wall
from connectors.alibaba.sandbox.admission import CallError, invalid
from connectors.alibaba.sandbox.listings import Record, wrapped
from gateway.connector import Unreadable

if TYPE_CHECKING:
    from connectors.alibaba.sandbox.furnishing import Course
    from gateway.demo.world import Purchase

STATUSES = ("Payment Completed", "Buyer Confirmed Receipt", "Completed Settlement", "Invalid")
SELLER = 101_555_804
TABLE = """
CREATE TABLE affiliate_orders (
    position TEXT NOT NULL, status TEXT NOT NULL, changed TEXT NOT NULL, created TEXT NOT NULL, paid TEXT,
    order_id INTEGER NOT NULL, product_id INTEGER NOT NULL, quantity INTEGER NOT NULL, cents INTEGER NOT NULL,
    effect TEXT
);
"""
INDEX = "CREATE UNIQUE INDEX affiliate_orders_by_position ON affiliate_orders (status, position);"


def affiliate_order(purchase: Purchase, id_: int, product_id: int, course: Course) -> tuple[object, ...]:
    """A row: the first line of a purchase that came by an affiliate."""
    line = purchase.lines[0]
    changed = int(course.modified.timestamp()) * 1000
    refunded = course.end_reason == "refund_order_close_trade"
    return (
        f"{changed}_{SELLER}_{id_}",
        _status(course),
        wall(course.modified),
        wall(purchase.at),
        wall(course.paid) if course.paid else None,
        id_,
        product_id,
        line.quantity,
        line.cents,
        "FullRefund" if refunded else None,
    )


def _status(course: Course) -> str:
    if course.status != "FINISH":
        return "Payment Completed" if course.paid else "Invalid"
    if course.end_reason:
        return "Invalid"
    return "Completed Settlement" if course.modified.month % 2 else "Buyer Confirmed Receipt"


def affiliate_orders(database: sqlite3.Connection, parameters: Mapping[str, str]) -> Record:
    """The answer to a call: up to a page behind the index. Raises `CallError`."""
    try:
        return {
            "resp_result": {
                "resp_code": 200,
                "resp_msg": "Call succeeds",
                "result": _result(database, parameters),
            }
        }
    except CallError as error:
        # This family of methods has its own codes, within a success.
        return {"resp_result": {"resp_code": 402, "resp_msg": str(error.body["msg"])}}


def _result(database: sqlite3.Connection, parameters: Mapping[str, str]) -> Record:
    status, size = parameters.get("status"), parameters.get("page_size", "")
    if status not in STATUSES:
        raise invalid("status")
    if not size.isdecimal() or not 1 <= int(size) <= 50:
        raise invalid("page_size")
    rows = database.execute(
        "SELECT * FROM affiliate_orders WHERE status = ? AND position > ? AND changed BETWEEN ? AND ?"
        " ORDER BY position LIMIT ?",
        (status, parameters.get("start_query_index_id", ""), *_window(parameters), int(size)),
    ).fetchall()
    shown = [order for row in rows for order in _shown(row)]
    found: Record = {"current_record_count": len(shown)}
    if rows:
        found["min_query_index_id"], found["max_query_index_id"] = rows[0]["position"], rows[-1]["position"]
        found["orders"] = wrapped(shown, "order", parameters.get("simplify") == "true")
    return found


def _window(parameters: Mapping[str, str]) -> Iterator[str]:
    for name in ("start_time", "end_time"):
        try:
            moment(parameters.get(name), name)
        except Unreadable:
            raise invalid(name) from None
        yield parameters[name]


def _shown(row: sqlite3.Row) -> Iterator[Record]:
    """One `order`."""
    commission = row["cents"] * 7 // 100
    done = row["status"] in STATUSES[1:3]
    known: dict[str, Any] = {
        "order_id": row["order_id"],
        "order_number": row["order_id"],
        "parent_order_number": row["order_id"],
        "sub_order_id": row["order_id"] + 1,
        "order_status": row["status"],
        "product_id": row["product_id"],
        "product_count": row["quantity"],
        "paid_amount": row["cents"],
        "finished_amount": row["cents"] if done else None,
        "commission_rate": "7.00%",
        "estimated_paid_commission": commission,
        "estimated_finished_commission": commission if done else None,
        "new_buyer_bonus_commission": 0,
        "is_new_buyer": "Y" if row["order_id"] // 1000 % 3 == 0 else "N",
        "is_hot_product": "N",
        "settled_currency": "USD",
        "effect_detail_status": row["effect"],
        "ship_to_country": "RU",
        "tracking_id": "silkroad",
        "custom_parameters": orjson.dumps({"af": "silkroad", "cn": "demo"}).decode(),
        "created_time": row["created"],
        "paid_time": row["paid"],
        "finished_time": row["changed"] if done else None,
    }
    yield {name: value for name, value in known.items() if value is not None}
