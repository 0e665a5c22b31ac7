"""Tracing: switched on by OpenTelemetry's own variables, and shared with nobody who is not named."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from gateway.app import create_app
from gateway.errors import Kind, PartnerError, SettingsError
from gateway.settings import Settings
from gateway.telemetry import tracing
from gateway.telemetry.tracing import FLUSH, ids, phase, traceparent, wanted
from gateway.upstream.http import Answer, Request
from tests.collector import Collector, attributes, collecting
from tests.conftest import Gateway
from tests.test_upstream import Partner, http, reached

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that the variables name; `tracing.stop()` sends it what there is."""
    with collecting() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.address)
        yield found
        tracing.stop()


def test_it_is_off_unless_a_collector_is_named() -> None:
    """And can be switched off where one is."""
    assert not wanted({})
    assert wanted(ENDPOINT)
    assert wanted({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"})
    assert not wanted({**ENDPOINT, "OTEL_SDK_DISABLED": "true"})
    assert not wanted({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"})


def test_a_protocol_that_is_not_spoken_is_told() -> None:
    with pytest.raises(SettingsError, match="http/protobuf, not grpc"):
        wanted({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


def test_off_it_costs_nothing_to_have() -> None:
    """Nothing of OpenTelemetry is loaded, and whoever asks gets nothing."""
    look = (
        "import sys, gateway.__main__; print(any(each.startswith('opentelemetry') for each in sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", look], text=True) == "False\n"
    assert tracing.tracer is None
    assert phase("plan") is phase("answer")
    assert ids() == traceparent("alibaba") == {}


async def test_a_trusted_callers_trace_is_gone_on_with(gateway: Gateway, collector: Collector) -> None:
    tracing.start(["callers"])
    sent = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    await gateway.post({"query": "{ caller { party } }"}, gateway.token("ALIBABA"), **sent)
    tracing.stop()
    request = collector.wait_for("POST /graphql")
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, "b7ad6b7169203331")
    assert not request.links


@pytest.mark.parametrize("sent", ["", "nonsense", f"00-{'0' * 32}-b7ad6b7169203331-01", "00-" * 4000])
async def test_a_broken_traceparent_is_as_good_as_none(
    gateway: Gateway, collector: Collector, sent: str
) -> None:
    tracing.start(["callers"])
    response = await gateway.post(
        {"query": "{ caller { party } }"}, gateway.token("ALIBABA"), traceparent=sent
    )
    assert response.status_code == 200
    tracing.stop()
    request = collector.wait_for("POST /graphql")
    assert not request.parent_span_id
    assert not request.links


async def test_what_is_refused_is_no_error_of_ours(gateway: Gateway, collector: Collector) -> None:
    """A path that no route has is not told; a refusal is told by its code, and only what fails here is an error."""
    tracing.start()
    await gateway.client.get("/canary/path")
    await gateway.post({"query": "{ nothing }"}, gateway.token("ALIBABA"))
    await gateway.post({"query": "{ nothing }"})
    tracing.stop()
    assert attributes(collector.wait_for("GET")).keys() >= {"http.response.status_code"}
    assert "canary" not in collector.text
    assert attributes(collector.wait_for("plan"))["error.type"] == "GRAPHQL_VALIDATION_FAILED"
    refused = [each for each in collector.spans if each.name == "authenticate"]
    assert {attributes(each).get("error.type") for each in refused} == {None, "UNAUTHENTICATED"}
    assert {each.status.code for each in collector.spans} == {0}


@pytest.mark.parametrize("shared", [["partner"], []])
async def test_a_partner_is_told_of_a_trace_only_if_it_is_named(
    collector: Collector, shared: list[str]
) -> None:
    """Each try is a span of its own, and its id is what that try sends."""
    tracing.start(shared)
    partner = Partner(http(status="500 No"), http())

    def accept(answer: Answer) -> int:
        if answer.status != 200:
            raise PartnerError(Kind.TRANSIENT, "no")
        return answer.status

    async with reached(partner) as upstream:
        with phase("pull"):
            assert await upstream.read(lambda: Request("GET", "/list", name="list"), accept) == 200
    tracing.stop()
    tries: list[Span] = [each for each in collector.spans if each.name == "partner list"]
    assert [attributes(each)["gateway.attempt"] for each in tries] == [1, 2]
    assert attributes(tries[0])["gateway.kind"] == "TRANSIENT"
    sent = [each.decode().partition("traceparent: ")[2].partition("\r\n")[0] for each in partner.heard]
    told = [f"00-{each.trace_id.hex()}-{each.span_id.hex()}" for each in tries]
    assert [each[:-3] for each in sent] == (told if shared else ["", ""])


def test_a_collector_that_does_not_answer_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is still here at the end is tried for `FLUSH` seconds, and lost."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        tracing.start()
        with phase("lost"):
            pass
        began = time.monotonic()
        tracing.stop()
        assert time.monotonic() - began < FLUSH + 1


def test_a_name_that_is_none_is_told(tmp_path: Path) -> None:
    """A typing error does not pass silently."""
    with pytest.raises(SettingsError, match="trace_context names alibab; there are callers, alibaba"):
        create_app(Settings(state=tmp_path, trace_context=("callers", "alibab")))
