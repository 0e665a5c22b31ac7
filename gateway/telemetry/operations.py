"""Operations as telemetry sees them: each is counted, timed and, when tracing is on, a span."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Any, Self

from gateway.errors import Refusal
from gateway.telemetry import metrics, spans, tallies, tracing
from gateway.telemetry.labels import LONGEST, OperationLabels
from gateway.telemetry.notes import note
from gateway.telemetry.seen import Prepared, Result

_labels = OperationLabels()


class _Series:
    """The series of one operation of one application, looked up once."""

    __slots__ = ("_labels", "_outcomes", "actual", "batches", "estimated", "refused", "seconds")

    def __init__(self, party: str, application: str, operation: str, kind: str) -> None:
        self._labels = (party, application, operation, kind)
        self._outcomes: dict[str, Any] = {}
        self.seconds = metrics.operation_seconds.labels(*self._labels)
        self.batches = metrics.batches.labels(party, application)
        self.refused = metrics.refused_fields.labels(party, application)
        self.estimated = metrics.cost_units.labels(party, application, "estimated")
        self.actual = metrics.cost_units.labels(party, application, "actual")

    def ended(self, outcome: str) -> None:
        """Count one that ended so."""
        found = self._outcomes.get(outcome)
        if found is None:
            found = self._outcomes[outcome] = metrics.operations.labels(*self._labels, outcome)
        tallies.count(found)


_series: dict[tuple[str, str, str, str], _Series] = {}


def _series_of(party: str, application: str, name: str | None, kind: str) -> _Series:
    key = (party, *_labels(application, name), kind)
    found = _series.get(key)
    if found is None:
        found = _series[key] = _Series(*key)
    return found


def outcome(result: Result) -> str:
    """How an operation that ran has ended."""
    if not result.errors:
        return "ok"
    return "failed" if result.data is None else "partial"


class Recorded:
    """An operation while it runs, as a context manager. What it came to is told by `result`."""

    __slots__ = ("_began", "_name", "_open", "_prepared", "_series", "_span", "outcome")

    def __init__(self, party: str, application: str, prepared: Prepared) -> None:
        operation = prepared.plan.operation
        kind, name = operation.operation.value, operation.name.value if operation.name else None
        self._name, self._prepared = name, prepared
        self._series = _series_of(party, application, name, kind)
        self._span = spans.operation_span(party, application, kind, name) if tracing.tracer else None
        self._open: Any = None
        self.outcome = "failed"

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        tallies.count(metrics.in_flight)
        if self._span is not None:
            self._open = self._span.__enter__()
        return self

    def result(self, result: Result) -> None:
        """What it came to."""
        series, prepared = self._series, self._prepared
        self.outcome = outcome(result)
        tallies.count(series.batches, result.batches)
        tallies.count(series.estimated, prepared.cost)
        tallies.count(series.actual, result.cost)
        if refused := len(prepared.plan.refusals):
            tallies.count(series.refused, refused)
        note(
            type=prepared.plan.operation.operation.value,
            operation=(self._name or "")[:LONGEST],
            outcome=self.outcome,
            errors=len(result.errors),
            cost=result.cost,
        )
        if self._open is not None:
            spans.note_result(self._open, self.outcome, prepared, result)

    def event(self, estimated: int, actual: int) -> None:
        """It was a level of a subscription's events, and cost this."""
        self.outcome = "ok"
        note(type="subscription", operation=(self._name or "")[:LONGEST], outcome="ok")
        tallies.count(self._series.estimated, estimated)
        tallies.count(self._series.actual, actual)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tallies.count(metrics.in_flight, -1)
        if isinstance(error, asyncio.CancelledError):
            self.outcome = "cancelled"
        elif isinstance(error, Refusal):
            self.outcome = "refused"
        if error is not None:
            note(outcome=self.outcome)
        tallies.time(self._series.seconds, time.perf_counter() - self._began)
        self._series.ended(self.outcome)
        if self._span is not None:
            self._span.__exit__(kind, error, trace)
