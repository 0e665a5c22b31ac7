"""Tracing: spans of requests, operations, batch calls and partner calls, sent by OTLP over HTTP.

Off unless OpenTelemetry's own variables name a collector; then `tracer` is None, nothing of OpenTelemetry is loaded,
and whoever could make a span asks that one name. No span holds an exception's text, an address with its query, a
document, an argument, a token or who was at the other end.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from gateway.errors import SettingsError

if TYPE_CHECKING:
    # Loaded where tracing is on: it is a good part of what a command needs to start.
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Link, Span, SpanKind, Tracer

tracer: Tracer | None = None
"""Makes spans where tracing is on."""

shared: frozenset[str] = frozenset()
"""With whom traces are shared: `callers`, whose trace is gone on with, and the connectors that are sent ours."""

FLUSH = 5.0
"""Seconds that the last spans may take at the end of the process."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")

_provider: TracerProvider | None = None


def wanted(environ: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry's variables switch traces on. Raises `SettingsError` for a protocol that is not spoken."""
    off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if off or environ.get("OTEL_TRACES_EXPORTER") == "none" or not any(map(environ.get, _ENDPOINTS)):
        return False
    protocol = next(filter(None, map(environ.get, _PROTOCOLS)), "http/protobuf")
    if protocol != "http/protobuf":
        raise SettingsError(f"traces are sent by http/protobuf, not {protocol} (OTEL_EXPORTER_OTLP_PROTOCOL)")
    return True


def start(trusted: Collection[str] = (), environ: Mapping[str, str] = os.environ) -> None:
    """Begin to trace where the variables want it, sharing traces with who is `trusted`. Raises `SettingsError`."""
    global tracer, shared, _provider
    if _provider is not None or not wanted(environ):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    found = Resource({"service.name": "silk-road-gateway"})
    # What the operator says of the service by OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES is more than what we say.
    told = {k: v for k, v in Resource.create().attributes.items() if v != "unknown_service"}
    _provider = TracerProvider(resource=found.merge(Resource(told)), shutdown_on_exit=False)
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = _provider.get_tracer("gateway")
    shared = frozenset(trusted)


def stop() -> None:
    """Send what is still here, for `FLUSH` seconds at most, and trace no more."""
    global tracer, shared, _provider
    if _provider is None:
        return
    ending = threading.Thread(target=_provider.shutdown, daemon=True)
    tracer, shared, _provider = None, frozenset(), None
    ending.start()
    ending.join(FLUSH)


@contextmanager
def span(
    name: str,
    attributes: Mapping[str, Any],
    kind: SpanKind | None = None,
    context: Context | None = None,
    links: Sequence[Link] = (),
) -> Iterator[Span]:
    """A span around a block, where tracing is on. An exception is noted by its class or code alone."""
    from opentelemetry.trace import SpanKind, StatusCode

    assert tracer is not None
    with tracer.start_as_current_span(
        name,
        context,
        kind or SpanKind.INTERNAL,
        attributes,
        links,
        record_exception=False,
        set_status_on_exception=False,
    ) as found:
        try:
            yield found
        except asyncio.CancelledError:
            found.set_attribute("error.type", "cancelled")
            raise
        except Exception as error:
            code = getattr(error, "code", None)
            found.set_attribute("error.type", code if isinstance(code, str) else type(error).__name__)
            if not isinstance(code, str):
                found.set_status(StatusCode.ERROR)
            raise


_NOTHING = nullcontext()


def phase(name: str) -> AbstractContextManager[object]:
    """A span around a part of a request; nothing where tracing is off."""
    return _NOTHING if tracer is None else span(name, {})


def ids() -> dict[str, str]:
    """The ids of the current trace and span, for the log; none where tracing is off or there is no span."""
    if tracer is None:
        return {}
    from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

    found = get_current_span().get_span_context()
    if not found.is_valid:
        return {}
    return {"trace_id": format_trace_id(found.trace_id), "span_id": format_span_id(found.span_id)}


def traceparent(connector: str) -> Mapping[str, str]:
    """The headers that tell a partner of our trace (W3C Trace Context), if it is one that may know; never baggage."""
    if tracer is None or connector not in shared:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    found: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(found)
    return {"traceparent": found["traceparent"]} if "traceparent" in found else {}
