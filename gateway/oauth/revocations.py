"""Revocations: tokens that end before they expire."""

from __future__ import annotations

from sqlalchemy import Column, Text

from gateway.store.tables import Instant, table

revocations = table(
    "revocations",
    Column("key", Text, primary_key=True),
    Column("expires_at", Instant, nullable=False),
)
"""What is revoked: `token:<jti>`, `grant:<authorization>`, `application:<id>` or `user:<id>`, kept until every token it
could concern has expired."""
