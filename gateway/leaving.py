"""Leaving: that this process was told to end, for whoever must know while it still answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable


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

    def on_end(self, end: Callable[[], Awaitable[None]]) -> None:
        """Have something that would go on for ever ended before the process waits for what is in flight."""
        self._ends.append(end)

    async def end(self) -> None:
        """End all that would go on for ever."""
        for end in self._ends:
            await end()


leaving = Leaving()
"""Of this process: it serves one gateway, and signals are for processes."""
