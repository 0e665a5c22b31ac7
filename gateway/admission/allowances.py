"""Allowances: what each application may use at most, as its row says or else the settings; followed by every worker."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.oauth.applications import applications
from gateway.store.followed import Followed


class Allowance(NamedTuple):
    """`cost` is in units a minute, `operations` are those in hand at a time."""

    cost: int
    operations: int


class Allowances(Followed):
    """The applications' allowances as one worker knows them; those of outside issuers have no row.

    Where the table cannot be read, what was read last is better than nothing.
    """

    def __init__(self, engine: AsyncEngine, default: Allowance) -> None:
        super().__init__(engine, "allowances")
        self._default = default
        self._set: dict[str, Allowance] = {}

    def of(self, application: str) -> Allowance:
        """What an application may use."""
        return self._set.get(application, self._default)

    async def load(self, connection: AsyncConnection) -> None:
        """Read the table. Raises `SQLAlchemyError`."""
        columns, default = applications.c, self._default
        query = select(columns.id, columns.cost_per_minute, columns.concurrency).where(
            or_(columns.cost_per_minute.is_not(None), columns.concurrency.is_not(None))
        )
        rows = await connection.execute(query)
        self._set = {
            row.id: Allowance(row.cost_per_minute or default.cost, row.concurrency or default.operations)
            for row in rows
        }
