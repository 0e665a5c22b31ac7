"""A collector: what OpenTelemetry's exporters send to, by OTLP over HTTP; it keeps the spans it was sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """What was sent, whole and as spans."""

    address: str = ""
    requests: list[Any] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that was sent, as JSON."""
        return "\n".join(MessageToJson(each, ensure_ascii=False) for each in self.requests)

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def wait_for(self, name: str, seconds: float = 20) -> Span:
        """The first span of this name, once it has come."""
        end = time.monotonic() + seconds
        while not (found := [span for span in self.spans if span.name == name]):
            assert time.monotonic() < end, sorted({span.name for span in self.spans})
            time.sleep(0.02)
        return found[0]

    def below(self, parent: Span) -> list[Span]:
        """The spans whose parent this is."""
        return [each for each in self.spans if each.parent_span_id == parent.span_id]


def attributes(span: Span) -> dict[str, Any]:
    """What is said of a span."""
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in span.attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a loopback socket, while the block runs."""
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.path == "/v1/traces"
            found.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
