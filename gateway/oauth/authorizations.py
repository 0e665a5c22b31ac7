"""Authorizations: what a person let an application do, and the codes and refresh tokens that stand for it."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Text

from gateway.store.tables import Instant, table

authorizations = table(
    "authorizations",
    Column("id", Text, primary_key=True),
    Column("application_id", Text, ForeignKey("applications.id"), nullable=False),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("details", Text),
    Column("key", Text),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Index("ix_authorizations_user_id", "user_id"),
)
"""A family of tokens: all that follow from one consent end with it. `details` is the JSON of `authorization_details`
(RFC 9396) as granted, `key` the thumbprint its tokens are bound to."""

codes = table(
    "codes",
    Column("digest", Text, primary_key=True),
    Column("authorization_id", Text, ForeignKey("authorizations.id"), nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("challenge", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)
"""Authorization codes, each by its SHA-256; `challenge` is PKCE's, by S256."""

refresh_tokens = table(
    "refresh_tokens",
    Column("digest", Text, primary_key=True),
    Column("authorization_id", Text, ForeignKey("authorizations.id"), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)
"""Refresh tokens, each by its SHA-256."""
