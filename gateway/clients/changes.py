"""Changes of orders: what subscribers are told of, in the order in which it was committed."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Text

from gateway.access.rules import follows
from gateway.store.tables import Instant, table

order_changes = table(
    "order_changes",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("order_id", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    rows=follows("orders", "orders.id = this.order_id"),
    sqlite_autoincrement=True,
)
"""A row a change, written with the change itself; ids only grow, and old rows go."""
