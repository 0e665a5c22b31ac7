"""Work: what a worker does for the activations that are due, one step at a time, so that another can go on with each.

Every step ends with the row written. What must not be done twice, the sending, is announced in the row before it is
done; whoever finds it announced and not confirmed looks whether the partner has it, and never sends it again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.access.request import Partners, Reader
from gateway.activations.activations import FINAL, ActivationState, activations, audience_of, forget
from gateway.activations.audiences import Audience, agreed, gathered
from gateway.activations.deliveries import ContactKind, Delivery, Upload
from gateway.activations.failures import after
from gateway.background import beside, whole
from gateway.errors import PartnerError
from gateway.oauth.standing import stands
from gateway.store.database import immediate
from gateway.store.queries import Row
from gateway.store.tables import instant
from gateway.upstream.upstream import Upstream

logger = logging.getLogger("gateway.activations")

PAUSE = 1.0
"""Seconds between two looks for activations that are due."""

LEASE = 30.0
"""Seconds that a worker's word holds that it looks after an activation; it renews it while it does."""

LOOKS = 6
"""How often in a row an audience that may be at the partner is looked for in vain, before it is given up."""

CLEARED = 3_600.0
"""Seconds between two looks for what is over for long."""

POISONED = 60.0
"""Seconds until the next step with an activation with which one failed in a way that nobody thought of."""

Change = dict[str, Any]


