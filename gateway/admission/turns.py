"""Turns: a worker's operations, a few at once and the others in a line per application, which are served fairly."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from gateway.errors import Refusal
from gateway.telemetry import tallies
from gateway.telemetry.metrics import turn_wait_seconds
from gateway.telemetry.tracing import phase

LONGEST, SHORTEST = 64, 8
"""Operations of one application that may be in line in a worker: fewer, the longer those waited that came through."""

PATIENCE = 1.0
"""Seconds that one may wait; later its caller would no longer be there, or not be glad."""

_SHRINK = 0.95
_REMEMBERED = 1_000


@dataclass(slots=True, eq=False)
class Line:
    """The operations of one application: `served` are the cost units that it had, on a clock that all lines share.

    Those in line are being read or `waiting`, those `running` have a place.
    """

    served: float = 0.0
    running: int = 0
    inside: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    longest: float = LONGEST

    @property
    def is_full(self) -> bool:
        """Whether nobody else may join."""
        return self.inside >= self.longest

    @property
    def is_idle(self) -> bool:
        """Whether there is nobody."""
        return not self.running and not self.inside

    def waited(self, seconds: float) -> None:
        """Let the line be as long as takes half the patience: who would wait in vain is better told at once."""
        if seconds > PATIENCE / 2:
            self.longest = max(SHORTEST, self.longest * _SHRINK)
        else:
            self.longest = min(LONGEST, self.longest + 1)


class Turns:
    """Gives places to operations: of those who wait, to the application that had least until now.

    Who was idle begins where the others are: nobody saves up. No application has more than three quarters of the
    places, so one whose operations take long leaves room for another.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._share = max(1, places - max(1, places // 4))
        self._lines: dict[str, Line] = {}
        self._crowded: set[Line] = set()
        self._now = 0.0

    def is_full(self, application: str) -> bool:
        """Whether the application's line is as long as it may be."""
        line = self._lines.get(application)
        return line is not None and line.is_full

    def join(self, application: str) -> Line:
        """Stand in the application's line. Raises `Refusal` 503 where it is full."""
        line = self._lines.get(application)
        if line is None:
            if len(self._lines) >= _REMEMBERED:
                self._lines = {key: each for key, each in self._lines.items() if not each.is_idle}
            line = self._lines[application] = Line()
        if line.is_full:
            raise overloaded()
        if line.is_idle:
            line.served = max(line.served, self._now)
        line.inside += 1
        return line

    def leave(self, line: Line) -> None:
        """Go out of a line without a turn."""
        line.inside -= 1

    async def take(self, line: Line) -> None:
        """Get a place for one who stands in a line, when it is its turn. Raises `Refusal` 503 if that is too late."""
        # A place that is free while others wait is one that they may not have.
        if self._free and not line.waiting and line.running < self._share:
            self._start(line)
        else:
            with phase("wait"):
                await self._wait(line)

    def give_back(self, line: Line) -> None:
        """End a turn."""
        self._free += 1
        line.running -= 1
        self._next()

    def _start(self, line: Line) -> None:
        self._free -= 1
        line.inside -= 1
        line.running += 1
        self._now = max(self._now, line.served)

    async def _wait(self, line: Line) -> None:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        line.waiting.append(turn)
        self._crowded.add(line)
        began = loop.time()
        end = loop.call_later(PATIENCE, _give_up, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # Its turn came, and its caller went, in the same moment.
                line.inside += 1
                self.give_back(line)
            raise
        finally:
            end.cancel()
            waited = loop.time() - began
            line.waited(waited)
            tallies.time(turn_wait_seconds, waited)
            if turn in line.waiting:
                line.waiting.remove(turn)

    def _next(self) -> None:
        while self._free and self._crowded:
            self._crowded = {line for line in self._crowded if line.waiting}
            ready = [line for line in self._crowded if line.running < self._share]
            if not ready:
                return
            line = min(ready, key=lambda each: each.served)
            turn = line.waiting.popleft()
            if not turn.done():
                self._start(line)
                turn.set_result(None)


def _give_up(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(overloaded())


def overloaded() -> Refusal:
    """The refusal of what the gateway has no time for."""
    message = "The gateway has more to do than it can; try again in a moment."
    return Refusal(503, "OVERLOADED", message, {"Retry-After": "1"})
