"""The ledger: what each application has spent of its budget, what it has reserved, and how much it has at work."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from gateway.admission.memory import AT, SPENT, Held, Memory

MINUTE = 60.0
"""Seconds in which a budget that was spent whole is whole again."""

_MOST = 1e15
_DUST = 0.001  # what sums of floating-point numbers may be off by


class Balance(NamedTuple):
    """A budget now, in cost units: `spent` comes back with time, `held` when the operations that hold it end."""

    budget: int
    spent: float
    held: float

    @property
    def available(self) -> int:
        """What an operation may cost to be admitted now."""
        return max(0, math.floor(self.budget - self.spent - self.held))

    @property
    def restored(self) -> int:
        """Whole seconds until all of the budget is there, if nothing is asked."""
        return math.ceil((self.spent + self.held) * MINUTE / self.budget)

    def wait(self, cost: float, longest: float) -> float:
        """Seconds until a cost is admitted if nobody else asks, and what is at work ends within `longest`."""
        over = self.held + cost - self.budget
        if over > 0:
            return longest + over * MINUTE / self.budget
        return max(0.0, self.spent + over) * MINUTE / self.budget


class Ledger:
    """Keeps the accounts in a memory; each step takes microseconds, with all workers locked out.

    A reserved cost does not come back while its operation runs, what is spent does from the moment it is spent. So what
    operations cost that ended in a stretch of time is never more than the budget and what comes back in that stretch,
    and neither is it for those that began in it. `clock` is in seconds, the same for all processes of a machine.
    """

    def __init__(self, memory: Memory, clock: Callable[[], float] = time.monotonic) -> None:
        self.memory = memory
        self._clock = clock

    def enter(self, application: str, what: Held, most: int) -> bool:
        """Count one more of something, unless all workers together have `most` of it."""
        memory = self.memory
        with memory.lock:
            row = memory.row(application)
            if row is None or memory.held(row, what) >= most:
                return False
            memory.hold(row, what, 1)
            return True

    def leave(self, application: str, what: Held) -> None:
        """Count one less."""
        memory = self.memory
        with memory.lock:
            row = memory.row(application)
            if row is not None:
                memory.hold(row, what, -1)

    def reserve(self, application: str, cost: float, budget: int) -> tuple[bool, Balance]:
        """Reserve a cost if the budget has it; whether it had, and what is left."""
        memory = self.memory
        with memory.lock:
            row = memory.row(application)
            if row is None:
                return False, Balance(budget, 0, 0)
            spent, held = self._spent(row, budget), memory.held(row, Held.COST)
            if spent + held + cost > budget + _DUST:
                return False, Balance(budget, spent, held)
            memory.hold(row, Held.COST, cost)
            return True, Balance(budget, spent, held + cost)

    def settle(self, application: str, reserved: float, actual: float, budget: int) -> Balance:
        """End an operation: its place and what was reserved are free, what it cost is spent; what is left."""
        memory = self.memory
        with memory.lock:
            row = memory.row(application)
            if row is None:
                return Balance(budget, 0, 0)
            memory.hold(row, Held.OPERATIONS, -1)
            memory.hold(row, Held.COST, -reserved)
            spent = memory.numbers[row + SPENT] = self._spent(row, budget) + actual
            return Balance(budget, spent, memory.held(row, Held.COST))

    def balance(self, application: str, budget: int) -> Balance:
        """What is left of a budget."""
        memory = self.memory
        with memory.lock:
            row = memory.row(application)
            if row is None:
                return Balance(budget, 0, 0)
            return Balance(budget, self._spent(row, budget), memory.held(row, Held.COST))

    def count(self, application: str, what: Held) -> int:
        """How many of something all workers have."""
        with self.memory.lock:
            row = self.memory.row(application)
            return 0 if row is None else int(self.memory.held(row, what))

    def _spent(self, row: int, budget: int) -> float:
        """What has not come back until now, noted as of now."""
        numbers, now = self.memory.numbers, self._clock()
        spent, elapsed = numbers[row + SPENT], now - numbers[row + AT]
        # Written so that NaN fails: a file may hold anything, and the clock begins anew with the machine.
        if not 0 <= spent <= _MOST:
            spent = 0.0
        if elapsed > 0:
            spent = max(0.0, spent - elapsed * budget / MINUTE)
        numbers[row + SPENT], numbers[row + AT] = spent, now
        return spent
