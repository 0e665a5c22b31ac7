"""Single use: what may be presented once and never again, such as the `jti` of an assertion or a proof."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Column, Connection, Index, Text, delete
from sqlalchemy.dialects.sqlite import insert

from gateway.store.tables import Instant, instant, table

spent = table(
    "spent",
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("expires_at", Instant, nullable=False),
    Index("ix_spent_expires_at", "expires_at"),
)
"""What was used, until it would be refused for its age."""


def spend(connection: Connection, kind: str, value: str, expires: datetime) -> bool:
    """Use `value` up, in one statement: True for the first who does, False for every other, in any worker.

    After `expires` it is forgotten, so whoever accepts it must refuse it for its age by then.
    """
    connection.execute(delete(spent).where(spent.c.expires_at < instant(datetime.now(UTC))))
    row = {"kind": kind, "value": value, "expires_at": instant(expires)}
    return connection.execute(insert(spent).on_conflict_do_nothing(), row).rowcount == 1
