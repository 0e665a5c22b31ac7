"""`gateway connector`: a folder that passes the contract suite, a partner played back, and what a partner changed."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import uvicorn
from defusedxml.ElementTree import fromstring
from starlette.types import ASGIApp
from typer.testing import CliRunner

import connectors
from connectors.bank import connector as bank
from connectors.cainiao import connector as cainiao
from gateway.__main__ import app
from gateway.authoring.shapes import differences, read_shape, shape_of
from gateway.store.database import migrate
from tests.partners import keys_of, small_purchases

ROOT = Path(__file__).parent.parent


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The app on a socket, in a thread of its own, for a command runs a loop of its own."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder for the commands, and what the bank's sandbox serves."""
    monkeypatch.setenv("GATEWAY_STATE", str(tmp_path))
    assert bank.furnish is not None
    bank.furnish(small_purchases(), tmp_path)
    return tmp_path


@contextmanager
def partner(state: Path, meddled: Any = None) -> Iterator[None]:
    """The bank at work, and the settings that lead to it."""
    keys = keys_of(bank)
    assert bank.sandbox is not None
    found = bank.sandbox(state, keys)
    with served(meddled(found) if meddled else found) as url:
        lines = [
            "[connectors.bank]",
            f'url = "{url}"',
            *(f'{key} = "{value}"' for key, value in keys.items()),
        ]
        (state / "settings.toml").write_text("\n".join(lines))
        yield


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["connector", *arguments])


# A new folder


