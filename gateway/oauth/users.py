"""Users: people of the parties, who sign in to let an application act for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, Text, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import SettingsError
from gateway.oauth.authorizations import end_all
from gateway.oauth.passwords import hash_password
from gateway.oauth.registration import Known, check_rights
from gateway.oauth.revocations import revoke
from gateway.oauth.sessions import end_sessions
from gateway.store.tables import Instant, instant, table

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

# With an @, which no application's id has: a token's subject is never taken for the other kind.
_ID = re.compile(r"[a-z0-9][a-z0-9._+-]{0,63}@[a-z0-9][a-z0-9.-]{0,63}")


_LISTS = ("scopes", "purposes")


@dataclass(frozen=True, slots=True)
class User:
    """One row of `users`."""

    id: str
    name: str
    party: str
    scopes: tuple[str, ...]
    purposes: tuple[str, ...]
    password_hash: str = field(default="", repr=False)
    created_at: str = ""
    disabled_at: str | None = None


async def add(
    connection: AsyncConnection,
    id: str,
    name: str,
    party: str,
    password: str,
    scopes: Sequence[str],
    purposes: Sequence[str],
    known: Known,
) -> None:
    """Add a user. Raises `SettingsError` for an id that is malformed or taken, a poor password, what is not known."""
    if not _ID.fullmatch(id):
        raise SettingsError("a user's id is like an e-mail address in lower case: li.wei@alibaba.example")
    user = User(id, name, party, tuple(scopes), tuple(purposes))
    check_rights("a user", user, known)
    row = {each.name: getattr(user, each.name) for each in fields(user)}
    row |= {name: " ".join(dict.fromkeys(row[name])) for name in _LISTS}
    row |= {"password_hash": await hash_password(password), "created_at": instant(datetime.now(UTC))}
    try:
        await connection.execute(insert(users).values(row))
    except IntegrityError:
        raise SettingsError(f"there is a user {id} already") from None


async def find(connection: AsyncConnection, id: str) -> User | None:
    """The user of that id, disabled or not."""
    return await connection.run_sync(lookup, id)


async def list_all(connection: AsyncConnection) -> list[User]:
    """All users by party and id, the disabled ones among them."""
    rows = await connection.execute(select(users).order_by(users.c.party, users.c.id))
    return [_user(row) for row in rows]


def lookup(connection: Connection, id: str) -> User | None:
    """`find` for Authlib, which knows no await."""
    row = connection.execute(select(users).where(users.c.id == id)).one_or_none()
    return None if row is None else _user(row)


async def set_password(connection: AsyncConnection, id: str, password: str) -> None:
    """Give a user another password; whoever got in by the old one is signed out. Raises `SettingsError`."""
    await _update(connection, id, password_hash=await hash_password(password))
    await connection.run_sync(_end, id)


async def set_rights(
    connection: AsyncConnection, id: str, scopes: Sequence[str], purposes: Sequence[str]
) -> None:
    """Say what may be had in a user's name from now on. Raises `SettingsError`."""
    await _update(connection, id, scopes=" ".join(scopes), purposes=" ".join(purposes))


async def disable(connection: AsyncConnection, id: str) -> None:
    """Let a user sign in no more, and end its sessions, authorizations and tokens. Raises `SettingsError`."""
    await _update(connection, id, disabled_at=instant(datetime.now(UTC)))
    await connection.run_sync(_end, id)
    await connection.run_sync(revoke, f"user:{id}")


async def enable(connection: AsyncConnection, id: str) -> None:
    """Let a user sign in again; what was ended stays so. Raises `SettingsError`."""
    await _update(connection, id, disabled_at=None)


async def _update(connection: AsyncConnection, id: str, **values: str | None) -> None:
    changed = await connection.execute(update(users).where(users.c.id == id).values(values))
    if changed.rowcount != 1:
        raise SettingsError(f"there is no user {id}")


def _end(connection: Connection, id: str) -> None:
    end_sessions(connection, id)
    end_all(connection, id)


def _user(row: Row[Any]) -> User:
    values: dict[str, Any] = dict(row._mapping)
    for name in _LISTS:
        values[name] = tuple(values[name].split())
    return User(**values)
