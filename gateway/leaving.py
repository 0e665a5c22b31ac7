"""Leaving: that this process was told to end, for whoever must know while it still answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

PATIENCE = 5.0
"""Seconds that what goes on for ever may take to end."""


class Leaving:
    """What is known of the end of this process.

    `begun` asks clients to come back on another connection; `unready` asks balancers to send them elsewhere.
    """

    def __init__(self) -> None:
        self.begun = False
        self.unready = False
        self._ends: list[Callable[[], Awaitable[None]]] = []

    def begin(self, unready: bool) -> None:
        """Begin to leave."""
        self.begun, self.unready = True, self.unready or unready

    @contextlib.contextmanager
    def ended_by(self, end: Callable[[], Awaitable[None]]) -> Iterator[None]:
        """While the block runs, something goes on that ends only when it is told to, so."""
        self._ends.append(end)
        try:
            yield
        finally:
            self._ends.remove(end)

    async def end(self) -> None:
        """End all that would go on for ever, in `PATIENCE` or without waiting for it any longer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*(end() for end in self._ends))


leaving = Leaving()
"""Of this process: it serves one gateway, and signals are for processes."""
