"""Metrics: added up over workers, bounded whatever callers send, and served to who runs the gateway alone."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from gateway.errors import SettingsError
from gateway.settings import Settings
from gateway.telemetry import tallies
from gateway.telemetry.exposition import exposed, keep_counts
from gateway.telemetry.families import added, keep, read
from gateway.telemetry.labels import APPLICATIONS, LONGEST, NAMES, OTHER, OperationLabels
from gateway.telemetry.metrics import registry
from tests.conftest import Gateway, empty_database
from tests.test_logs import free_port
from tests.test_workers import serving, until


def value(text: str, name: str, **labels: str) -> float:
    """The sum of the samples of a metric with these labels."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def counted(name: str, labels: Mapping[str, str]) -> float:
    """What this process has counted until now."""
    tallies.write()
    return registry.get_sample_value(name, dict(labels)) or 0.0


def scraped(port: int | None) -> str:
    response = httpx.get(f"http://127.0.0.1:{port}/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    return response.text


def test_workers_are_added_up_and_a_dead_one_counts_on(tmp_path: Path) -> None:
    """What a worker counted stays counted when it is gone; what it was doing does not."""
    port = free_port()
    with serving(tmp_path, 2, GATEWAY_METRICS=f"127.0.0.1:{port}") as pair:
        token = pair.token()
        assert pair.statuses(token) == {200}
        ran = 12

        def told() -> float:
            return value(scraped(port), "gateway_operations_total", application="silent")

        until(lambda: told() >= ran, 10)
        assert told() == ran
        # One may answer all while the other still begins.
        until(lambda: value(scraped(port), "gateway_workers") == 2, 60)
        before = set(pair.workers())
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(lambda: len(set(pair.workers()) - before) == 2, 60)
        until(lambda: value(scraped(port), "gateway_workers") == 2, 60)
        assert told() == ran
        assert pair.statuses(token) == {200}
        until(lambda: told() >= 2 * ran, 10)
        assert told() == 2 * ran


async def test_callers_are_not_let_in(gateway: Gateway) -> None:
    """The metrics tell of everybody's use: where callers come in there are none."""
    response = await gateway.client.get("/metrics")
    assert response.status_code == 404


async def test_each_outcome_is_counted(gateway: Gateway) -> None:
    """An operation that ran, one that was invalid, fields that were refused."""
    mine = {"party": "RDIF", "application": "rdif-app"}
    ran = {**mine, "operation": "Mine", "type": "query"}
    before = {
        outcome: counted("gateway_operations_total", {**ran, "outcome": outcome})
        for outcome in ("ok", "partial")
    }
    refused = counted("gateway_refused_fields_total", mine)
    invalid = counted("gateway_rejections_total", {"code": "GRAPHQL_VALIDATION_FAILED"})
    await gateway.ask("query Mine { caller { party } }", "RDIF")
    await gateway.ask('query Mine { caller { party } client(id: "1") { id } }', "RDIF")
    await gateway.ask("query Mine { nothing }", "RDIF")
    assert counted("gateway_operations_total", {**ran, "outcome": "ok"}) == before["ok"] + 1
    assert counted("gateway_operations_total", {**ran, "outcome": "partial"}) == before["partial"] + 1
    assert counted("gateway_refused_fields_total", mine) == refused + 1
    assert counted("gateway_rejections_total", {"code": "GRAPHQL_VALIDATION_FAILED"}) == invalid + 1


def test_tallies_say_what_counting_at_once_would_have_said() -> None:
    """What is kept until it is written comes to the same, to the bucket; and is written once."""
    both = CollectorRegistry(), CollectorRegistry()
    at_once, kept = (Histogram("seconds", "Seconds.", buckets=(1, 2), registry=each) for each in both)
    for seconds in (0.5, 1, 1, 1.5, 2, 7):
        at_once.observe(seconds)
        tallies.time(kept, seconds)
    running = Gauge("running", "Running.", registry=both[1])
    for amount in (1, 1, -1):
        tallies.count(running, amount)
    tallies.write()
    tallies.write()
    for name, labels in [
        ("sum", {}),
        ("count", {}),
        *(("bucket", {"le": le}) for le in ("1.0", "2.0", "+Inf")),
    ]:
        expected = both[0].get_sample_value(f"seconds_{name}", labels)
        assert both[1].get_sample_value(f"seconds_{name}", labels) == expected
    assert both[1].get_sample_value("running") == 1


def test_names_of_callers_are_bounded() -> None:
    """The first ones are told apart; whatever else comes, from whomever, makes no new series."""
    labels = OperationLabels()
    found = {labels(f"app-{number}", f"Name{number}") for number in range(2 * APPLICATIONS)}
    assert len(found) == APPLICATIONS + NAMES + 1
    assert labels("app-0", "Name0") == ("app-0", "Name0")
    assert {labels("app-0", f"Other{number}")[1] for number in range(50)} > {OTHER}
    assert labels("app-0", "Other49") == ("app-0", OTHER)
    assert labels("app-0", None) == ("app-0", "")
    assert labels("app-1", "N" * (LONGEST + 1)) == ("app-1", OTHER)


def test_counts_of_processes_that_ended_are_kept(tmp_path: Path) -> None:
    """Counters and histograms add up in a file; a file that is none is as good as none."""
    counts = CollectorRegistry()
    calls = Counter("calls", "Calls.", ["of"], registry=counts)
    calls.labels("a").inc(2)
    Histogram("seconds", "Seconds.", buckets=(1, 2), registry=counts).observe(1.5)
    path = tmp_path / "new" / "syncs.json"
    keep(path, counts.collect())
    keep(path, counts.collect())
    [family] = [each for each in added([*read(path), *counts.collect()]) if each.name == "calls"]
    assert {sample.value for sample in family.samples if sample.name == "calls_total"} == {6}
    [family] = [each for each in read(path) if each.name == "seconds"]
    values = {(each.name, each.labels.get("le")): each.value for each in family.samples}
    assert values["seconds_bucket", "1.0"] == 0
    assert values["seconds_bucket", "2.0"] == values["seconds_count", None] == 2
    path.write_bytes(b'[{"name": 1}]')
    assert read(path) == []


async def test_syncs_are_told_from_the_database(tmp_path: Path) -> None:
    """Whichever process pulled; and where there is no database, all the rest is told."""
    settings = Settings(state=tmp_path, metrics=("127.0.0.1", 0))
    with exposed(settings) as port:
        assert value(scraped(port), "gateway_sync_records") == 0
    await empty_database(settings)
    with closing(sqlite3.connect(settings.database)) as database, database:
        database.execute(
            "INSERT INTO sync_cursors VALUES ('alibaba', 'orders', '{}', 7, '2026-01-01T00:00:00Z')"
        )
        letter = ("alibaba", "orders", "d", "r", "{}", "2026-01-01T00:00:00Z")
        database.execute("INSERT INTO dead_letters VALUES (?, ?, ?, ?, ?, ?)", letter)
    keep_counts(settings)
    with exposed(settings) as port:
        text = scraped(port)
    pulled = {"connector": "alibaba", "dataset": "orders"}
    assert value(text, "gateway_sync_records", **pulled) == 7
    assert value(text, "gateway_sync_unreadable_records", **pulled) == 1
    assert value(text, "gateway_sync_timestamp_seconds", **pulled) == 1767225600


def test_where_they_are_served_is_for_the_operator_to_say(tmp_path: Path) -> None:
    """`off` serves nobody; an address that was named and is taken is told; the usual one gives way."""
    with exposed(Settings(state=tmp_path, metrics=("", 0))) as port:
        assert port is None
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()[:2]
        with (
            pytest.raises(SettingsError, match="metrics cannot be served"),
            exposed(Settings(state=tmp_path, metrics=address)),
        ):
            pass


def test_the_usual_address_gives_way(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Several gateways may be on one machine."""
    with exposed(Settings(state=tmp_path)) as first, exposed(Settings(state=tmp_path)) as second:
        assert first in (9464, None)
        assert second is None
    assert "metrics are not served" in caplog.text


def test_the_metrics_are_those_in_readme() -> None:
    """Each that there is, and no other."""
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    table = readme.partition("| metric (`gateway_…`)")[2].partition("\n\n")[0]
    named = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    progress = {"sync_records", "sync_unreadable_records", "sync_timestamp_seconds"}
    ours = {each.name + "_total" * (each.type == "counter") for each in registry.collect()}
    assert {f"gateway_{name}" for name in named - progress} == ours
    assert progress < named
