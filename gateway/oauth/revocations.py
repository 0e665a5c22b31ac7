"""Revocations: tokens that end before they expire, in every worker within two seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Column, Connection, Index, Text, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.oauth.blocks import blocked, blocking
from gateway.oauth.tokens import LIFETIME, Caller
from gateway.store.followed import Followed
from gateway.store.tables import Instant, instant, table

revocations = table(
    "revocations",
    Column("key", Text, primary_key=True),
    Column("revoked_at", Instant, nullable=False),
    Index("ix_revocations_revoked_at", "revoked_at"),
)
"""What is revoked: `token:<jti>`, `grant:<authorization>`, `application:<id>` or `user:<id>`, of each the tokens issued
until then; kept until all of those have expired."""

KEPT = LIFETIME + 60
"""Seconds that a revocation is kept: a token's lifetime, and what clocks and a request on its way may add."""


def revoke(connection: Connection, key: str) -> None:
    """End all tokens that `key` stands for, in every worker within two seconds of the commit.

    Those issued later, as to an application that is enabled again, are good: whoever revokes makes sure that there are
    none for as long as there should be none.
    """
    now = datetime.now(UTC)
    connection.execute(delete(revocations).where(revocations.c.revoked_at < _forgotten(now)))
    row = {"key": key, "revoked_at": instant(now)}
    statement = insert(revocations).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=row))


def _forgotten(now: datetime) -> str:
    """What was revoked before this concerns nobody any more."""
    return instant(now - timedelta(seconds=KEPT))


def concerned(caller: Caller) -> list[str]:
    """The keys under which a caller's token may have been revoked."""
    keys = [f"token:{caller.token}", f"application:{caller.application}"]
    if caller.user is not None:
        keys.append(f"user:{caller.user}")
    if caller.grant is not None:
        keys.append(f"grant:{caller.grant}")
    return keys


def is_revoked(connection: Connection, caller: Caller) -> bool:
    """Whether a caller's token was revoked, by the database's own word."""
    query = select(revocations.c.key).where(
        revocations.c.key.in_(concerned(caller)), revocations.c.revoked_at >= _moment(caller)
    )
    return connection.execute(query.limit(1)).first() is not None


def _moment(caller: Caller) -> str:
    return instant(datetime.fromtimestamp(caller.issued, UTC))


class Revocations(Followed):
    """The live revocations and blocks as one worker knows them.

    `clock` gives seconds that never go back.
    """

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(engine, "revocations", clock)
        self._since: dict[str, str] = {}
        self._blocked: frozenset[str] = frozenset()

    def revoked(self, caller: Caller) -> bool:
        """Whether a caller's token was revoked, or its bearer blocked. Raises `Refusal` 503 where nobody can know."""
        self.check("Whether the token was revoked")
        if self._blocked and not self._blocked.isdisjoint(blocking(caller)):
            return True
        if not self._since:
            return False
        found = [since for key in concerned(caller) if (since := self._since.get(key)) is not None]
        return bool(found) and max(found) >= _moment(caller)

    async def load(self, connection: AsyncConnection) -> None:
        """Read the tables. Raises `SQLAlchemyError`."""
        live = select(revocations.c.key, revocations.c.revoked_at)
        rows = await connection.execute(live.where(revocations.c.revoked_at >= _forgotten(datetime.now(UTC))))
        self._since = {row.key: row.revoked_at for row in rows}
        self._blocked = frozenset(await blocked(connection))
