"""Users: people of the parties, who sign in to let an application act for them."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Text

from gateway.store.tables import Instant, table

users = table(
    "users",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("purposes", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),
)
"""`id` is what a person signs in with; `scopes` and `purposes` as an application's, separated by spaces."""

sessions = table(
    "sessions",
    Column("digest", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("expires_at", Instant, nullable=False),
)
"""Browsers that are signed in, each by the SHA-256 of its cookie."""
