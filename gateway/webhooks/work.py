"""Work: events that were noted become of the orders, in the background and in any worker.

An event that says how an order stands is written to it, unless the order is known to have changed since: the later
word counts, whichever comes last. Where it does not say enough, or two words are of one second, the partner is asked
for all that changed since, by its dataset, as a pull does. Done twice, all of this comes to the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.background import beside, whole
from gateway.clients.orders import orders
from gateway.errors import PartnerError
from gateway.logs import place
from gateway.store.database import immediate
from gateway.sync.keep import keep_records
from gateway.telemetry.metrics import partner_events as counted
from gateway.webhooks.events import Claim, claim, forget, put_off, settle, waiting
from gateway.webhooks.webhook import Correspondent

logger = logging.getLogger("gateway.webhooks")

PAUSE = 2.0
"""Seconds between two looks at what others left undone; what comes to this worker wakes it at once."""

LONGEST = timedelta(minutes=10)
"""The longest wait for the next try."""

TRIES = 6
"""How often a partner is asked about an event that it does not show yet: within some ten minutes."""

HOURLY = 1_800
"""Looks between two clearings."""


class Work:
    """What one worker does about events while `followed`. `now` is the time of day."""

    def __init__(
        self,
        engine: AsyncEngine,
        correspondents: Mapping[str, Correspondent],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._correspondents = correspondents
        self._now = now
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is something new."""
        self._woken.set()

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Do what there is to do while the block runs, and what was left undone first."""
        try:
            async with beside(self._follow()):
                yield
        finally:
            await self._engine.dispose()

    async def _follow(self) -> None:
        failing, looks = False, 0
        while True:
            self._woken.clear()
            try:
                if looks % HOURLY == 0:
                    await whole(self._clear())
                await self.look()
            except Exception as error:
                # Whatever it is: nobody would hear of it, and the events wait.
                if not failing:
                    logger.error("events wait", extra={"kind": type(error).__name__, "where": place(error)})
                failing = True
            else:
                failing = False
            looks += 1
            try:
                async with asyncio.timeout(PAUSE):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _clear(self) -> None:
        async with immediate(self._engine) as connection:
            await forget(connection, self._now())

    async def look(self) -> None:
        """Do all that is to be done by now."""
        while True:
            async with self._engine.connect() as connection:
                found = [
                    each for each in await waiting(connection, self._now()) if each in self._correspondents
                ]
            if not found:
                return
            await asyncio.gather(*(self._do(each) for each in found))

    async def _do(self, connector: str) -> None:
        open_: list[Claim] = []

        async def write() -> None:
            async with immediate(self._engine) as connection:
                claimed = await claim(connection, connector, self._now())
                open_.extend(await self._carry(connection, connector, claimed))

        await whole(write())
        if open_:
            await self._ask(connector, open_)

    async def _carry(
        self, connection: AsyncConnection, connector: str, claimed: Sequence[Claim]
    ) -> list[Claim]:
        """Write what events say to the orders; those are left for which that is not enough."""
        known = await _known(connection, claimed)
        outcomes: dict[str, list[str]] = {"applied": [], "old": []}
        left = []
        for each in claimed:
            stands = known.get(each.order_id)
            if stands is not None and (each.happened_at < stands[0] or _same(each, stands)):
                outcomes["old"].append(each.key)
            elif stands is not None and each.status is not None and each.happened_at > stands[0]:
                await connection.execute(_change(each))
                known[each.order_id] = (each.happened_at, each.status_raw)
                outcomes["applied"].append(each.key)
            else:
                left.append(each)
        for outcome, keys in outcomes.items():
            await self._settled(connection, connector, keys, outcome)
        return left

    async def _ask(self, connector: str, open_: Sequence[Claim]) -> None:
        """Ask the partner about events that say too little, and see which of them its answer covers."""
        since = datetime.fromisoformat(min(each.happened_at for each in open_))
        failure: Exception | None = None
        try:
            await self._pull(connector, since)
        except SQLAlchemyError:
            raise
        except Exception as error:
            # Whatever it is, the events wait; its text may hold what the partner sent.
            failure = error
        await whole(self._compare(connector, open_, failure))

    async def _pull(self, connector: str, since: datetime) -> None:
        webhook, _, reach = self._correspondents[connector]
        async with (
            reach() as upstream,
            aclosing(webhook.dataset.pull(upstream, webhook.since(since))) as batches,  # type: ignore[type-var]
        ):
            async for batch in batches:
                await whole(self._keep(connector, batch.records))

    async def _keep(self, connector: str, records: Sequence[Any]) -> None:
        async with immediate(self._engine) as connection:
            await keep_records(
                connection, connector, self._correspondents[connector].webhook.dataset, records
            )

    async def _compare(self, connector: str, open_: Sequence[Claim], failure: Exception | None) -> None:
        async with immediate(self._engine) as connection:
            known = await _known(connection, open_)
            for each in open_:
                stands = known.get(each.order_id)
                if failure is None and stands is not None and stands[0] >= each.happened_at:
                    await self._settled(connection, connector, [each.key], "asked")
                elif failure is None and each.tries >= TRIES:
                    # The next pulls bring what there is.
                    await self._settled(connection, connector, [each.key], "unseen")
                else:
                    until = self._now() + _wait(each.tries, failure)
                    await put_off(connection, connector, [each.key], until)
        if failure is not None:
            counted.labels(connector, "failed").inc(len(open_))
            kind = failure.kind.value if isinstance(failure, PartnerError) else type(failure).__name__
            told = {"connector": connector, "kind": kind, "where": place(failure)}
            logger.warning("events wait for the partner", extra=told)

    async def _settled(
        self, connection: AsyncConnection, connector: str, keys: Sequence[str], outcome: str
    ) -> None:
        if keys:
            await settle(connection, connector, keys, outcome, self._now())
            counted.labels(connector, outcome).inc(len(keys))


Stand = tuple[str, str | None]
"""When an order last changed as far as is known, and the word it has since."""


async def _known(connection: AsyncConnection, claimed: Sequence[Claim]) -> dict[str, Stand]:
    ids = {each.order_id for each in claimed}
    found = await connection.execute(
        select(orders.c.id, orders.c.modified_at, orders.c.status_raw).where(orders.c.id.in_(ids))
    )
    return {row.id: (row.modified_at, row.status_raw) for row in found}


def _same(event: Claim, stands: Stand) -> bool:
    return event.status is not None and stands == (event.happened_at, event.status_raw)


def _change(event: Claim) -> Any:
    """The statement holds to the time itself, whoever wrote meanwhile."""
    later = (orders.c.id == event.order_id) & (orders.c.modified_at < event.happened_at)
    return (
        update(orders)
        .where(later)
        .values(status=event.status, status_raw=event.status_raw, modified_at=event.happened_at)
    )


def _wait(tries: int, failure: Exception | None) -> timedelta:
    """Longer with each try, and as long as the partner asks for."""
    grown: timedelta = min(timedelta(seconds=2**tries), LONGEST)
    asked = failure.retry_after if isinstance(failure, PartnerError) else None
    return max(grown, timedelta(seconds=min(asked or 0, 86_400)))
