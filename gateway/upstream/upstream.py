"""Upstream: one partner as connectors reach it, with all that keeps its troubles from the others."""

from __future__ import annotations

import asyncio
import copy
import logging
import random
import time
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from cachetools import TTLCache

from gateway.errors import Kind, PartnerError, SettingsError
from gateway.telemetry import metrics
from gateway.telemetry.calls import PartnerCall
from gateway.upstream.budget import RetryBudget
from gateway.upstream.connections import Connections
from gateway.upstream.flights import Flights
from gateway.upstream.http import DEADLINE, Answer, Request
from gateway.upstream.quotas import ALL, Quotas, told
from gateway.upstream.shared import Tally
from gateway.upstream.terms import DEFAULT_TERMS, Terms
from gateway.upstream.tokens import Acquire, Refresh, Token, Tokens
from gateway.upstream.way import HeldBack, Way

T = TypeVar("T")

logger = logging.getLogger("gateway.upstream")

TRIES = 4
"""How often a call is tried at most."""

LONGEST_WAIT = 60.0
"""Seconds that a sync waits for its next try at most; a longer wait is for the next sync."""

_ANSWER = 0.05
"""Seconds before the end of its time at which a live field has its answer, or its error: at most a tenth of it."""

_NONE: Any = object()

_REFUSALS = 1_000
"""Refused calls that are remembered."""


