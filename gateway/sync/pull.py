"""Pulling: a partner's records into the shared base, a batch and its cursor in one transaction.

Killed at any moment, a pull goes on behind the last batch that was kept; run again, it changes nothing, for every row
is kept under its own key. A record that cannot be read is put aside with the reason, and the others go on; where most
of many cannot be read, the pull ends before them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.errors import PartnerError
from gateway.store.database import GAP
from gateway.sync.datasets import Batch, Dataset
from gateway.sync.keep import keep, stored_cursor
from gateway.sync.runs import begin, end
from gateway.upstream.upstream import Upstream


@dataclass(slots=True)
class Progress:
    """How far a pull is: records so far, how many are expected (None where nobody knows), how many were put aside."""

    records: int = 0
    expected: int | None = None
    unreadable: int = 0


Watch = Callable[[Progress], None]


COMMIT_EVERY = 1.0
"""Seconds of pulling that a crash may cost."""


async def pull(
    engine: AsyncEngine, upstream: Upstream, connector: str, dataset: Dataset, watch: Watch = lambda _: None
) -> Progress:
    """Pull what is new of one dataset. Raises `PartnerError` when the partner gives up; what was kept stays kept."""
    async with engine.connect() as connection:
        cursor = await stored_cursor(connection, connector, dataset.name)
        await begin(connection, connector, dataset.name)
        await connection.commit()
        about = await _subjects(connection, dataset)
        batches = _coming(dataset.pull(upstream, cursor, *about), connection.commit)
        async with _keeping(connection, connector, dataset, watch) as kept, aclosing(batches):
            async for batch in batches:
                await kept.take(batch)
            await end(connection, connector, dataset.name)
    return kept.progress


class _Kept:
    """What is kept of one pull: several batches a transaction, and of half a batch nothing."""

    def __init__(self, connection: AsyncConnection, connector: str, dataset: Dataset, watch: Watch) -> None:
        self.progress = Progress()
        self._connection = connection
        self._connector = connector
        self._dataset = dataset
        self._watch = watch
        self._is_whole = True
        self._committed = time.monotonic()

    async def take(self, batch: Batch) -> None:
        """Keep a batch, and confirm it where the partner waits for that."""
        self.progress.expected = batch.expected
        if batch.confirm is not None:
            # What is confirmed does not come again: it must not wait for the disk.
            await self._connection.commit()
            await _wait_for_disk(self._connection, True)
        await self._keep(batch)
        self.progress.records += len(batch.records)
        self._watch(self.progress)
        if batch.confirm is not None:
            await self._connection.commit()
            await batch.confirm()
        # Keys come in no order, so each batch touches pages all over; many together touch each but once.
        if time.monotonic() - self._committed > COMMIT_EVERY:
            await begin(self._connection, self._connector, self._dataset.name)
            await self._connection.commit()
            await asyncio.sleep(GAP)
            self._committed = time.monotonic()

    async def _keep(self, batch: Batch) -> None:
        self._is_whole = False
        try:
            self.progress.unreadable += await keep(self._connection, self._connector, self._dataset, batch)
        except PartnerError:
            # Nothing was written of it.
            self._is_whole = True
            raise
        self._is_whole = True

    async def close(self) -> None:
        """Commit what is whole; of half a batch, what came since the last commit is pulled again."""
        await (self._connection.commit() if self._is_whole else self._connection.rollback())


@asynccontextmanager
async def _keeping(
    connection: AsyncConnection, connector: str, dataset: Dataset, watch: Watch
) -> AsyncIterator[_Kept]:
    # Rows and cursor are one transaction, so what a crash loses is pulled again.
    await _wait_for_disk(connection, False)
    kept = _Kept(connection, connector, dataset, watch)
    try:
        yield kept
    finally:
        # Where it was cancelled within a statement, the connection is gone, and with it what was not committed.
        if not connection.invalidated:
            await kept.close()
            await _wait_for_disk(connection, True)


async def _wait_for_disk(connection: AsyncConnection, waits: bool) -> None:
    await connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if waits else 'NORMAL'}")
    await connection.commit()


async def _subjects(connection: AsyncConnection, dataset: Dataset) -> Sequence[Sequence[Any]]:
    """What a dataset is about, as the one argument more that its pull takes; nothing for one that is about nothing."""
    if dataset.about is None:
        return []
    found = (await connection.execute(dataset.about)).all()
    await connection.commit()
    return [found]


async def _coming(
    pull: AsyncIterator[Batch], idle: Callable[[], Awaitable[None]]
) -> AsyncGenerator[Batch, None]:
    """The batches of a pull; `idle` is called when one is late, for others want to write while a partner is silent."""
    async with aclosing(pull):  # type: ignore[type-var]
        while True:
            coming = asyncio.ensure_future(anext(pull, None))
            try:
                if not (await asyncio.wait({coming}, timeout=COMMIT_EVERY))[0]:
                    await idle()
                batch = await coming
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
            if batch is None:
                return
            yield batch
