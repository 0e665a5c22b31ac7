"""Rows of the sandbox's books that a call asks for by their id."""

from __future__ import annotations

import sqlite3
from typing import Any

from connectors.alibaba.sandbox.admission import CallError, invalid


def number(value: Any, name: str) -> int:
    """An id as the partner takes it: a number, or its digits. Raises `CallError`."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise invalid(name)
    return value


def order_row(database: sqlite3.Connection, id_: Any, name: str = "order_id") -> sqlite3.Row:
    """The order of an id. Raises `CallError`."""
    return _row(database.execute("SELECT * FROM orders WHERE id = ?", (number(id_, name),)), "order")


def product_row(database: sqlite3.Connection, id_: Any) -> sqlite3.Row:
    """The product of an id. Raises `CallError`."""
    found = database.execute("SELECT * FROM products WHERE id = ?", (number(id_, "product_id"),))
    return _row(found, "product")


def _row(found: sqlite3.Cursor, what: str) -> sqlite3.Row:
    row: sqlite3.Row | None = found.fetchone()
    if row is None:
        raise CallError(type="ISV", code=f"isv.{what}-not-exist", msg=f"The {what} does not exist")
    return row
