"""Flights: identical reads that are at work at the same time are one call, and share what it gives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from gateway.errors import PartnerError
from gateway.upstream.http import DEADLINE

T = TypeVar("T")


class Flights:
    """The reads of one partner that are at work, by their keys."""

    def __init__(self) -> None:
        self._flying: dict[Hashable, tuple[asyncio.Task[Any], list[None]]] = {}

    async def join(self, key: Hashable, begin: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """What the call of this key gives, begun here unless it is at work; and whether it was another's.

        It ends early when nobody waits for it any more. Who joined another's call that ran out of the other's time
        begins one of its own.
        """
        while True:
            flight = self._flying.get(key)
            shared = flight is not None
            if flight is None:
                task: asyncio.Task[Any] = asyncio.ensure_future(_run(begin))
                flight = self._flying[key] = (task, [])
                task.add_done_callback(lambda done: self._landed(key, done))
            try:
                return await self._wait(key, *flight), shared
            except PartnerError as error:
                if not shared or error.code != DEADLINE:
                    raise

    async def _wait(self, key: Hashable, task: asyncio.Task[T], waiting: list[None]) -> T:
        waiting.append(None)
        try:
            return await asyncio.shield(task)
        finally:
            waiting.pop()
            if not waiting and not task.done():
                # At once, for whoever comes now must not join a call that is being given up.
                self._forget(key, task)
                task.cancel()

    def _landed(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        self._forget(key, task)
        if not task.cancelled():
            task.exception()

    def _forget(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        flight = self._flying.get(key)
        if flight is not None and flight[0] is task:
            del self._flying[key]


async def _run(begin: Callable[[], Awaitable[T]]) -> T:
    return await begin()
