"""Spans: what each kind of work is called in a trace, and what is said of it. Only for where tracing is on.

Names and attributes are OpenTelemetry's semantic conventions for HTTP and GraphQL; `gateway.*` is our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from gateway.telemetry import tracing
from gateway.telemetry.seen import Prepared, Result

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, Span

_METHODS = frozenset(
    ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE")
)


@contextmanager
def request_span(scope: Scope) -> Iterator[Span]:
    """An HTTP request. A caller's trace is gone on with where that is trusted; otherwise it is linked to.

    Who continues a stranger's trace lets the stranger decide what is recorded.
    """
    from opentelemetry.trace import SpanKind

    method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
    told = {
        "http.request.method": method,
        "url.scheme": scope["scheme"],
        "gateway.request_id": scope["request_id"],
    }
    context, links = _came_from(scope)
    name = method if method != "_OTHER" else "HTTP"
    with tracing.span(name, told, SpanKind.SERVER, context, links) as found:
        yield found
        # Where no route is, the path is the caller's own words.
        if "endpoint" in scope and not scope.get("path_params"):
            found.update_name(f"{name} {scope['path']}")
            found.set_attribute("http.route", scope["path"])


def note_status(span: Span, status: int) -> None:
    """How a request was answered; only what failed here is an error (HTTP conventions)."""
    from opentelemetry.trace import StatusCode

    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)


def _came_from(scope: Scope) -> tuple[Context, Sequence[Link]]:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, get_current_span
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    sent = Headers(scope=scope).get("traceparent")
    if sent is None:
        return Context(), ()
    theirs = TraceContextTextMapPropagator().extract({"traceparent": sent}, Context())
    if "callers" in tracing.shared:
        return theirs, ()
    where = get_current_span(theirs).get_span_context()
    return Context(), [Link(where)] if where.is_valid else ()


@contextmanager
def operation_span(party: str, application: str, kind: str, name: str | None) -> Iterator[Span]:
    """A GraphQL operation; without its document, which may have a person's data among its literals."""
    from opentelemetry.trace import SpanKind

    told = {"graphql.operation.type": kind, "gateway.party": party, "gateway.application": application}
    if name:
        told["graphql.operation.name"] = name[:80]
    with tracing.span(kind, told, SpanKind.SERVER) as found:
        yield found


def note_result(span: Span, outcome: str, prepared: Prepared, result: Result) -> None:
    """What an operation came to, and what it cost."""
    from opentelemetry.trace import StatusCode

    span.set_attributes(
        {
            "gateway.outcome": outcome,
            "gateway.errors": len(result.errors),
            "gateway.batches": result.batches,
            "gateway.cost.estimated": prepared.cost,
            "gateway.cost.actual": result.cost,
        }
    )
    if outcome == "failed":
        span.set_status(StatusCode.ERROR)


@contextmanager
def batch_span(coordinate: str, parents: int) -> Iterator[Span]:
    """One field of one level, fetched for so many parents in one call."""
    with tracing.span(
        f"batch {coordinate}", {"gateway.field": coordinate, "gateway.parents": parents}
    ) as found:
        yield found


def note_failures(span: Span, values: Sequence[Any]) -> None:
    """How many of a batch's values are exceptions, and of which class the first is."""
    failures = [each for each in values if isinstance(each, Exception)]
    if failures:
        span.set_attribute("gateway.failures", len(failures))
        span.set_attribute("error.type", type(failures[0]).__name__)


@contextmanager
def partner_span(connector: str, address: str, attempt: int) -> Iterator[Span]:
    """One try of a call to a partner."""
    from opentelemetry.trace import SpanKind

    told = {
        "gateway.connector": connector,
        "server.address": urlsplit(address).hostname or "",
        "gateway.attempt": attempt,
    }
    if attempt > 1:
        told["http.request.resend_count"] = attempt - 1
    with tracing.span(connector, told, SpanKind.CLIENT) as found:
        yield found
