"""Calls to partners as telemetry sees them: each try is counted, timed and, when tracing is on, a span."""

from __future__ import annotations

import asyncio
import time
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

from prometheus_client import Counter, Histogram

from gateway.errors import PartnerError
from gateway.telemetry import metrics, spans, tracing
from gateway.telemetry.labels import NAMES, Bounded

_names: dict[str, Bounded] = {}


class PartnerCall:
    """One try of a call, as a context manager; `name` is the partner's name for what is called."""

    __slots__ = ("_began", "_connector", "_span", "_tried", "name")

    def __init__(self, connector: str, address: str, attempt: int) -> None:
        self._connector = connector
        self._span = spans.partner_span(connector, address, attempt) if tracing.tracer else None
        self._tried: Any = None
        self.name = ""

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        if self._span is not None:
            self._tried = self._span.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        name = _names.setdefault(self._connector, Bounded(NAMES))(self.name)
        seconds = time.perf_counter() - self._began
        _times(self._connector, name).observe(seconds)
        _count(self._connector, name, _outcome(error)).inc()
        if self._span is not None:
            self._tried.update_name(f"{self._connector} {name}".rstrip())
            self._tried.set_attribute("gateway.call", name)
            if error is not None:
                self._tried.set_attribute("gateway.kind", _outcome(error))
            self._span.__exit__(kind, error, trace)


@lru_cache(maxsize=1_024)
def _times(connector: str, name: str) -> Histogram:
    return metrics.partner_call_seconds.labels(connector, name)


@lru_cache(maxsize=4_096)
def _count(connector: str, name: str, outcome: str) -> Counter:
    return metrics.partner_calls.labels(connector, name, outcome)


def _outcome(error: BaseException | None) -> str:
    if isinstance(error, PartnerError):
        return error.kind.value
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    return "ok" if error is None else "failed"
