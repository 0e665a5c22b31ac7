"""Admission: whether and when an application's operation is run, by what it may use and by what the machine can do."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.admission.allowances import Allowance, Allowances
from gateway.admission.ledger import Ledger
from gateway.admission.memory import Held, Memory, private_memory, shared_memory
from gateway.admission.tickets import Ticket, too_many_operations
from gateway.admission.turns import Turns, overloaded
from gateway.background import beside
from gateway.errors import Refusal
from gateway.settings import Settings

logger = logging.getLogger("gateway.admission")

PAUSE = 0.5
"""Seconds after which what a dead worker had at work is free again."""


class Admission:
    """Admits operations, for all workers of a state folder together once it is `open`."""

    def __init__(self, settings: Settings, engine: AsyncEngine) -> None:
        self._folder = settings.state / "admission"
        self._deadline = settings.deadline
        self._most = {Held.CONNECTIONS: settings.connections, Held.SUBSCRIPTIONS: settings.subscriptions}
        self.allowances = Allowances(engine, Allowance(settings.cost_per_minute, settings.concurrency))
        self.turns = Turns(settings.places)
        self.ledger = Ledger(private_memory())

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Share the ledger with the other workers, and follow the allowances, while the block runs."""
        memory = _memory(self._folder)
        self.ledger = Ledger(memory)
        try:
            async with beside(_bury(memory)), self.allowances.followed():
                yield
        finally:
            self.ledger = Ledger(private_memory())
            memory.close()

    def ticket(self, application: str) -> Ticket:
        """A ticket for an operation whose cost is not known yet; it counts while its block runs."""
        return Ticket(application, self.allowances.of(application), self.ledger, self.turns, self._deadline)

    def refusal(self, application: str) -> Refusal | None:
        """Why an operation of this application would be refused whatever it asks; None where it would not."""
        if self.turns.is_full(application):
            return overloaded()
        most = self.allowances.of(application).operations
        if self.ledger.count(application, Held.OPERATIONS) >= most:
            return too_many_operations(most)
        return None

    @contextlib.asynccontextmanager
    async def admitted(self, application: str, cost: int) -> AsyncIterator[Ticket]:
        """All of it for an operation whose cost is estimated: its place, its turn, its cost reserved.

        Raises `Refusal` 503 or 429 with `Retry-After`, and 400 for what the whole budget would not pay.
        """
        with self.ticket(application) as ticket:
            async with ticket.turn():
                ticket.reserve(cost)
                yield ticket

    @contextlib.contextmanager
    def kept(self, application: str, what: Held) -> Iterator[None]:
        """Count what lives long, `Held.CONNECTIONS` or `Held.SUBSCRIPTIONS`, while the block runs.

        Raises `Refusal` 429 where the application has as many as it may, in all workers.
        """
        ledger, most = self.ledger, self._most[what]
        if not ledger.enter(application, what, most):
            message = f"The application has {most} {what.name.lower()} open, as many as it may; close one."
            raise Refusal(429, f"TOO_MANY_{what.name}", message, {"Retry-After": "1"})
        try:
            yield
        finally:
            ledger.leave(application, what)


async def _bury(memory: Memory) -> None:
    while True:
        await asyncio.sleep(PAUSE)
        # Without a file more to open, it is done the next time.
        with contextlib.suppress(OSError):
            memory.bury()


def _memory(folder: Path) -> Memory:
    try:
        return shared_memory(folder)
    except OSError as error:
        logger.error(
            "what applications use cannot be shared, this worker counts alone",
            extra={"reason": type(error).__name__},
        )
        return private_memory()
