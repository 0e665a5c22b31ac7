"""Allowances: what each application may use at most, as its row says or else the settings; followed by every worker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.oauth.applications import applications

PAUSE = 0.5
"""Seconds between two readings of the table."""

logger = logging.getLogger("gateway.admission")


class Allowance(NamedTuple):
    """`cost` is in units a minute, `operations` are those in hand at a time."""

    cost: int
    operations: int


class Allowances:
    """The applications' allowances as one worker knows them; those of outside issuers have no row."""

    def __init__(self, engine: AsyncEngine, default: Allowance) -> None:
        self._engine = engine
        self._default = default
        self._set: dict[str, Allowance] = {}

    def of(self, application: str) -> Allowance:
        """What an application may use."""
        return self._set.get(application, self._default)

    async def refresh(self) -> None:
        """Read the table. Raises `SQLAlchemyError`."""
        columns = applications.c
        query = select(columns.id, columns.cost_per_minute, columns.concurrency).where(
            or_(columns.cost_per_minute.is_not(None), columns.concurrency.is_not(None))
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        cost, operations = self._default
        self._set = {
            row.id: Allowance(row.cost_per_minute or cost, row.concurrency or operations) for row in rows
        }

    @contextlib.asynccontextmanager
    async def followed(self, beat: Callable[[], None]) -> AsyncIterator[None]:
        """Follow the table while the block runs, and call `beat` as often as it is read."""
        await self._try()
        following = asyncio.create_task(self._follow(beat))
        try:
            yield
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await self._engine.dispose()

    async def _follow(self, beat: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            beat()
            await self._try()

    async def _try(self) -> None:
        try:
            await self.refresh()
        except (SQLAlchemyError, OSError) as error:
            # What was read last is a better guess than none.
            logger.warning("allowances cannot be read", extra={"reason": type(error).__name__})
