"""Connections: what a worker has open for longer than an answer takes, and how all of that is ended."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any

from gateway.errors import Refusal
from gateway.oauth.throttle import source

PATIENCE = 20.0
"""Seconds that something sent may wait for its reader."""


NAMELESS, FROM_ONE = 1_000, 50
"""WebSockets of one worker whose caller is not known yet, and those of them that are from one address."""


class Crowded(Exception):
    """Too many wait to say who they are."""


class Connections:
    """The WebSockets and event streams of one worker."""

    def __init__(self) -> None:
        self.ending = asyncio.Event()
        self._nameless: Counter[str] = Counter()
        self._open = 0
        self._none = asyncio.Event()

    def __len__(self) -> int:
        """How many are open."""
        return self._open

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Count one while the block runs. Raises `Refusal` 503 when the worker is about to end."""
        if self.ending.is_set():
            message = "This worker is about to end; connect again."
            raise Refusal(503, "UNAVAILABLE", message, {"Retry-After": "1", "Connection": "close"})
        self._open += 1
        self._none.clear()
        try:
            yield
        finally:
            self._open -= 1
            if not self._open:
                self._none.set()

    @contextmanager
    def nameless(self, address: str) -> Iterator[None]:
        """Count one whose caller is not known while the block runs. Raises `Crowded` where there are enough.

        Once the caller is known, it counts as one of its application's.
        """
        waiting, at = self._nameless, source(address)
        if waiting[at] >= FROM_ONE or waiting.total() >= NAMELESS:
            raise Crowded
        waiting[at] += 1
        try:
            yield
        finally:
            waiting[at] -= 1
            if not waiting[at]:
                del waiting[at]

    async def end(self) -> None:
        """Close WebSockets with 1001 and complete streams, and let no other be opened; returns when none is left."""
        self.ending.set()
        if self._open:
            await self._none.wait()


async def first(*awaitables: Awaitable[Any]) -> dict[int, Any]:
    """Wait for the first of several and stop the others; what each that is done came to, by its place.

    An exception is raised, that of the foremost.
    """
    tasks = [asyncio.ensure_future(each) for each in awaitables]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        done = [each.done() for each in tasks]
    finally:
        for each in tasks:
            each.cancel()
        # An exception that nobody fetches, asyncio would log with its text.
        await asyncio.gather(*tasks, return_exceptions=True)
    return {place: each.result() for place, each in enumerate(tasks) if done[place]}
