"""The ledger: what every application has spent and what it has at work, in memory that all workers of a machine share.

A file mapped into each worker, changed under a lock of a few microseconds. What a worker has at work stands in a column
of its own, so that it can be struck out when the worker is no more.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from enum import IntEnum
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from gateway.admission.seats import SEATS, FileLock, claim, claim_any, private_file

ROWS = 1024
"""Applications that can have something at work at the same time; one that is idle gives its row to another."""

MINUTE = 60.0
"""Seconds in which a budget that was spent whole is whole again."""

_MAGIC = b"adm\x00\x00\x00\x00\x01"
_TOP, _TAKEN, _KEYS = 8, 64, 4096  # in bytes: seats in use end here; which are; applications by their hash
_HASH = 16
_AMOUNTS = _KEYS + ROWS * _HASH
_SPENT, _AT, _COLUMNS = 0, 1, 2  # in numbers, from a row's start
_WIDTH = _COLUMNS + 4 * SEATS
SIZE = _AMOUNTS + ROWS * _WIDTH * 8
_PROBED = 64
_SANE = 1e15


class Held(IntEnum):
    """What a worker has at work for an application: cost units that are reserved, and things that are counted."""

    COST = 0
    OPERATIONS = 1
    CONNECTIONS = 2
    SUBSCRIPTIONS = 3


class Balance(NamedTuple):
    """A budget now, in cost units: `spent` comes back with time, `held` when the operations that hold it end."""

    budget: int
    spent: float
    held: float

    @property
    def available(self) -> int:
        """What an operation may cost to be admitted now."""
        return max(0, math.floor(self.budget - self.spent - self.held))

    def wait(self, cost: float, longest: float) -> float:
        """Seconds until an operation of this cost is admitted if nobody else asks; others take `longest` at most."""
        over = self.held + cost - self.budget
        if over > 0:
            return longest + over * MINUTE / self.budget
        return max(0.0, self.spent + over) * MINUTE / self.budget


class Ledger:
    """One worker's view of the ledger. `clock` is in seconds, the same for all processes of the machine."""

    def __init__(
        self,
        memory: mmap.mmap,
        lock: AbstractContextManager[None],
        seat: int,
        folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._memory = memory
        self._lock = lock
        self._seat = seat
        self._folder = folder
        self._clock = clock
        self._amounts = memoryview(memory)[_AMOUNTS:].cast("d")
        self._rows: dict[str, tuple[bytes, int]] = {}
        self._closing = contextlib.ExitStack()
        with lock:
            self._strike(seat)
            memory[_TAKEN + seat] = 1
            memory[_TOP] = max(self._top(), seat + 1)

    def enter(self, application: str, what: Held, most: int) -> bool:
        """Count one more of something, unless there are `most` of it already in all workers."""
        with self._lock:
            row = self._row(application)
            if row is None or self._sum(row, what) >= most:
                return False
            self._amounts[self._cell(row, what, self._seat)] += 1
            return True

    def leave(self, application: str, what: Held) -> None:
        """Count one less."""
        with self._lock:
            self._give_back(application, what, 1)

    def reserve(self, application: str, cost: float, budget: int) -> tuple[bool, Balance]:
        """Hold a cost if the budget has it; whether it had, and the balance."""
        with self._lock:
            row = self._row(application)
            if row is None:
                return False, Balance(budget, 0, 0)
            spent, held = self._refilled(row, budget), self._sum(row, Held.COST)
            if spent + held + cost > budget:
                return False, Balance(budget, spent, held)
            self._amounts[self._cell(row, Held.COST, self._seat)] += cost
            return True, Balance(budget, spent, held + cost)

    def settle(self, application: str, reserved: float, actual: float, budget: int) -> Balance:
        """Spend what an operation cost, give back what was held for it and its place; the balance after it."""
        with self._lock:
            row = self._give_back(application, Held.OPERATIONS, 1)
            self._give_back(application, Held.COST, reserved)
            if row is None:
                return Balance(budget, 0, 0)
            spent = self._amounts[row + _SPENT] = self._refilled(row, budget) + actual
            return Balance(budget, spent, self._sum(row, Held.COST))

    def balance(self, application: str, budget: int) -> Balance:
        """A budget as it is now."""
        with self._lock:
            row = self._row(application)
            if row is None:
                return Balance(budget, 0, 0)
            return Balance(budget, self._refilled(row, budget), self._sum(row, Held.COST))

    def count(self, application: str, what: Held) -> int:
        """How many of something an application has in all workers."""
        with self._lock:
            row = self._row(application)
            return 0 if row is None else int(self._sum(row, what))

    def bury(self) -> None:
        """Strike out what workers had at work that are no more; what they held for it counts as spent."""
        if self._folder is None:
            return
        for number in range(self._top()):
            if number == self._seat or not self._memory[_TAKEN + number]:
                continue
            # With its seat taken, nobody can sit down while it is being cleared.
            if (descriptor := claim(self._folder, number)) is not None:
                with self._lock:
                    self._vacate(number)
                os.close(descriptor)

    def close(self) -> None:
        """Leave the seat."""
        with self._lock:
            self._vacate(self._seat)
        self._amounts.release()
        self._closing.close()

    def closing(self, *descriptors: int) -> None:
        """Open files that go with this view."""
        for descriptor in descriptors:
            self._closing.callback(os.close, descriptor)

    def _row(self, application: str) -> int | None:
        """Where the numbers of an application start; None where all rows are busy with others."""
        known = self._rows.get(application)
        if known is not None and self._key(known[1]) == known[0]:
            return _start(known[1])
        key = blake2b(application.encode(), digest_size=_HASH).digest()
        found = self._find(key)
        if found is None:
            return None
        if len(self._rows) >= 10 * ROWS:
            self._rows.clear()
        self._rows[application] = key, found
        return _start(found)

    def _find(self, key: bytes) -> int | None:
        first = int.from_bytes(key[:4], "little")
        probed = [(first + step) % ROWS for step in range(_PROBED)]
        for each in probed:
            if self._key(each) == key:
                return each
        idle = [each for each in probed if self._is_idle(_start(each))]
        if not idle:
            return None
        found = min(idle, key=lambda each: self._amounts[_start(each) + _AT])
        start = _start(found)
        self._memory[_KEYS + found * _HASH : _KEYS + (found + 1) * _HASH] = key
        self._amounts[start : start + _WIDTH] = memoryview(bytes(_WIDTH * 8)).cast("d")
        return found

    def _key(self, row: int) -> bytes:
        return self._memory[_KEYS + row * _HASH : _KEYS + (row + 1) * _HASH]

    def _is_idle(self, row: int) -> bool:
        return not any(self._sum(row, what) for what in Held)

    def _refilled(self, row: int, budget: int) -> float:
        """What of a budget is still spent by now."""
        now = self._clock()
        spent, elapsed = self._amounts[row + _SPENT], now - self._amounts[row + _AT]
        # Written so that NaN fails: a file may hold anything, and the clock begins anew with the machine.
        if not 0 <= spent <= _SANE:
            spent = 0.0
        if elapsed > 0:
            spent = max(0.0, spent - elapsed * budget / MINUTE)
        self._amounts[row + _SPENT], self._amounts[row + _AT] = spent, now
        return spent

    def _cell(self, row: int, what: Held, seat: int) -> int:
        return row + _COLUMNS + what * SEATS + seat

    def _sum(self, row: int, what: Held) -> float:
        start = self._cell(row, what, 0)
        return sum(self._amounts[start : start + self._top()])

    def _top(self) -> int:
        return min(self._memory[_TOP], SEATS)

    def _give_back(self, application: str, what: Held, amount: float) -> int | None:
        row = self._row(application)
        if row is not None:
            cell = self._cell(row, what, self._seat)
            # Never below nothing, though somebody had replaced the file's content.
            self._amounts[cell] = max(0.0, self._amounts[cell] - amount)
        return row

    def _vacate(self, seat: int) -> None:
        self._strike(seat)
        self._memory[_TAKEN + seat] = 0
        taken = self._memory[_TAKEN : _TAKEN + SEATS]
        self._memory[_TOP] = max((number + 1 for number in range(SEATS) if taken[number]), default=0)

    def _strike(self, seat: int) -> None:
        """Clear a seat's column; what it held is spent, for nobody knows how much of the work was done."""
        for number in range(ROWS):
            if self._key(number) == bytes(_HASH):
                continue
            row = _start(number)
            held = self._amounts[self._cell(row, Held.COST, seat)]
            if 0 < held <= _SANE:
                self._amounts[row + _SPENT] += held
            for what in Held:
                self._amounts[self._cell(row, what, seat)] = 0.0


def _start(row: int) -> int:
    return row * _WIDTH


def private_ledger(clock: Callable[[], float] = time.monotonic) -> Ledger:
    """A ledger of this worker alone."""
    return Ledger(mmap.mmap(-1, SIZE), nullcontext(), 0, clock=clock)


def shared_ledger(folder: Path, clock: Callable[[], float] = time.monotonic) -> Ledger:
    """The ledger that all workers share whose state is in this folder; a file that cannot be read is begun anew.

    Raises `OSError` where there can be none.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.ExitStack() as opened:
        descriptor = private_file(folder / "ledger")
        opened.callback(os.close, descriptor)
        lock = FileLock(descriptor)
        with lock:
            memory = _mapped(descriptor)
        seat, seated = claim_any(folder)
        opened.callback(os.close, seated)
        ledger = Ledger(memory, lock, seat, folder, clock)
        opened.pop_all()
    ledger.closing(seated, descriptor)
    return ledger


def _mapped(descriptor: int) -> mmap.mmap:
    # Never made smaller: who has it mapped would be killed for reading beyond its end.
    if os.fstat(descriptor).st_size < SIZE:
        os.ftruncate(descriptor, SIZE)
    memory = mmap.mmap(descriptor, SIZE)
    if memory[: len(_MAGIC)] != _MAGIC:
        memory[:] = bytes(SIZE)
        memory[: len(_MAGIC)] = _MAGIC
    return memory
