"""Blocks: outside issuers, and applications and people of theirs, whose tokens are taken no more until it is undone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Column, Text, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import SettingsError
from gateway.oauth.tokens import Caller
from gateway.store.tables import Instant, instant, table

blocks = table(
    "blocks",
    Column("key", Text, primary_key=True),
    Column("blocked_at", Instant, nullable=False),
)
"""`issuer:<name>`, `application:<name>:<id>` or `user:<name>:<subject>`; names are those of `[[issuers]]`."""


def key(issuer: str, application: str | None, user: str | None) -> str:
    """What stands for an application or a person of an issuer, or for all of it."""
    if application is not None:
        return f"application:{issuer}:{application}"
    return f"issuer:{issuer}" if user is None else f"user:{issuer}:{user}"


def blocking(caller: Caller) -> tuple[str, ...]:
    """The keys under which a caller may be blocked; none where the gateway itself issued its token."""
    issuer, outside, _ = caller.application.partition(":")
    if not outside:
        return ()
    return f"issuer:{issuer}", f"application:{caller.application}", f"user:{caller.user or ''}"


async def block(connection: AsyncConnection, key: str) -> bool:
    """Take no token of it any more, in every worker within two seconds of the commit; whether that is new."""
    row = {"key": key, "blocked_at": instant(datetime.now(UTC))}
    return (await connection.execute(insert(blocks).on_conflict_do_nothing(), row)).rowcount == 1


async def unblock(connection: AsyncConnection, key: str) -> None:
    """Take its tokens again, also those from before. Raises `SettingsError` for what is not blocked."""
    if (await connection.execute(delete(blocks).where(blocks.c.key == key))).rowcount != 1:
        raise SettingsError(f"{key} is not blocked")


async def blocked(connection: AsyncConnection) -> Mapping[str, str]:
    """All that is blocked, each with the moment since when."""
    rows = await connection.execute(select(blocks.c.key, blocks.c.blocked_at).order_by(blocks.c.key))
    return {row.key: row.blocked_at for row in rows}
