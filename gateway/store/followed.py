"""Followed tables: what a worker keeps of the database in memory; it reads them so often that changes hold soon."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.background import beside, whole
from gateway.errors import Refusal
from gateway.store.watch import Version, Watch

PAUSE = 0.5
"""Seconds between two looks. With the reading, on a busy machine too, this keeps the bound of two."""

TRUSTED = 10.0
"""Seconds that a worker goes on by what it read last where the database cannot be read; then it refuses everybody."""

logger = logging.getLogger("gateway.store.followed")


class Followed:
    """Something of the database as one worker knows it: in memory, and read anew within half a second of any commit
    while `followed`.

    `what` names it in the log, and `clock` gives seconds that never go back.
    """

    def __init__(self, engine: AsyncEngine, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._what = what
        self._clock = clock
        self._read = float("-inf")

    async def load(self, connection: AsyncConnection) -> None:
        """Read it into memory. Raises `SQLAlchemyError`."""
        raise NotImplementedError

    def check(self, unknown: str) -> None:
        """Raise `Refusal` 503, with what cannot be known, where the last reading is too old to go by."""
        if self.age() > TRUSTED:
            message = f"{unknown} cannot be known now; try again in a moment."
            raise Refusal(503, "UNAVAILABLE", message, {"Retry-After": "1"})

    def age(self) -> float:
        """Seconds since it was read."""
        return self._clock() - self._read

    async def refresh(self) -> None:
        """Read it anew. Raises `SQLAlchemyError`."""
        # What changes while it is read may be missing, so the reading is as old as its start.
        began = self._clock()
        async with self._engine.connect() as connection:
            await self.load(connection)
        self._read = began

    @contextlib.asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Follow it while the block runs, from its start on. Raises `SQLAlchemyError` where it is not there."""
        try:
            with contextlib.closing(Watch(self._engine)) as watch:
                known = watch.version()
                await self.refresh()
                async with beside(self._follow(watch, known)):
                    yield
        finally:
            await self._engine.dispose()

    async def _follow(self, watch: Watch, known: Version | None) -> None:
        failing = False
        while True:
            await asyncio.sleep(PAUSE)
            try:
                known = await self._look(watch, known)
            except Exception as error:
                # Whatever it is: nobody would hear of it, and following must go on.
                if not failing:
                    logger.error("%s cannot be read", self._what, extra={"reason": type(error).__name__})
                failing = True
            else:
                failing = False

    async def _look(self, watch: Watch, known: Version | None) -> Version | None:
        """Read it anew unless nothing was committed since; what is known then is as good as read now."""
        # What is committed between the two is read twice, and nothing never.
        began, version = self._clock(), watch.version()
        if version is None or version != known:
            await whole(self.refresh())
        else:
            self._read = began
        return version
