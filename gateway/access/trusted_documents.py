"""Trusted documents: the GraphQL documents that an application has registered, and may run by their ids."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Text

from gateway.store.tables import Instant, table

trusted_documents = table(
    "trusted_documents",
    Column("application", Text, ForeignKey("applications.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("document", Text, nullable=False),
    Column("registered_at", Instant, nullable=False),
)
"""`id` is what the application's own tools made of the document, most often its SHA-256 in hex."""
