"""The command line: what it says, what it does, how it ends, and one line for what the operator can mend."""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import typer

from gateway.__main__ import main
from gateway.demo.setting import FORM
from gateway.discovery import discover
from gateway.schema import declared_schema
from tests.answers import data_of
from tests.people import Flow, claims, sent
from tests.test_logs import free_port, until_up

# A process runs one command and builds the command line for it; this one runs hundreds.
typer.main.get_command = functools.cache(typer.main.get_command)

COMMANDS = ("demo", "serve", "schema", "sync", "sandbox", "migrate", "agreements", "grant", "revoke")


class Ended(NamedTuple):
    """How a command ended, and what it wrote."""

    code: object
    output: str
    errors: str


class Line:
    """The command line with a state folder of its own, within this process."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state: Path
    ) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.state = state

    def run(self, *arguments: str, **environ: str) -> Ended:
        """Run a command to its end."""
        environ = {"GATEWAY_STATE": str(self.state), **environ}
        for name, value in environ.items():
            self._monkeypatch.setenv(name, value)
        self._monkeypatch.setattr(sys, "argv", ["gateway", *arguments])
        try:
            main()
            code: object = 0
        except SystemExit as end:
            code = end.code or 0
        return Ended(code, *self._capsys.readouterr())

    def refused(self, *arguments: str, **environ: str) -> str:
        """The one line that a command says which cannot be done."""
        code, _, errors = self.run(*arguments, **environ)
        assert code == 2
        assert re.fullmatch(r"gateway: [^\n]+\n", errors), errors
        return errors.removeprefix("gateway: ").strip()


@pytest.fixture
def line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Line]:
    """See `Line`."""
    yield Line(monkeypatch, capsys, tmp_path / "state")
    gc.unfreeze()


@contextmanager
def process(state: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command in a process of its own."""
    command = [sys.executable, "-m", "gateway", *arguments]
    environ = {**os.environ, "GATEWAY_STATE": str(state), "COLUMNS": "200"}
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as found:
        try:
            yield found
        finally:
            found.kill()


# What it says of itself


def test_the_help_names_every_command(line: Line) -> None:
    """Each with what it does."""
    code, output, _ = line.run("--help")
    assert code == 0
    for name in COMMANDS:
        assert re.search(rf"\b{name}\b +[A-Z]", output)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_its_help(line: Line, name: str) -> None:
    """And does nothing when asked for it."""
    code, output, errors = line.run(name, "--help")
    assert (code, errors) == (0, "")
    assert f"gateway {name}" in output
    assert not line.state.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nothing",),
        ("serve", "--port", "x"),
        ("serve", "--colour"),
        ("sandbox",),
        ("demo", "--households", "0"),
    ],
)
def test_what_is_no_command_is_told_with_its_usage(line: Line, arguments: Sequence[str]) -> None:
    """Without a traceback, and nothing is done."""
    code, output, errors = line.run(*arguments)
    assert code == 2
    assert "Usage:" in output + errors
    assert not line.state.exists()


def test_a_wrong_variable_is_told_like_a_wrong_option(line: Line) -> None:
    """`PORT=x make demo`."""
    code, _, errors = line.run("serve", PORT="x")
    assert code == 2
    assert "PORT" in errors


# What it does


def test_the_schema_is_printed_as_it_is(line: Line) -> None:
    """So that it can be sent to a file."""
    assert line.run("schema") == (0, declared_schema().sdl, "")


def test_the_database_is_made_and_brought_forward(line: Line) -> None:
    """As often as it is asked for, with the agreements as they are declared."""
    for _ in range(2):
        assert line.run("migrate") == (0, "", "")
        with closing(sqlite3.connect(line.state / "gateway.db")) as database:
            assert database.execute("SELECT count(*) FROM agreements").fetchone()[0] > 0
            assert database.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    assert (line.state / "gateway.db").stat().st_mode & 0o777 == 0o600


def test_a_sync_without_partners_is_no_failure(line: Line) -> None:
    """There is nothing to pull, and that is done."""
    code, _, errors = line.run("sync")
    assert (code, errors) == (0, "")


# What the operator can mend


def test_a_sandbox_that_is_not_there_is_told_with_those_that_are(line: Line) -> None:
    """In one line."""
    said = line.refused("sandbox", "megafon")
    assert "megafon" in said
    for each in discover():
        assert each.name in said


def test_a_sandbox_without_settings_is_told_what_it_lacks(line: Line) -> None:
    """Brackets and all."""
    assert "[connectors.alibaba]" in line.refused("sandbox", "alibaba")


@pytest.mark.parametrize("command", [("sandbox", "alibaba"), ("demo",)])
@pytest.mark.parametrize("port", ["", ":", ":0", ":http", ":70000", "/8001"])
def test_a_sandbox_without_a_port_is_told_where_it_belongs(
    line: Line, command: Sequence[str], port: str
) -> None:
    """In one line, and no sandbox is started."""
    (line.state / "world").mkdir(parents=True)
    made = {"form": FORM, "connectors": [each.name for each in discover()]}
    (line.state / "world" / "furnished.json").write_text(json.dumps(made))
    (line.state / "settings.toml").write_text(f'[connectors.alibaba]\nurl = "http://127.0.0.1{port}"\n')
    said = line.refused(*command)
    assert said == "url in [connectors.alibaba] must name the port of its sandbox, as http://127.0.0.1:8001"
    assert not (line.state / "sandboxes.log").exists()


