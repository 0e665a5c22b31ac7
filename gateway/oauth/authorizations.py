"""Authorizations: what a person let an application do, until it ends, and with it all that follows from it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Row,
    Select,
    Text,
    delete,
    exists,
    insert,
    select,
    update,
)

from gateway.oauth.revocations import revoke
from gateway.store.tables import Instant, instant, metadata, table

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
    Index("ix_authorizations_created_at", "created_at"),
)
"""A family of tokens: all that follow from one consent end with it. `details` is the JSON of `authorization_details`
(RFC 9396) as granted, `key` the thumbprint its tokens are bound to."""


KEPT = timedelta(days=32)
"""How long an authorization is kept: longer than its refresh tokens live, and than codes are remembered."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """One row of `authorizations`."""

    id: str
    application_id: str
    user_id: str
    scopes: tuple[str, ...]
    purpose: str
    details: str | None
    key: str | None
    created_at: str
    revoked_at: str | None


def begin(
    connection: Connection,
    application_id: str,
    user_id: str,
    scopes: Sequence[str],
    purpose: str,
    details: str | None = None,
    key: str | None = None,
) -> str:
    """Keep what a person consented to; the authorization's id. Those that are long over are forgotten."""
    _forget(connection)
    id = secrets.token_urlsafe(16)
    row = {
        "id": id,
        "application_id": application_id,
        "user_id": user_id,
        "scopes": " ".join(scopes),
        "purpose": purpose,
        "details": details,
        "key": key,
        "created_at": instant(datetime.now(UTC)),
    }
    connection.execute(insert(authorizations).values(row))
    return id


def _forget(connection: Connection) -> None:
    """Forget the authorizations that are so old that nothing can follow from them, nor be known by them as stolen."""
    old = authorizations.c.created_at < instant(datetime.now(UTC) - KEPT)
    unused = (~exists().where(each == authorizations.c.id) for each in _referring())
    connection.execute(delete(authorizations).where(old, *unused))


def _referring() -> Iterator[Column[Any]]:
    """The columns of other tables that hold an authorization's id."""
    for other in metadata.tables.values():
        yield from (each for each in other.c if each.references(authorizations.c.id))


def bind(connection: Connection, id: str, key: str) -> None:
    """Bind an authorization that is bound to no key yet."""
    unbound = authorizations.c.id == id, authorizations.c.key.is_(None)
    connection.execute(update(authorizations).where(*unbound).values(key=key))


def end(connection: Connection, id: str) -> None:
    """End an authorization, and every token that followed from it."""
    alive = authorizations.c.id == id, authorizations.c.revoked_at.is_(None)
    connection.execute(update(authorizations).where(*alive).values(revoked_at=instant(datetime.now(UTC))))
    revoke(connection, f"grant:{id}")


def end_all(connection: Connection, user_id: str) -> None:
    """End every authorization that a user gave."""
    alive = authorizations.c.user_id == user_id, authorizations.c.revoked_at.is_(None)
    for id in connection.execute(select(authorizations.c.id).where(*alive)).scalars().all():
        end(connection, id)


def with_authorization(*columns: Any) -> Select[Any]:
    """Selects these columns of a table that belongs to authorizations, and theirs."""
    return select(*columns, *(each.label(f"of_{each.name}") for each in authorizations.c)).join(
        authorizations
    )


def authorization(row: Row[Any]) -> Authorization:
    """The authorization in a row of `with_authorization`."""
    values = {each.name: row._mapping[f"of_{each.name}"] for each in authorizations.c}
    return Authorization(**{**values, "scopes": tuple(values["scopes"].split())})
