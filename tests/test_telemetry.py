"""Telemetry of a day of `gateway serve` and `gateway sync`: what traces and metrics tell, and that nothing of persons,
callers, partners or keys is in them, in the logs, or in the errors.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateway.logs import JsonFormatter
from gateway.settings import Settings
from gateway.store.database import writer
from gateway.telemetry import tracing
from tests.collector import Collector, attributes, collecting
from tests.door import Door, filled
from tests.people import PASSWORD, SECRET, Flow, settle
from tests.subscribers import Station
from tests.test_logs import PERSON, SENT, ask, free_port, personal, until_up
from tests.test_workers import until

PARTNER = {
    "app_key": "canary-app-key",
    "app_secret": "canary-app-secret",
    "access_token": "canary-access-token",
    "answer": "canary of the partner's words",
}
THEIRS = {"baggage": "canary-baggage", "tracestate": "canary-tracestate"}
TRACE = "0af7651916cd43dd8448eb211c80319c"


@dataclass
class Telling:
    """What a day left behind."""

    log: str = ""
    synced: str = ""
    metrics: str = ""
    errors: str = ""
    collector: Collector = field(default_factory=Collector)
    secrets: dict[str, str] = field(default_factory=dict)
    answers: list[httpx.Response] = field(default_factory=list)
    heard: list[dict[str, str]] = field(default_factory=list)
    returncode: int | None = None

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples of a metric with these labels."""
        return sum(
            sample.value
            for family in text_string_to_metric_families(self.metrics)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def read(self, port: int) -> None:
        """Read the metrics, when all that was counted until now has been written to them."""

        def beats() -> float:
            self.metrics = httpx.get(f"http://127.0.0.1:{port}/metrics").text
            return self.value("gateway_event_loop_lag_seconds_count")

        before = beats()
        until(lambda: beats() > before, 10)

    def span(self, name: str, **said: Any) -> Any:
        """The first span of this name of which this is said."""
        for span in self.collector.spans:
            if span.name == name and said.items() <= attributes(span).items():
                return span
        raise AssertionError(sorted({span.name for span in self.collector.spans}))


def partner(telling: Telling) -> ThreadingHTTPServer:
    """A partner that refuses every call, in words that may hold anything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            telling.heard.append({name.lower(): value for name, value in self.headers.items()})
            self.rfile.read(int(self.headers["content-length"]))
            fault = {"code": "IllegalAccessToken", "msg": PARTNER["answer"], "request_id": PARTNER["answer"]}
            body = json.dumps({"error_response": fault, **fault}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def prepared(state: Path) -> Settings:
    """A state folder with clients, applications and people."""

    async def fill() -> Settings:
        used = await filled(state)
        database = writer(used.database)
        async with database.begin() as connection:
            await settle(connection)
        await database.dispose()
        return used

    used = asyncio.run(fill())
    personal(state)
    return used


def use(client: httpx.Client, used: Settings, port: int, telling: Telling) -> None:
    """Tokens in right and wrong ways, a sign-in, and operations good, bad and failing."""
    grant = {"grant_type": "client_credentials"}
    for name, secret in (("silent", SENT["wrong secret"]), (SENT["client"], SECRET), ("silent", SECRET)):
        telling.answers.append(client.post("/oauth/token", data=grant, auth=(name, secret)))
        pair = base64.b64encode(f"{name}:{secret}".encode()).decode()
        telling.secrets[f"basic {name} {len(telling.secrets)}"] = pair
    token = telling.answers[-1].json()["access_token"]

    async def walk() -> dict[str, Any]:
        async with httpx.AsyncClient(base_url=str(client.base_url), timeout=20) as browser:
            return await Flow(browser, application="desk").tokens()

    personal_tokens = asyncio.run(walk())
    telling.secrets |= {"token": token, "secret": SECRET, "password": PASSWORD}
    telling.secrets |= {name: personal_tokens[name] for name in ("access_token", "refresh_token")}
    client.headers.update({"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", **THEIRS})
    door, day = Door(used, port, client), telling
    ask(door, token, day)  # type: ignore[arg-type]
    ask_in_other_ways(door, token)
    asyncio.run(converse(Station(used, port), token))
    with closing(sqlite3.connect(used.database)) as database:
        database.execute("DROP TABLE order_lines")
    ask(door, token, day)  # type: ignore[arg-type]


LITERAL = f'{{ client(id: "{SENT["literal"]}") {{ id }} }}'


def ask_in_other_ways(door: Door, token: str) -> None:
    """By GET, by a document's hash that is its own and one that is not, for an explanation, and as a stream."""
    bearer = {"authorization": f"Bearer {token}"}
    assert door.get({"query": LITERAL}, **bearer).status_code == 200
    for digest in (hashlib.sha256(LITERAL.encode()).hexdigest(), "0" * 64):
        persisted = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
        door.post({"query": LITERAL, "extensions": persisted}, **bearer)
        door.post({"extensions": persisted, "variables": {"id": SENT["variable"]}}, **bearer)
    explained = "query ($d: String!) { explainAccess(document: $d) { allowed } }"
    assert door.post({"query": explained, "variables": {"d": LITERAL}}, **bearer).status_code == 200
    streamed = door.post({"query": LITERAL}, accept="text/event-stream", **bearer)
    assert "event: complete" in streamed.text


async def converse(station: Station, token: str) -> None:
    """Over WebSockets: as nobody, and as a caller who names things as it likes."""
    async with station.socket(cookie=SENT["header"]) as socket:
        await socket.say("connection_init", payload={"authorization": f"Bearer {SENT['forged token']}"})
        assert (await socket.closed())[0] == 4403
    async with station.socket() as socket:
        await socket.init(token)
        await socket.subscribe(LITERAL, id=SENT["address"], extensions={"note": SENT["comment"]})
        assert (await socket.hear())["payload"]["data"] == {"client": None}
        await socket.say("subscribe", id=SENT["address"], payload={"query": f"{{ {SENT['unknown field']} }}"})
        assert [(await socket.hear())["type"] for _ in range(2)] == ["complete", "error"]
        await socket.opened.send(SENT["body"])
        await socket.closed()


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Telling:
    """The day, told to a collector and to a scraper."""
    state = tmp_path_factory.mktemp("telling")
    port, metrics = free_port(), free_port()
    used = prepared(state)
    found = Telling()
    with collecting() as collector, partner(found) as refusing:
        found.collector = collector
        Thread(target=refusing.serve_forever, args=[0.05], daemon=True).start()
        keys = "".join(f'{name} = "{PARTNER[name]}"\n' for name in ("app_key", "app_secret", "access_token"))
        address = f"http://127.0.0.1:{refusing.server_port}"
        (state / "settings.toml").write_text(
            f'trace_context = ["alibaba"]\n[connectors.alibaba]\nurl = "{address}"\n{keys}'
        )
        environ = {
            **os.environ,
            "GATEWAY_STATE": str(state),
            "GATEWAY_ORIGIN": f"http://127.0.0.1:{port}",
            "GATEWAY_METRICS": f"127.0.0.1:{metrics}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address,
            "OTEL_SERVICE_NAME": "gateway-under-test",
        }
        gateway = [sys.executable, "-m", "gateway"]
        synced = subprocess.run([*gateway, "sync"], env=environ, capture_output=True, text=True, timeout=120)
        found.synced = synced.stdout + synced.stderr
        with subprocess.Popen(
            [*gateway, "serve", "--port", str(port)], env=environ, stderr=subprocess.PIPE, text=True
        ) as serving:
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
                    until_up(client)
                    use(client, used, port, found)
                found.read(metrics)
            finally:
                serving.send_signal(signal.SIGTERM)
                found.log = serving.communicate(timeout=30)[1]
        found.returncode = serving.returncode
        refusing.shutdown()
    found.errors = "\n".join(
        json.dumps(each.json()["errors"]) for each in found.answers if '"INTERNAL_SERVER_ERROR"' in each.text
    )
    return found


def leaks(text: str, secrets: dict[str, str]) -> set[str]:
    """Which of the canaries are in a text, as they are or as JSON has them."""
    canaries = {**PERSON, **SENT, **PARTNER, **THEIRS, **secrets}
    return {what for what, value in canaries.items() if value in text or json.dumps(value)[1:-1] in text}


def test_nothing_that_is_nobodys_business_is_told(telling: Telling) -> None:
    """No person's data, literal, variable, alias, address, header, token, secret, password or partner's word."""
    assert len(telling.log.splitlines()) > 20
    assert len(telling.collector.spans) > 50
    assert telling.metrics.count("\n") > 100
    assert "INTERNAL_SERVER_ERROR" in telling.errors
    assert "alibaba" in telling.synced
    for told in (telling.log, telling.synced, telling.collector.text, telling.metrics, telling.errors):
        assert leaks(told, telling.secrets) == set()
    assert TRACE not in telling.log


def test_the_persons_data_was_given_out(telling: Telling) -> None:
    """So it could have been told."""
    assert any(PERSON["email"] in each.text for each in telling.answers)
    assert telling.returncode == 0


def test_the_search_finds_what_is_planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A literal in a line of the log, in an attribute sent to a collector, in a label."""
    canary = SENT["literal"]
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "request", None, None)
    record.__dict__["argument"] = {"email": PERSON["name"]}
    assert leaks(JsonFormatter().format(record), {}) == {"name"}
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
        tracing.start()
        with tracing.span("planted", {"graphql.document": f'{{ client(id: "{canary}") }}'}):
            pass
        tracing.stop()
        assert leaks(collector.text, {}) == {"literal"}
    registry = CollectorRegistry()
    Counter("planted", "Planted.", ["argument"], registry=registry).labels(canary).inc()
    assert leaks(generate_latest(registry).decode(), {}) == {"literal"}


def test_an_operation_is_a_trace(telling: Telling) -> None:
    """The request with its phases, the operation by OpenTelemetry's conventions, a span per field and level."""
    operation = telling.span("query", **{"graphql.operation.name": "Loyal"})
    said = attributes(operation)
    assert (said["graphql.operation.type"], said["gateway.party"]) == ("query", "ALIBABA")
    assert said["gateway.application"] == "silent"
    assert said["gateway.cost.estimated"] >= said["gateway.cost.actual"] > 0
    assert "graphql.document" not in said
    [request] = [each for each in telling.collector.spans if each.span_id == operation.parent_span_id]
    assert request.name == "POST /graphql"
    said = attributes(request)
    assert (said["http.request.method"], said["http.route"]) == ("POST", "/graphql")
    assert said["http.response.status_code"] == 200
    assert {"authenticate", "plan", "query", "answer"} == {
        each.name for each in telling.collector.below(request)
    }
    parents = {
        attributes(each)["gateway.field"]: attributes(each)["gateway.parents"]
        for each in telling.collector.spans
        if each.trace_id == operation.trace_id and each.name.startswith("batch ")
    }
    assert parents["Query.clients"] == 1
    assert parents["Client.orders"] > 1
    assert said["gateway.request_id"] in telling.log
    assert f'"trace_id":"{request.trace_id.hex()}"' in telling.log


def test_a_strangers_trace_is_linked_to_and_not_gone_on_with(telling: Telling) -> None:
    """What is recorded is for the operator to decide, not for whoever sends a `traceparent`."""
    operation = telling.span("query", **{"graphql.operation.name": "Loyal"})
    [request] = [each for each in telling.collector.spans if each.span_id == operation.parent_span_id]
    assert request.trace_id.hex() != TRACE
    assert not request.parent_span_id
    assert [each.trace_id.hex() for each in request.links] == [TRACE]


def test_failures_are_told_by_their_class(telling: Telling) -> None:
    """A batch that fails says how many values are exceptions; the exception's text stays where it was."""
    failed = [each for each in telling.collector.spans if "gateway.failures" in attributes(each)]
    assert {attributes(each)["error.type"] for each in failed} == {"OperationalError", "FieldError"}
    assert all(not each.events and not each.status.message for each in telling.collector.spans)


def test_a_partners_call_is_a_span_and_knows_its_trace(telling: Telling) -> None:
    """By name, try and kind of failure; the partner is sent our trace because the settings say so, and no baggage."""
    [call, *_] = [each for each in telling.collector.spans if each.name.startswith("alibaba ")]
    said = attributes(call)
    assert (said["gateway.connector"], said["gateway.attempt"], said["gateway.kind"]) == (
        "alibaba",
        1,
        "AUTH",
    )
    assert said["server.address"] == "127.0.0.1"
    assert telling.heard[0]["traceparent"].split("-")[1] == call.trace_id.hex()
    assert not THEIRS.keys() & telling.heard[0].keys()


def test_what_was_done_is_counted(telling: Telling) -> None:
    """By who did it, by what it was called, and by how it ended."""
    ran = {"party": "ALIBABA", "application": "silent", "operation": "Loyal", "type": "query"}
    assert telling.value("gateway_operations_total", outcome="ok", **ran) == 1
    assert telling.value("gateway_operations_total", outcome="failed", **ran) == 1
    assert telling.value("gateway_operation_duration_seconds_count", **ran) == 2
    assert telling.value("gateway_cost_units_total", application="silent", kind="estimated") > 0
    assert telling.value("gateway_batches_total", application="silent") > 5
    assert telling.value("gateway_masked_errors_total") > 0
    assert telling.value("gateway_rejections_total", code="UNAUTHENTICATED") == 2
    assert telling.value("gateway_rejections_total", code="GRAPHQL_VALIDATION_FAILED") > 0
    assert telling.value("gateway_tokens_issued_total", application="silent", grant="client_credentials") == 1
    assert telling.value("gateway_tokens_issued_total", application="desk", grant="authorization_code") == 1
    assert telling.value("gateway_token_refusals_total", error="invalid_client") == 2
    assert telling.value("gateway_operations_in_flight") == 0
    assert telling.value("gateway_workers") == 1
    assert telling.value("gateway_event_loop_lag_seconds_count") > 0
    assert 0 < telling.value("gateway_revocations_age_seconds") < 10


def test_what_a_sync_counted_is_told_by_who_serves(telling: Telling) -> None:
    """Calls to partners are the sync's, a process that has ended."""
    assert telling.value("gateway_partner_calls_total", connector="alibaba", outcome="AUTH") > 0
    assert telling.value("gateway_partner_call_duration_seconds_count", connector="alibaba") > 0


def test_the_log_has_one_line_a_request(telling: Telling) -> None:
    """With the operation, its outcome and cost; what was refused has its code."""
    lines = [json.loads(line) for line in telling.log.splitlines()]
    requests = [each for each in lines if each["message"] == "request"]
    assert len({each["request_id"] for each in requests}) == len(requests)
    [good, bad] = [each for each in requests if each.get("operation") == "Loyal"]
    assert (good["outcome"], bad["outcome"]) == ("ok", "failed")
    assert good["cost"] > 0
    assert {each["code"] for each in requests if each.get("outcome") == "refused"} >= {"UNAUTHENTICATED"}
    talked = [each for each in lines if each["message"] == "operation"]
    assert [each["outcome"] for each in talked] == ["ok", "invalid"]
    assert {each["application"] for each in talked} == {"silent"}
    assert io.StringIO(telling.log).readline().startswith("{")