class Upstream:
    """One partner over HTTP. `settings` are the partner's: `url`, and its keys and secrets.

    `state` is a folder for what workers share; `live` says that callers wait for what is asked here. `clock` is in
    epoch seconds. Raises `SettingsError` for a quota in the settings that is none.
    """

    def __init__(
        self,
        partner: str,
        settings: Mapping[str, str],
        terms: Terms = DEFAULT_TERMS,
        state: Path | None = None,
        live: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.partner = partner
        self.settings = settings
        self.terms = terms
        self._live = live
        self._deadline: float | None = None
        self._connections = Connections(partner, settings, terms.largest)
        self._tally = Tally(state / f"{partner}.quotas" if state is not None else None)
        self._quotas = Quotas(terms.settled(settings), self._tally, live, clock)
        self._ways: dict[str, Way] = {}
        self._flights = Flights()
        self._refused: TTLCache[Hashable, PartnerError | None] = TTLCache(_REFUSALS, terms.negative)
        self._budget = RetryBudget()
        self._tokens = Tokens(partner, settings, state, clock)

    async def __aenter__(self) -> Self:
        self._connections.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tokens.close()
        self._connections.close()
        self._tally.close()

    def until(self, deadline: float | None) -> Self:
        """The same partner for one who waits to this moment of the event loop's clock, and no longer than `terms.live`.

        With None there is no such moment.
        """
        found = copy.copy(self)
        found._deadline = None
        if deadline is not None:
            now = asyncio.get_running_loop().time()
            found._deadline = min(deadline - min(_ANSWER, (deadline - now) / 10), now + self.terms.live)
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
        for or a growing one of our own, `TRIES` times in all, as far as time and the retry budget allow.

        Calls with the same `key` at the same time are one, and share what it gives; so it must say all that is asked. A
        refusal of such a call (BUSINESS), and None, are remembered for `terms.negative` seconds.
        """
        if key is None:
            return await self._call(prepare, accept, repeats=True)
        refusal = self._refused.get(key, _NONE)
        if refusal is _NONE:
            return await self._shared(prepare, accept, key)
        metrics.partner_shared.labels(self.partner).inc()
        if refusal is not None:
            raise refusal.again()
        return None  # type: ignore[return-value]

    async def write(self, prepare: Callable[[], Request], accept: Callable[[Answer], T]) -> T:
        """As `read`, but of a call that changes something: repeated only where the partner never heard it."""
        return await self._call(prepare, accept, repeats=False)

    async def token(
        self, name: str, acquire: Acquire, refresh: Refresh | None = None, refused: str | None = None
    ) -> Token:
        """The partner's token of this name, which all workers and syncs share: see `Tokens.fresh`."""
        async with self._ending():
            return await self._tokens.fresh(self.until(None), name, acquire, refresh, refused)

    async def send(self, request: Request) -> Answer:
        """One try, whatever the partner's terms. Raises `PartnerError` (TRANSIENT) where no answer comes."""
        return await self._connections.send(request, self._left())

    async def _shared(
        self, prepare: Callable[[], Request], accept: Callable[[Answer], T], key: Hashable
    ) -> T:
        try:
            async with self._ending():
                found, shared = await self._flights.join(
                    key, lambda: self._call(prepare, accept, repeats=True)
                )
        except PartnerError as error:
            if error.kind is Kind.BUSINESS:
                self._refused[key] = error.again()
            raise
        if found is None:
            self._refused[key] = None
        if shared:
            metrics.partner_shared.labels(self.partner).inc()
        return found

    async def _call(self, prepare: Callable[[], Request], accept: Callable[[Answer], T], repeats: bool) -> T:
        self._budget.earn()
        attempt = 1
        while True:
            try:
                return await self._try(prepare, accept, attempt)
            except SettingsError as error:
                if not self._live:
                    raise
                # Which setting is for the operator to know.
                logger.error("settings incomplete", extra={"connector": self.partner, "reason": str(error)})
                message = f"the settings of this gateway for {self.partner} are not complete"
                raise PartnerError(Kind.AUTH, message, code="SETTINGS", partner=self.partner) from None
            except PartnerError as error:
                error.partner = error.partner or self.partner
                wait = _wait(attempt, error.retry_after)
                if attempt == TRIES or not self._may_repeat(error, wait, repeats):
                    raise
            await asyncio.sleep(wait)
            attempt += 1

    def _may_repeat(self, error: PartnerError, wait: float, repeats: bool) -> bool:
        if not error.retryable or not (repeats or error.unheard):
            return False
        if wait > LONGEST_WAIT or wait >= self._patience():
            return False
        if isinstance(error, HeldBack):
            # Who is waited for by a caller does not wait for a partner to recover.
            return not self._live
        if not self._budget.spend():
            return False
        metrics.partner_retries.labels(self.partner).inc()
        return True

    async def _try(self, prepare: Callable[[], Request], accept: Callable[[Answer], T], attempt: int) -> T:
        request = prepare()
        way = self._way(request.base)
        if await way.enter(request, self._patience):
            request = prepare()
        with way.trying(), PartnerCall(self.partner, self.settings[request.base], attempt) as call:
            call.name = request.name
            answer = await self.send(request)
            if left := told(answer.headers):
                self._quotas.learn(request.group, left)
            try:
                return accept(answer)
            except PartnerError as error:
                if error.kind is Kind.THROTTLED and error.retry_after is not None:
                    self._quotas.ban(ALL if error.whole else request.group or request.name, error.retry_after)
                raise

    def _way(self, base: str) -> Way:
        if base not in self._ways:
            self._ways[base] = Way(self.partner, self.terms, self._quotas)
        return self._ways[base]

    def _left(self) -> float:
        """Seconds that one try may take now."""
        if self._deadline is None:
            return self.terms.deadline
        return min(self._deadline - asyncio.get_running_loop().time(), self.terms.deadline)

    def _patience(self) -> float:
        """Seconds that may be waited before a try is begun."""
        return LONGEST_WAIT if self._deadline is None else self._left()

    def _ending(self) -> _Ending:
        return _Ending(self.partner, self._deadline)


class _Ending:
    """Ends what is waited for at a deadline, in an error that says at which partner it was."""

    def __init__(self, partner: str, deadline: float | None) -> None:
        self._partner = partner
        self._timeout = asyncio.timeout_at(deadline)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, *raised: Any) -> None:
        try:
            await self._timeout.__aexit__(*raised)
        except TimeoutError:
            message = f"no answer from {self._partner}: it took too long"
            raise PartnerError(Kind.TRANSIENT, message, code=DEADLINE, partner=self._partner) from None


def _wait(attempt: int, asked: float | None) -> float:
    if asked is not None:
        return asked
    return float(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311 - spreads retries, guards nothing