@pytest.mark.parametrize("command", ["serve", "sync", "migrate", "demo"])
def test_a_wrong_setting_is_named(line: Line, command: str) -> None:
    """Whatever was to be done, nothing of it is."""
    assert line.refused(command, GATEWAY_DEADLINE="soon").startswith("deadline in GATEWAY_DEADLINE must be")
    assert not (line.state / "gateway.db").exists()


@pytest.mark.parametrize(
    "origin", ["http://gateway.example", "https://gateway.example/path", "gateway.example"]
)
def test_an_origin_that_tokens_cannot_come_from_is_told(line: Line, origin: str) -> None:
    """Before anything listens."""
    assert "origin" in line.refused("serve", GATEWAY_ORIGIN=origin)


def test_a_partner_without_a_key_is_told(line: Line) -> None:
    """By the name of the setting and of the partner."""
    line.state.mkdir()
    (line.state / "settings.toml").write_text('[connectors.alibaba]\nurl = "http://127.0.0.1:1"\n')
    said = line.refused("sync")
    assert "access_token" in said
    assert "[connectors.alibaba]" in said


def test_settings_for_a_partner_that_is_not_there_are_told(line: Line) -> None:
    """A typing error in a partner's name would leave it out of every round, silently."""
    line.state.mkdir()
    (line.state / "settings.toml").write_text('[connectors.alibba]\nurl = "http://127.0.0.1:1"\n')
    assert "alibba" in line.refused("sync")


def test_a_damaged_database_is_told(line: Line) -> None:
    """In one line, and it is left as it is."""
    line.state.mkdir()
    (line.state / "gateway.db").write_bytes(b"no database" * 1000)
    assert "gateway.db" in line.refused("migrate")
    assert (line.state / "gateway.db").read_bytes() == b"no database" * 1000


# How it ends


def test_serving_ends_cleanly(tmp_path: Path) -> None:
    """On Ctrl-C the port is free again, and there is no traceback. (How SIGTERM ends a day is in test_logs.)"""
    port = free_port()
    with process(tmp_path, "serve", "--port", str(port)) as found:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            until_up(client)
            assert client.get("/readyz").json() == {"status": "ready"}
        found.send_signal(signal.SIGINT)
        output, errors = found.communicate(timeout=10)
    assert found.returncode in (0, 130)
    assert output == ""
    assert {json.loads(text)["level"] for text in errors.splitlines()} == {"INFO"}
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    """In one line, with an exit code that a supervisor understands."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with process(tmp_path, "serve", "--port", str(taken.getsockname()[1])) as found:
            output, errors = found.communicate(timeout=20)
    assert found.returncode not in (0, None)
    assert output == ""
    assert "Traceback" not in errors
    assert "address already in use" in errors.lower()


async def sign_in(shown: Any, port: int) -> None:
    """Each of the demo's people signs in to GraphiQL, by what the demo says."""
    origin = f"http://127.0.0.1:{port}"
    for each in shown["users"]:
        async with httpx.AsyncClient(base_url=origin, timeout=30) as browser:
            flow = Flow(browser, "graphiql", f"{origin}/graphql")
            page = await flow.sign_in(await flow.begin(), each["id"], each["password"])
            code = sent(await flow.submit(page, "authorize", decision="allow"))["code"]
            said = claims((await flow.exchange(code)).json()["access_token"])
            assert (said["sub"], said["party"]) == (each["id"], each["party"])


def until_listening(file: Path) -> None:
    """Wait until somebody's word is there that changes of orders are wanted."""
    end = time.monotonic() + 30
    with closing(sqlite3.connect(file)) as database:
        while not database.execute("SELECT count(*) FROM order_listeners").fetchone()[0]:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_a_small_demo_from_nothing_to_its_end(tmp_path: Path) -> None:
    """Sandboxes, pulls, links, a token that works, and nothing is left running; the second start is a short one."""
    port = free_port()
    started = time.monotonic()
    with process(tmp_path, "demo", "--households", "8", "--port", str(port)) as found:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            until_up(client, 60)
            shown = json.loads((tmp_path / "demo.json").read_text())
            assert sorted(each["party"] for each in shown["users"]) == ["ALIBABA", "MAILRU", "RDIF"]
            asyncio.run(sign_in(shown, port))
            for each in shown["applications"]:
                response = client.post(
                    "/graphql",
                    json={"query": "{ caller { party application } }"},
                    headers={"authorization": f"Bearer {each['token']}"},
                )
                caller = {"party": each["party"], "application": each["id"]}
                assert data_of(response.json()) == {"caller": caller}
            with client.stream(
                "POST",
                "/graphql",
                json={"query": "subscription { orderChanged { id } }"},
                headers={
                    "authorization": f"Bearer {shown['applications'][0]['token']}",
                    "accept": "text/event-stream",
                },
            ) as stream:
                events = stream.iter_text()
                assert next(events) == ":\n\n"
                until_listening(tmp_path / "gateway.db")
                found.send_signal(signal.SIGINT)
                assert "".join(events) == "event: complete\ndata:\n\n"
        # Not the time that an answer in flight may take: nobody waits for a stream.
        output, errors = found.communicate(timeout=10)
    assert found.returncode in (0, 130), errors
    assert "Traceback" not in errors
    assert "pull alibaba orders" in output
    assert (tmp_path / "demo.json").stat().st_mode & 0o777 == 0o600
    assert time.monotonic() - started < 60
    for partner in re.findall(r"http://127\.0\.0\.1:(\d+)", (tmp_path / "settings.toml").read_text()):
        with socket.socket() as again:
            assert again.connect_ex(("127.0.0.1", int(partner))) != 0
