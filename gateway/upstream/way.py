"""The way to one address of a partner: whose try may go now, and what its end says of the partner."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from gateway.errors import Kind, PartnerError
from gateway.telemetry import metrics
from gateway.upstream.breaker import Breaker
from gateway.upstream.http import DEADLINE, Request
from gateway.upstream.quotas import Quotas
from gateway.upstream.terms import Terms

_LEAST = 0.002
"""Seconds without which no try is begun."""


class HeldBack(PartnerError):
    """A call that the gateway did not make: `code` is CIRCUIT_OPEN, BUSY, QUOTA or DEADLINE."""


class Way:
    """Places at one address, and its breaker. `clock` is in seconds."""

    def __init__(
        self,
        partner: str,
        terms: Terms,
        quotas: Quotas,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.partner = partner
        self.terms = terms
        self.breaker = Breaker(clock)
        self.quickest = 0.0
        self._quotas = quotas
        self._places = asyncio.Semaphore(terms.concurrency)
        self._waiting = 0
        self._in_flight = metrics.partner_in_flight.labels(partner)
        self._circuit = metrics.partner_circuit.labels(partner)

    async def enter(self, request: Request, left: Callable[[], float]) -> bool:
        """Take a place and a call of the quotas, within the time that is left; whether that took any.

        Raises `HeldBack`.
        """
        waited = 0.0
        queued = self._places.locked()
        while True:
            self._check(left())
            await self._place(left())
            try:
                self._check(left())
                wait = self._quotas.take(request.group, request.name)
                if not wait and (pause := self.breaker.enter()):
                    raise self._held("CIRCUIT_OPEN", Kind.TRANSIENT, pause)
            except BaseException:
                self._places.release()
                raise
            if not wait:
                break
            self._places.release()
            if wait >= left():
                raise self._held("QUOTA", Kind.THROTTLED, wait)
            waited += wait
            # A little more than was said, for timers may be early.
            await asyncio.sleep(wait + 0.001)
        if waited:
            metrics.partner_quota_wait_seconds.labels(self.partner).observe(waited)
        return bool(waited or queued)

    def trying(self) -> _Try:
        """A try at work, from `enter` on; its end is judged."""
        return _Try(self)

    def _check(self, left: float) -> None:
        """Whether there is time, and a way."""
        if left <= max(_LEAST, self.quickest):
            raise self._held(DEADLINE, Kind.TRANSIENT, None)
        if pause := self.breaker.closed_for():
            raise self._held("CIRCUIT_OPEN", Kind.TRANSIENT, pause)

    async def _place(self, left: float) -> None:
        if not self._places.locked():
            await self._places.acquire()
            return
        if self._waiting >= self.terms.waiting:
            raise self._held("BUSY", Kind.TRANSIENT, 1.0)
        self._waiting += 1
        try:
            async with asyncio.timeout(left):
                await self._places.acquire()
        except TimeoutError:
            raise self._held("BUSY", Kind.TRANSIENT, 1.0) from None
        finally:
            self._waiting -= 1

    def _held(self, reason: str, kind: Kind, wait: float | None) -> HeldBack:
        metrics.partner_held_back.labels(self.partner, reason.lower()).inc()
        message = f"{_REASONS[reason]} {self.partner}"
        return HeldBack(kind, message, code=reason, retry_after=wait, unheard=True, partner=self.partner)

    def begin(self) -> None:
        """A try goes out."""
        self._in_flight.inc()

    def end(self, error: BaseException | None, seconds: float) -> None:
        """It ended, with an answer or with an error; whoever was silent for long failed, even if nobody waited."""
        self._in_flight.dec()
        self._places.release()
        silent = isinstance(error, asyncio.CancelledError) or _is_timeout(error)
        if silent and seconds < self.terms.patience:
            self.breaker.leave()
        elif silent or (isinstance(error, PartnerError) and error.kind is Kind.TRANSIENT):
            self.breaker.fail()
        elif error is None or isinstance(error, PartnerError):
            self.breaker.succeed()
            self.quickest = min(seconds, self.quickest * 1.05 or seconds)
        else:
            self.breaker.leave()
        self._circuit.set(self.breaker.state.value)


_REASONS = {
    "CIRCUIT_OPEN": "too many calls failed; none is made for a while to",
    "BUSY": "too many calls are at work at",
    "QUOTA": "the quota is used up at",
    DEADLINE: "there is no time left for a call to",
}


def _is_timeout(error: BaseException | None) -> bool:
    return isinstance(error, PartnerError) and error.code == DEADLINE


class _Try:
    """One try, as a context manager."""

    __slots__ = ("_began", "_way")

    def __init__(self, way: Way) -> None:
        self._way = way

    def __enter__(self) -> Self:
        self._way.begin()
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._way.end(error, time.perf_counter() - self._began)