class Worker:
    """One worker's part in all activations. `clock` gives seconds since the epoch."""

    def __init__(
        self,
        engine: AsyncEngine,
        readers: Reader,
        partners: Partners,
        deliveries: Mapping[str, Delivery],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._readers = readers
        self._partners = partners
        self._deliveries = deliveries
        self._clock = clock
        self._name = secrets.token_hex(8)
        self._cleared = 0.0
        self.woken = asyncio.Event()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Look after activations while the block runs."""
        try:
            async with beside(self._work()):
                yield
        finally:
            await self._engine.dispose()

    async def _work(self) -> None:
        failing = False
        while True:
            try:
                while await self.step():
                    pass
                failing = False
            except Exception as error:
                # Whatever it is: nobody would hear of it, and the others must go on.
                if not failing:
                    logger.error("activations cannot go on", extra={"reason": type(error).__name__})
                failing = True
            self.woken.clear()
            try:
                await asyncio.wait_for(self.woken.wait(), PAUSE)
            except TimeoutError:
                continue

    async def step(self) -> bool:
        """Take one step with the activation that is due first; whether there was one."""
        row = await self._claimed()
        if row is None:
            await self._clear()
            return False
        change: Change = {}
        try:
            async with beside(self._hold(row.id)):
                change = await self._next(row)
        except PartnerError as error:
            logger.warning(
                "a partner failed an activation", extra={"activation": row.id, "kind": error.kind.value}
            )
            change = after(error, row, self._clock(), self._deliveries[row.connector])
        except Exception:
            # The others must not wait for this one.
            change = {"due": self._clock() + POISONED}
            raise
        finally:
            # Also where the gateway ends: whoever comes next need not wait for the lease.
            await whole(self._write(row.id, {**change, "worker": None, "lease": None}))
        return True

    async def _clear(self) -> None:
        """Once in a while, forget what is over for long."""
        now = self._clock()
        if now - self._cleared >= CLEARED:
            self._cleared = now
            # Where the database is busy, the next time will do.
            with suppress(SQLAlchemyError, TimeoutError):
                await whole(forget(self._engine, datetime.fromtimestamp(now, UTC)))

    async def _claimed(self) -> Row | None:
        now = self._clock()
        free = or_(activations.c.lease.is_(None), activations.c.lease < now)
        due = (
            select(activations)
            .where(activations.c.due <= now, free, activations.c.connector.in_(self._deliveries))
            .order_by(activations.c.due)
            .limit(1)
        )
        async with self._engine.connect() as connection:
            if (await connection.execute(due)).one_or_none() is None:
                return None
        async with immediate(self._engine) as connection:
            row = (await connection.execute(due)).one_or_none()
            if row is not None:
                mine = update(activations).where(activations.c.id == row.id)
                await connection.execute(mine.values(worker=self._name, lease=now + LEASE))
        return row

    async def _hold(self, activation: str) -> None:
        while True:
            await asyncio.sleep(LEASE / 3)
            # A sync may keep the database busy for longer than anybody waits for it; the next time will do.
            with suppress(SQLAlchemyError, TimeoutError):
                await whole(self._write(activation, {"lease": self._clock() + LEASE}))

    async def _write(self, activation: str, change: Change) -> bool:
        """Change a row that is this worker's still; whether it was."""
        if "state" in change:
            change = {**change, "updated_at": instant(datetime.now(UTC))}
        if change.get("state") in FINAL:
            change["due"] = None
        mine = activations.c.id == activation, activations.c.worker == self._name
        async with immediate(self._engine) as connection:
            done = await connection.execute(update(activations).where(*mine).values(**change))
        return done.rowcount > 0

    async def _next(self, row: Row) -> Change:
        delivery = self._deliveries[row.connector]
        upstream = self._partners.get(row.connector)
        if row.state == ActivationState.PLANNED.value and self._is_late(row, delivery):
            return _refused("NOT_SENT_IN_TIME")
        if upstream is None:
            return {"due": self._clock() + 60}
        if row.state == ActivationState.PLANNED.value:
            return await self._send(row, delivery, upstream)
        if row.state == ActivationState.SENDING.value:
            return await self._look(row, delivery, upstream)
        return await self._follow(row, delivery, upstream)

    def _is_late(self, row: Row, delivery: Delivery) -> bool:
        """Whether it waited so long that nobody counts on it any more."""
        return self._clock() > datetime.fromisoformat(row.created_at).timestamp() + delivery.patience

    async def _send(self, row: Row, delivery: Delivery, upstream: Upstream) -> Change:
        """Send it to those who consent at this moment."""
        await delivery.prepare(upstream)
        audience = audience_of(row)
        items = await gathered(self._readers, audience, delivery)
        # Last, for gathering takes its time.
        if reason := await self._withdrawn(audience):
            return _refused(reason)
        if len(items) < delivery.minimum:
            return _refused("TOO_FEW_CONSENTED")
        now = self._clock()
        announced = {"state": ActivationState.SENDING.value, "sent": len(items), "sent_at": now}
        if not await whole(self._write(row.id, {**announced, "lease": now + LEASE})):
            # Who was so slow that another took over does not send it too.
            return {}
        found = await delivery.send(upstream, Upload(list_name(row), ContactKind(row.by), items))
        return self._sent(found, delivery)

    async def _withdrawn(self, audience: Audience) -> str | None:
        """Why its sender may not send it any more, if that is so."""
        async with self._engine.connect() as connection:
            if not await stands(connection, audience.sender):
                return "SENDER_NOT_ALLOWED"
        return None if await agreed(self._readers, audience) else "AGREEMENT_MISSING"

    def _sent(self, found: str, delivery: Delivery) -> Change:
        return {
            "state": ActivationState.PROCESSING.value,
            "partner_id": found,
            "looks": 0,
            "due": self._clock() + delivery.interval,
        }

    async def _look(self, row: Row, delivery: Delivery, upstream: Upstream) -> Change:
        """Whether what may have been sent is there."""
        found = await delivery.find(upstream, list_name(row))
        if found is not None:
            return self._sent(found, delivery)
        lost = {"state": ActivationState.UNCERTAIN.value, "reason": "NOT_CONFIRMED"}
        return self._missed(row, delivery, lost)

    def _missed(self, row: Row, delivery: Delivery, lost: Change) -> Change:
        """What becomes of what was not seen this time; a partner's list may show it late, or leave it out for once."""
        if row.looks + 1 < LOOKS:
            return {"looks": row.looks + 1, "due": self._clock() + delivery.interval}
        return lost

    async def _follow(self, row: Row, delivery: Delivery, upstream: Upstream) -> Change:
        stage = await delivery.follow(upstream, row.partner_id)
        if stage is None:
            return self._missed(row, delivery, {"state": ActivationState.GONE.value})
        change: Change = {"partner_state": stage.word, "coverage": stage.coverage, "looks": 0}
        if stage.ready:
            return {**change, "state": ActivationState.READY.value}
        age = self._clock() - row.sent_at
        if age > delivery.patience:
            return {**change, "state": ActivationState.STALLED.value}
        # Each look takes of the partner's quota: what has taken hours is not looked at every few seconds.
        return {**change, "due": self._clock() + max(delivery.interval, age / 20)}


def list_name(row: Row) -> str:
    """What the partner knows an audience by; no other has this name."""
    return f"{row.name} [{row.id}]"


def _refused(reason: str) -> Change:
    return {"state": ActivationState.REFUSED.value, "reason": reason}
