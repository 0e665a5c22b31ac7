"""Upstream: one partner as connectors reach it, with all that keeps its troubles from the others."""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from gateway.errors import PartnerError
from gateway.telemetry.calls import PartnerCall
from gateway.upstream.budget import RetryBudget
from gateway.upstream.http import Answer, Connections, Request
from gateway.upstream.terms import DEFAULT_TERMS, Terms
from gateway.upstream.tokens import Acquire, Refresh, Token, Tokens

T = TypeVar("T")

TRIES = 4
LONGEST_WAIT = 60.0


class Upstream:
    """One partner over HTTP. `settings` are the partner's: `url`, and its keys and secrets.

    `state` is a folder for what workers share; `live` says that callers wait for what is asked here.
    """

    def __init__(
        self,
        partner: str,
        settings: Mapping[str, str],
        terms: Terms = DEFAULT_TERMS,
        state: Path | None = None,
        live: bool = False,
    ) -> None:
        self.partner = partner
        self.settings = settings
        self.terms = terms
        self._live = live
        self._deadline: float | None = None
        self._connections = Connections(partner, settings, terms.largest)
        self._slots = asyncio.Semaphore(terms.concurrency)
        self._budget = RetryBudget()
        self._tokens = Tokens(partner, settings, state)

    async def __aenter__(self) -> Self:
        self._connections.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tokens.close()
        await self._connections.close()

    def until(self, deadline: float | None) -> Self:
        """The same partner for one who waits no longer than to this moment of the event loop's clock."""
        found = copy.copy(self)
        found._deadline = deadline
        return found

    async def read(
        self,
        prepare: Callable[[], Request],
        accept: Callable[[Answer], T],
        key: Hashable | None = None,
    ) -> T:
        """What `accept` makes of the answer to a request that may be repeated safely.

        `prepare` is called anew for each try, for signatures hold a time. `accept` raises `PartnerError` for an answer
        that is an error, whatever its HTTP status; one that may pass is tried again, after the wait the partner asked
        for or a growing one of our own, `TRIES` times in all. A wait beyond `LONGEST_WAIT` is for the caller to make.
        Calls with the same `key` at the same time are one, and share what it gives; so it must say all that is asked.
        """
        return await self._call(prepare, accept, lambda error: error.retryable)

    async def write(self, prepare: Callable[[], Request], accept: Callable[[Answer], T]) -> T:
        """As `read`, but of a call that changes something: repeated only where the partner never heard it."""
        return await self._call(prepare, accept, lambda error: error.retryable and error.unheard)

    async def token(
        self, name: str, acquire: Acquire, refresh: Refresh | None = None, refused: str | None = None
    ) -> Token:
        """The partner's token of this name, which all workers share: see `Tokens.fresh`."""
        return await self._tokens.fresh(self.until(None), name, acquire, refresh, refused)

    async def send(self, request: Request) -> Answer:
        """One try. Raises `PartnerError` (TRANSIENT) when the partner cannot be reached or says too much."""
        return await self._connections.send(request, self._time_left())

    async def _call(
        self,
        prepare: Callable[[], Request],
        accept: Callable[[Answer], T],
        may_repeat: Callable[[PartnerError], bool],
    ) -> T:
        self._budget.earn()
        attempt = 1
        while True:
            try:
                return await self._try(prepare, accept, attempt)
            except PartnerError as error:
                error.partner = error.partner or self.partner
                wait = _wait(attempt, error.retry_after)
                if (
                    not may_repeat(error)
                    or attempt == TRIES
                    or wait > LONGEST_WAIT
                    or wait > self._time_left()
                ):
                    raise
                if not self._budget.spend():
                    raise
            await asyncio.sleep(wait)
            attempt += 1

    async def _try(self, prepare: Callable[[], Request], accept: Callable[[Answer], T], attempt: int) -> T:
        async with self._slots:
            with PartnerCall(self.partner, self.settings["url"], attempt) as call:
                request = prepare()
                call.name = request.name
                return accept(await self.send(request))

    def _time_left(self) -> float:
        if self._deadline is None:
            return self.terms.deadline
        left = self._deadline - asyncio.get_running_loop().time()
        return max(0.001, min(left, self.terms.deadline))


def _wait(attempt: int, asked: float | None) -> float:
    if asked is not None:
        return asked
    return float(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311 - spreads retries, guards nothing


__all__ = ["LONGEST_WAIT", "TRIES", "Upstream"]
