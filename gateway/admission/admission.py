"""Admission: whether and when an application's operation is run, by what it may use and by what the machine can do."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.admission.allowances import Allowance, Allowances
from gateway.admission.ledger import Held, Ledger, private_ledger, shared_ledger
from gateway.admission.tickets import Ticket
from gateway.admission.turns import Turns
from gateway.errors import Refusal
from gateway.settings import Settings

logger = logging.getLogger("gateway.admission")


class Admission:
    """Admits operations, for all workers of a state folder together once it is `open`."""

    def __init__(self, settings: Settings, engine: AsyncEngine) -> None:
        self._folder = settings.state / "admission"
        self._deadline = settings.deadline
        self._most = {Held.CONNECTIONS: settings.connections, Held.SUBSCRIPTIONS: settings.subscriptions}
        self.allowances = Allowances(engine, Allowance(settings.cost_per_minute, settings.concurrency))
        self.turns = Turns(settings.places)
        self.ledger: Ledger = private_ledger()

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Share the ledger with the other workers, and follow the allowances, while the block runs."""
        self.ledger = _ledger(self._folder)
        try:
            async with self.allowances.followed(self.ledger.bury):
                yield
        finally:
            self.ledger.close()
            self.ledger = private_ledger()

    def ticket(self, application: str) -> Ticket:
        """A ticket for an operation whose cost is not known yet; it counts while its block runs."""
        return Ticket(application, self.allowances.of(application), self.ledger, self.turns, self._deadline)

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


def _ledger(folder: Path) -> Ledger:
    try:
        return shared_ledger(folder)
    except OSError as error:
        logger.error(
            "the ledger cannot be shared, this worker counts alone", extra={"reason": type(error).__name__}
        )
        return private_ledger()
