"""The circuit breaker: a partner that fails is not asked for a while, and then by one call at a time.

Only silence and failures of the partner's own count. Whoever refuses is alive: wrong requests of one caller must not
close the way for all others.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from enum import Enum

WINDOW = 20
"""Tries that are looked back upon."""

FEWEST = 5
"""Tries that have to be there before anything is judged by them."""

FIRST, LONGEST = 1.0, 30.0
"""Seconds that a breaker stays open the first time, doubled with each probe that fails, up to the longest."""


class State(Enum):
    """Calls go through; or none does; or one does, by which the partner is judged."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """A breaker of one partner in one worker; `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._outcomes: deque[bool] = deque(maxlen=WINDOW)
        self._pause = FIRST
        self._opens_at: float | None = None
        self._probing = False

    @property
    def state(self) -> State:
        """Whether calls go through."""
        if self._opens_at is None:
            return State.CLOSED
        return State.OPEN if self._clock() < self._opens_at else State.HALF_OPEN

    def enter(self) -> float:
        """Begin a try: 0.0, or how many seconds there will be none."""
        wait = self.closed_for()
        if not wait:
            self._probing = self._opens_at is not None
        return wait

    def closed_for(self) -> float:
        """How many seconds there will be no try; 0.0 where one may be begun."""
        if self._opens_at is None:
            return 0.0
        return FIRST if self._probing else max(0.0, self._opens_at - self._clock())

    def succeed(self) -> None:
        """The partner answered, whatever it said."""
        if self._opens_at is not None:
            self._outcomes.clear()
        self._outcomes.append(True)
        self._opens_at, self._probing, self._pause = None, False, FIRST

    def fail(self) -> None:
        """The partner failed, or kept silent."""
        if self._opens_at is not None:
            if self._probing:
                self._open(min(LONGEST, self._pause * 2))
            return
        self._outcomes.append(False)
        failures = self._outcomes.count(False)
        if len(self._outcomes) >= FEWEST and failures * 2 > len(self._outcomes):
            self._open(FIRST)

    def leave(self) -> None:
        """The try was given up before anybody could tell."""
        self._probing = False

    def _open(self, pause: float) -> None:
        self._pause = pause
        self._opens_at = self._clock() + pause
        self._probing = False
