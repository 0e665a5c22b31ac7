"""Memory that all workers of a machine share: a row of numbers for each application, in a file mapped into each."""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from enum import IntEnum
from hashlib import blake2b
from pathlib import Path

from gateway.admission.seats import SEATS, FileLock, claim, claim_any, private_file

ROWS = 1024
"""Applications that can have something at work at the same time; one that is idle gives its row to another."""

_PROBED = 64
_MAGIC = b"adm\x00\x00\x00\x00\x01"
_TOP, _TAKEN, _KEYS, _HASH = 8, 64, 4096, 16  # where seats in use end; which are; applications by their hash
_NUMBERS = _KEYS + ROWS * _HASH


SPENT, AT, _HELD = 0, 1, 2  # the numbers of a row: what is spent, as of when, and what each seat holds


class Held(IntEnum):
    """What a worker has at work for an application: cost units that are reserved, and things that are counted.

    Each by where in a row its numbers start, one for each seat.
    """

    COST = _HELD
    OPERATIONS = _HELD + SEATS
    CONNECTIONS = _HELD + 2 * SEATS
    SUBSCRIPTIONS = _HELD + 3 * SEATS


_WIDTH = _HELD + len(Held) * SEATS
SIZE = _NUMBERS + ROWS * _WIDTH * 8


class Memory:
    """One worker's view. A row is named by where its numbers start; `lock` is held by whoever changes something."""

    def __init__(
        self,
        memory: mmap.mmap,
        seat: int = 0,
        lock: AbstractContextManager[None] | None = None,
        folder: Path | None = None,
        descriptors: tuple[int, ...] = (),
    ) -> None:
        self.lock = nullcontext() if lock is None else lock
        self.numbers = memoryview(memory)[_NUMBERS:].cast("d")
        self._memory = memory
        self._seat = seat
        self._folder = folder
        self._descriptors = descriptors
        self._known: dict[str, tuple[bytes, int]] = {}
        with self.lock:
            self._clear(seat)
            memory[_TAKEN + seat] = 1
            memory[_TOP] = max(self._top(), seat + 1)

    def row(self, application: str) -> int | None:
        """The row of an application, which may have been another's that is idle; None where all of them are busy."""
        known = self._known.get(application)
        if known is None or self._key(known[1]) != known[0]:
            key = blake2b(application.encode(), digest_size=_HASH).digest()
            found = self._find(key)
            if found is None:
                return None
            if len(self._known) >= 10 * ROWS:
                self._known.clear()
            known = self._known[application] = key, found
        return known[1] * _WIDTH

    def held(self, row: int, what: Held) -> float:
        """What all workers hold together."""
        start = row + what
        return sum(self.numbers[start : start + self._top()])

    def hold(self, row: int, what: Held, amount: float) -> None:
        """Hold more, or less, in this worker; never less than nothing, whatever is in the file."""
        cell = row + what + self._seat
        self.numbers[cell] = max(0.0, self.numbers[cell] + amount)

    def bury(self) -> None:
        """Give up what workers held that are no more. What they reserved is spent: nobody knows how far they came."""
        if self._folder is None:
            return
        for seat in range(self._top()):
            if seat == self._seat or not self._memory[_TAKEN + seat]:
                continue
            # With its seat claimed, nobody sits down on it while it is cleared.
            if (descriptor := claim(self._folder, seat)) is not None:
                with self.lock:
                    self._vacate(seat)
                os.close(descriptor)

    def close(self) -> None:
        """Leave the seat."""
        with self.lock:
            self._vacate(self._seat)
        # An operation that ends after this finds the memory, and nobody to lock out.
        self.lock = nullcontext()
        for descriptor in self._descriptors:
            os.close(descriptor)

    def _find(self, key: bytes) -> int | None:
        first = int.from_bytes(key[:4], "little")
        probed = [(first + step) % ROWS for step in range(_PROBED)]
        for each in probed:
            if self._key(each) == key:
                return each
        idle = [each for each in probed if not any(self.held(each * _WIDTH, what) for what in Held)]
        if not idle:
            return None
        found = min(idle, key=lambda each: self.numbers[each * _WIDTH + AT])
        self._memory[_KEYS + found * _HASH : _KEYS + (found + 1) * _HASH] = key
        self.numbers[found * _WIDTH : (found + 1) * _WIDTH] = _EMPTY
        return found

    def _key(self, number: int) -> bytes:
        return self._memory[_KEYS + number * _HASH : _KEYS + (number + 1) * _HASH]

    def _top(self) -> int:
        return min(self._memory[_TOP], SEATS)

    def _vacate(self, seat: int) -> None:
        self._clear(seat)
        self._memory[_TAKEN + seat] = 0
        taken = self._memory[_TAKEN : _TAKEN + SEATS]
        self._memory[_TOP] = max((each + 1 for each in range(SEATS) if taken[each]), default=0)

    def _clear(self, seat: int) -> None:
        for number in self._used():
            row = number * _WIDTH
            reserved = self.numbers[row + Held.COST + seat]
            # NaN fails this too.
            if reserved > 0:
                self.numbers[row + SPENT] += reserved
            for what in Held:
                self.numbers[row + what + seat] = 0.0

    def _used(self) -> Iterator[int]:
        keys, nobody = self._memory[_KEYS:_NUMBERS], bytes(_HASH)
        return (each for each in range(ROWS) if keys[each * _HASH : (each + 1) * _HASH] != nobody)


_EMPTY = memoryview(bytes(_WIDTH * 8)).cast("d")


def private_memory() -> Memory:
    """Memory of this worker alone."""
    return Memory(mmap.mmap(-1, SIZE))


def shared_memory(folder: Path) -> Memory:
    """What all workers share whose state is in this folder; a file that is none of ours is begun anew.

    Raises `OSError` where there can be none.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.ExitStack() as opened:
        ledger = _kept(opened, private_file(folder / "ledger"))
        lock = FileLock(ledger)
        with lock:
            memory = _mapped(ledger)
        seat, seated = claim_any(folder)
        _kept(opened, seated)
        found = Memory(memory, seat, lock, folder, (seated, ledger))
        opened.pop_all()
    return found


def _kept(opened: contextlib.ExitStack, descriptor: int) -> int:
    close: Callable[[int], None] = os.close
    opened.callback(close, descriptor)
    return descriptor


def _mapped(descriptor: int) -> mmap.mmap:
    # Never made smaller: who has it mapped would be killed for reading beyond its end.
    if os.fstat(descriptor).st_size < SIZE:
        os.ftruncate(descriptor, SIZE)
    memory = mmap.mmap(descriptor, SIZE)
    if memory[: len(_MAGIC)] != _MAGIC:
        memory[:] = bytes(SIZE)
        memory[: len(_MAGIC)] = _MAGIC
    return memory
