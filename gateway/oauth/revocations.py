"""Revocations: tokens that end before they expire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Column, Connection, Text, delete
from sqlalchemy.dialects.sqlite import insert

from gateway.oauth.tokens import LIFETIME
from gateway.store.tables import Instant, instant, table

revocations = table(
    "revocations",
    Column("key", Text, primary_key=True),
    Column("expires_at", Instant, nullable=False),
)
"""What is revoked: `token:<jti>`, `grant:<authorization>`, `application:<id>` or `user:<id>`, kept until every token it
could concern has expired."""

KEPT = LIFETIME + 60
"""Seconds that a revocation is kept: a token's lifetime, and what clocks and a request on its way may add."""


def revoke(connection: Connection, key: str) -> None:
    """End all tokens that `key` stands for, in every worker within two seconds of the commit.

    Whoever revokes makes sure that no new ones are issued: after `KEPT` seconds the revocation is forgotten.
    """
    now = datetime.now(UTC)
    connection.execute(delete(revocations).where(revocations.c.expires_at < instant(now)))
    row = {"key": key, "expires_at": instant(now + timedelta(seconds=KEPT))}
    statement = insert(revocations).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=row))


def restore(connection: Connection, key: str) -> None:
    """Take a revocation back, as when an application is enabled again; tokens that have not expired are good again."""
    connection.execute(delete(revocations).where(revocations.c.key == key))
