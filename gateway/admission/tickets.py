"""Tickets: an operation's way through admission; into its application's count, to its turn, and into the budget."""

from __future__ import annotations

import math
from types import TracebackType

from gateway.admission.allowances import Allowance
from gateway.admission.ledger import Balance, Ledger
from gateway.admission.memory import Held
from gateway.admission.turns import Line, Turns
from gateway.errors import Refusal

TICKET = "gateway.ticket"
"""Where in the scope of a request its ticket is."""


class Ticket:
    """One operation of an application, from its admission to its end; `turned_away` where it did not get in."""

    __slots__ = (
        "_allowance",
        "_balance",
        "_deadline",
        "_in_line",
        "_ledger",
        "_line",
        "_open",
        "_reserved",
        "_turns",
        "application",
        "turned_away",
    )

    def __init__(
        self, application: str, allowance: Allowance, ledger: Ledger, turns: Turns, deadline: float
    ) -> None:
        self.application = application
        self._allowance = allowance
        self._ledger = ledger
        self._turns = turns
        self._deadline = deadline
        self._balance: Balance | None = None
        self._line: Line
        self._in_line = False
        self._reserved = 0.0
        self._open = False
        self.turned_away = False

    def __enter__(self) -> Ticket:
        """Raises `Refusal` 503 where the application's line is full, 429 where it has all its operations in hand."""
        self.turned_away = True
        self._line = line = self._turns.join(self.application)
        if not self._ledger.enter(self.application, Held.OPERATIONS, self._allowance.operations):
            self._turns.leave(line)
            raise too_many_operations(self._allowance.operations)
        self.turned_away, self._open, self._in_line = False, True, True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._in_line:
            self._turns.leave(self._line)
        # What was cancelled or failed has cost nobody knows how much; what was estimated stands.
        if self._open:
            self.settle(self._reserved)

    def turn(self, work: float = 0) -> _Turn:
        """A place in this worker while the block runs, as soon as it is this application's turn.

        `work` are cost units that the gateway spends on it before any are reserved. Raises `Refusal` 503.
        """
        return _Turn(self, work)

    async def _take(self, work: float) -> None:
        await self._turns.take(self._line)
        self._in_line = False
        self._line.served += work

    def _give_back(self) -> None:
        self._turns.give_back(self._line)

    def reserve(self, cost: float) -> None:
        """Take the estimated cost from the budget. Raises `Refusal` 429, or 400 if the whole of it is less."""
        budget = self._allowance.cost
        if refusal := over_budget(cost, budget):
            raise refusal
        admitted, self._balance = self._ledger.reserve(self.application, cost, budget)
        if not admitted:
            raise self._exceeded(cost)
        self._reserved = cost
        self._line.served += cost

    def settle(self, actual: float) -> None:
        """End the operation: it has cost so much."""
        self._open = False
        self._line.served += actual - self._reserved
        self._balance = self._ledger.settle(self.application, self._reserved, actual, self._allowance.cost)

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What the application has left (draft-ietf-httpapi-ratelimit-headers-10), as a server sends it."""
        balance = self._balance or self._ledger.balance(self.application, self._allowance.cost)
        return [
            (b"ratelimit-policy", b'"cost";q=%d;w=60' % balance.budget),
            (b"ratelimit", b'"cost";r=%d;t=%d' % (balance.available, balance.restored)),
        ]

    def _exceeded(self, cost: float) -> Refusal:
        assert self._balance is not None
        seconds = max(1, math.ceil(self._balance.wait(cost, self._deadline)))
        message = (
            f"The operation is estimated to cost {cost:g}, and the application has {self._balance.available} left of "
            f"its {self._balance.budget} a minute; try again in {seconds} seconds."
        )
        return Refusal(429, "BUDGET_EXCEEDED", message, {"Retry-After": str(seconds)})


class _Turn:
    """A ticket's turn, as a context manager."""

    __slots__ = ("_ticket", "_work")

    def __init__(self, ticket: Ticket, work: float) -> None:
        self._ticket = ticket
        self._work = work

    async def __aenter__(self) -> None:
        await self._ticket._take(self._work)

    async def __aexit__(self, *_: object) -> None:
        self._ticket._give_back()


def too_many_operations(most: int) -> Refusal:
    """The refusal of an operation beside as many as the application may have."""
    message = f"The application has {most} operations in hand, as many as it may; wait for one to end."
    return Refusal(429, "TOO_MANY_OPERATIONS", message, {"Retry-After": "1"})


def over_budget(cost: float, budget: int) -> Refusal | None:
    """The refusal of an operation that the whole budget of a minute would not pay."""
    if cost <= budget:
        return None
    message = (
        f"The operation is estimated to cost {cost:g}, and the application may use {budget} a minute: it can "
        "never be admitted. Ask for less at once."
    )
    return Refusal(400, "COST_LIMIT", message, estimated=int(cost), limit=budget)
