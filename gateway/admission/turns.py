"""Turns: a worker's operations, a few at once and the others in a line per application, which are served fairly."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from gateway.errors import Refusal

WAITING = 64
"""Operations of one application that may wait in a worker."""

PATIENCE = 1.0
"""Seconds that one may wait; later its caller would no longer be there, or not be glad."""

_REMEMBERED = 1_000


@dataclass(slots=True, eq=False)
class Line:
    """The operations of one application: `served` are the cost units that it had, on a clock that all lines share."""

    served: float = 0.0
    running: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Turns:
    """Gives places to operations: of those who wait, to the application that had least until now.

    Who was idle begins where the others are: nobody saves up. No application has more than half the places, so one
    whose operations take long leaves room for another.
    """

    def __init__(self, places: int, waiting: int = WAITING, patience: float = PATIENCE) -> None:
        self._free = places
        self._share = max(1, places // 2)
        self._longest = waiting
        self._patience = patience
        self._lines: dict[str, Line] = {}
        self._crowded: set[Line] = set()
        self._now = 0.0

    def is_full(self, application: str) -> bool:
        """Whether the application's line is as long as it may be."""
        line = self._lines.get(application)
        return line is not None and len(line.waiting) >= self._longest

    async def take(self, application: str) -> Line:
        """A place, as soon as it is this application's turn. Raises `Refusal` 503 where that is too long."""
        line = self._line(application)
        # A place that is free while others wait is one that they may not have.
        if self._free and not line.waiting and line.running < self._share:
            self._start(line)
            return line
        if len(line.waiting) >= self._longest:
            raise overloaded()
        await self._wait(line)
        return line

    def give_back(self, line: Line) -> None:
        """End a turn."""
        self._free += 1
        line.running -= 1
        self._next()

    def _line(self, application: str) -> Line:
        line = self._lines.get(application)
        if line is None:
            if len(self._lines) >= _REMEMBERED:
                self._lines = {key: each for key, each in self._lines.items() if each.running or each.waiting}
            line = self._lines[application] = Line()
        if not line.running and not line.waiting:
            line.served = max(line.served, self._now)
        return line

    def _start(self, line: Line) -> None:
        self._free -= 1
        line.running += 1
        self._now = max(self._now, line.served)

    async def _wait(self, line: Line) -> None:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        line.waiting.append(turn)
        self._crowded.add(line)
        end = loop.call_later(self._patience, _give_up, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # Its turn came, and its caller went, in the same moment.
                self.give_back(line)
            raise
        finally:
            end.cancel()
            if turn in line.waiting:
                line.waiting.remove(turn)

    def _next(self) -> None:
        while self._free:
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