def test_a_new_folder_passes_the_contract_suite_and_our_own_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found beside the others, wherever it is; every test of the suite is run on it, and the linter."""
    folder = tmp_path / "connectors"
    done = run("new", "wallet", "--party", "rdif", "--folder", str(folder))
    assert done.exit_code == 0, done.output
    assert "wallet/migrations/0001_wallet.py" in done.output
    assert not any("xample" in path.read_text().replace("examples", "") for path in folder.rglob("*.py"))
    monkeypatch.setattr(connectors, "__path__", [*connectors.__path__, str(folder)])
    monkeypatch.setenv("GATEWAY_CONNECTORS", str(folder))
    tested = run("test", "wallet", "--", f"--junit-xml={tmp_path}/tested.xml")
    assert tested.exit_code == 0
    [suite] = fromstring((tmp_path / "tested.xml").read_text())
    assert int(suite.attrib["tests"]) >= 15
    assert int(suite.attrib["skipped"]) <= 1
    for tool in (["check"], ["format", "--check"]):
        config = ["--config", str(ROOT / "pyproject.toml")]
        config += ["--config", "lint.isort.known-first-party = ['connectors', 'gateway']"]
        linted = subprocess.run(
            [sys.executable, "-m", "ruff", *tool, *config, str(folder)], capture_output=True, text=True
        )
        assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Wallet", "--party", "RDIF"), "small letters"),
        (("../wallet", "--party", "RDIF"), "small letters"),
        (("example", "--party", "RDIF"), "not example"),
        (("wallet",), "WALLET is not among the parties"),
        (("bank",), "is there already"),
    ],
)
def test_a_name_that_cannot_be_one_is_told(arguments: tuple[str, ...], said: str) -> None:
    done = run("new", *arguments)
    assert done.exit_code != 0
    assert said in str(done.exception)


# A recording


def test_what_a_partner_answered_can_be_played_to_the_suite(state: Path) -> None:
    """It holds no key and no token, is for its owner alone, and passes where the sandbox does."""
    cassette = state / "bank.json"
    with partner(state):
        done = run("test", "bank", "--record", str(cassette))
    assert done.exit_code == 0, done.output
    assert cassette.stat().st_mode & 0o777 == 0o600
    recorded = orjson.loads(cassette.read_bytes())
    assert {each["path"] for each in recorded} == {"/oauth2/token", "/v1/customers", "/v1/payments"}
    settings = (state / "settings.toml").read_text()
    assert not any(key.strip('"') in cassette.read_text() for key in settings.split() if len(key) > 12)
    only = ("--", "-k", "second_pull or resumes or tables_take")
    assert run("test", "bank", "--cassette", str(cassette), *only).exit_code == 0


# Drift


def meddling(change: Any) -> Any:
    """The bank, whose payments are changed on the way."""

    def meddle(inner: ASGIApp) -> ASGIApp:
        async def meddled(scope: Any, receive: Any, send: Any) -> None:
            if scope.get("path") != "/v1/payments":
                await inner(scope, receive, send)
                return
            sent: list[Any] = []

            async def keep(message: Any) -> None:
                sent.append(message)

            await inner(scope, receive, keep)
            body = orjson.loads(b"".join(each.get("body", b"") for each in sent))
            for item in body.get("items", []):
                change(item)
            found = orjson.dumps(body)
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(found))]
            await send({**sent[0], "headers": headers})
            await send({"type": "http.response.body", "body": found})

        return meddled

    return meddle


def test_a_partner_that_answers_as_declared_has_not_drifted(state: Path) -> None:
    with partner(state):
        done = run("drift", "bank")
    assert (done.exit_code, done.output) == (0, "bank answers as declared\n")


def test_what_a_partner_changed_is_told_without_a_value(state: Path) -> None:
    def change(item: Any) -> None:
        item["fee"] = {"value": "1.00"}
        item["amount"] = {"value": 12.5}
        del item["status"]

    with partner(state, meddling(change)):
        done = run("drift", "bank")
        told = run("drift", "bank", "--json")
    assert (done.exit_code, told.exit_code) == (1, 1)
    assert [f"{each['dataset']}: {each['change']}" for each in orjson.loads(told.output)] == (
        done.output.splitlines()
    )
    assert done.output.splitlines() == [
        "payments: amount.currency: gone",
        "payments: amount.value: number, declared as text",
        "payments: fee: new, object",
        "payments: status: gone",
    ]


@pytest.mark.parametrize("parcels", [0, 3])
def test_a_carrier_is_asked_about_parcels_that_the_gateway_knows(state: Path, parcels: int) -> None:
    """Where there are none, there is nothing to compare, and nothing has changed."""
    assert cainiao.furnish is not None
    assert cainiao.sandbox is not None
    cainiao.furnish(small_purchases(), state)
    asked: list[str] = []

    async def overheard(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            asked.append(scope["query_string"].decode())
        await inner(scope, receive, send)

    inner = cainiao.sandbox(state, {})
    if parcels:
        know_parcels(state, parcels)
    with served(overheard) as url:
        (state / "settings.toml").write_text(f'[connectors.cainiao]\nurl = "{url}"\n')
        done = run("drift", "cainiao")
    assert (done.exit_code, done.output) == (0, "cainiao answers as declared\n")
    assert [each.count("LP") for each in asked] == [parcels] * bool(parcels)


def know_parcels(state: Path, number: int) -> None:
    """A gateway's database with some of the parcels that Cainiao's sandbox knows."""
    migrate(state / "gateway.db")
    with closing(sqlite3.connect(state / "cainiao.db")) as books:
        found = books.execute("SELECT number, sent FROM parcels ORDER BY sent LIMIT ?", (number,)).fetchall()
    with closing(sqlite3.connect(state / "gateway.db")) as database, database:
        for name, sent in found:
            known = (f"{name}:2017", name, "CAINIAO", "CAINIAO_STANDARD", f"{sent[:19]}Z")
            database.execute(
                "INSERT INTO shipments (id, tracking_number, carrier, carrier_raw, shipped_at) VALUES (?, ?, ?, ?, ?)",
                known,
            )
            database.execute(
                "INSERT INTO shipment_numbers (number, shipment_id, carrier) VALUES (?, ?, 'CAINIAO')",
                (name, known[0]),
            )


@pytest.mark.parametrize(
    ("declared", "found", "told"),
    [
        ([{"a": 1}], [{"a": 1}], []),
        ([{"a": 1}, {}], [{}], []),
        ([{"a": 1}], [{"a": 1}, {}], ["a: not always there any more"]),
        ([{"a": 1}], [{"a": None}], ["a: null, declared as integer"]),
        ([{"a": None}, {"a": 1}], [{"a": 1}], []),
        ([{"a": [1]}], [{"a": ["x"]}], ["a[]: text, declared as integer"]),
        ([{"a": [{"b": 1}]}], [{"a": [{"b": 1, "c": True}]}], ["a[].c: new, boolean"]),
        ([{"a": [1]}], [{"a": []}], []),
        ([{"a": {"b": 1}}], [{"a": {"b": True}}], ["a.b: boolean, declared as integer"]),
        ([{}], ["text"], ["record: text, declared as object"]),
    ],
)
def test_shapes_differ_where_values_do(declared: list[Any], found: list[Any], told: list[str]) -> None:
    kept = read_shape(orjson.loads(orjson.dumps(shape_of(declared).plain())))
    assert list(differences(kept, shape_of(found))) == told
