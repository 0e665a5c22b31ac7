"""README tells the truth: its connector works, and its tables are the code's."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from typer.main import get_command

from gateway.__main__ import app
from gateway.access.agreements import CONTRACT
from gateway.oauth.issuers import outside_issuers
from gateway.oauth.registration import Known
from gateway.schema import declared_schema
from gateway.settings import Settings, load
from gateway.trust import Trust

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()

TRIAL = """
import asyncio, os, sys
from pathlib import Path

exec(compile(sys.stdin.read(), "README", "exec"))

import socket
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from gateway.access.agreements import Right, write_rights
from gateway.access.pseudonyms import Pseudonyms
from gateway.access.request import Access
from gateway.clients.linking import link
from gateway.connector import Upstream
from gateway.engine.limits import Limits
from gateway.engine.engine import Engine
from gateway.oauth.tokens import Caller
from gateway.schema import Schema, declared_schema
from gateway.store.database import writer
from gateway.store.readers import Readers
from gateway.store.tables import metadata
from gateway.sync.pull import pull as pull_dataset

ITEMS = [
    {"id": "1", "card": "77", "at": "2017-03-01T12:00:00Z", "kopecks": 1250},
    {"id": "2", "card": "77", "at": "2017-03-02T12:00:00Z", "kopecks": 250},
    {"id": "3", "card": "78", "at": "2017-03-02T12:00:00Z", "kopecks": "a lot"},
]


async def main(folder):
    async def listed(request):
        return JSONResponse({"items": ITEMS, "newest": "2017-03-02T12:00:00Z"})

    bank = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=[Route("/payments", listed)]), log_config=None))
    serving = asyncio.create_task(server.serve(sockets=[bank]))
    (folder / "gateway.db").touch()
    engine = writer(folder / "gateway.db")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        scopes = {"accounts": "clients:read", "payments": "bank:read"}
        await write_rights(connection, [Right("BANK", "BANK", name, "*", scope, 0) for name, scope in scopes.items()])
    async with Upstream("bank", {"url": f"http://127.0.0.1:{bank.getsockname()[1]}"}) as upstream:
        [dataset] = connector.datasets
        progress = await pull_dataset(engine, upstream, "bank", dataset)
    assert (progress.records, progress.unreadable) == (3, 1), progress
    async with engine.begin() as connection:
        await link(connection, b"secret")
    await engine.dispose()
    server.should_exit = True
    await serving
    readers = Readers(folder / "gateway.db", 1)
    await readers.open()
    schema = Schema([connector])
    caller = Caller("BANK", "app", frozenset(schema.scopes), "analytics")
    operation = Engine(schema.graphql, Limits(1000, 9)).prepare(
        schema.view(caller.scopes), "{ clients { nodes { settled { amount currency } } } }", {}, None
    )
    try:
        result = await operation.run(lambda asked: Access(caller, readers, Pseudonyms(b"x" * 32), asked=asked), 5)
    finally:
        await readers.close()
    print(result.data, result.errors)


asyncio.run(main(Path(sys.argv[1])))
"""


def test_the_connector_in_readme_works_as_it_stands(tmp_path: Path) -> None:
    """It pulls over HTTP, puts an unreadable record aside, and answers a query."""
    [code] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", TRIAL, str(tmp_path)], input=code, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "{'clients': {'nodes': [{'settled': {'amount': '15.00', 'currency': 'RUB'}}]}} []\n"


def test_the_connector_in_readme_is_short() -> None:
    """Forty lines of code at most, blank lines and docstrings aside."""
    [code] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    lines = [line for line in code.splitlines() if line.strip() and not line.strip().startswith('"""')]
    assert len(lines) <= 40


def test_the_fourth_partner_has_as_many_lines_as_readme_says() -> None:
    [(told, command)] = re.findall(r"took\n(\d+) lines \(`(.+?)`\)", README)
    counted = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=ROOT, check=True)
    assert counted.stdout.strip() == told


def test_every_scope_is_in_readme() -> None:
    scopes = re.findall(r"^\| `([a-z]+:[a-z]+)` \|", README, re.MULTILINE)
    assert sorted(scopes) == sorted(declared_schema().scopes)


def test_every_setting_is_in_readme_with_its_default() -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| `GATEWAY_\w+` \| `?([^`|]+?)`? \|", README, re.MULTILINE))
    defaults = {
        each.name: each.default
        for each in fields(Settings)
        if each.name not in ("state", "connectors", "issuers")
    }
    # What is not set has a meaning of its own.
    defaults |= {"metrics": "127.0.0.1:9464", "trace_context": "none"}
    assert {name: str(value).removesuffix(".0") for name, value in defaults.items()} == listed


def test_the_issuer_in_readme_can_be_set_and_all_its_settings_are_there(tmp_path: Path) -> None:
    [example] = re.findall(r"```toml\n(\[\[issuers\]\].*?)```", README, re.DOTALL)
    (tmp_path / "settings.toml").write_text(example)
    [trust] = load({"GATEWAY_STATE": str(tmp_path)}).issuers
    known = Known(CONTRACT.parties, declared_schema().scopes, CONTRACT.purposes)
    assert outside_issuers([trust], "https://gateway.example/oauth", "https://gateway.example/graphql", known)
    assert [
        each.name for each in fields(Trust) if not re.search(rf"^#? ?{each.name} =", example, re.MULTILINE)
    ] == []


@pytest.mark.parametrize("name", sorted(get_command(app).commands))  # type: ignore[attr-defined]
def test_every_command_is_in_readme(name: str) -> None:
    assert f"gateway {name}" in README


def test_the_files_that_readme_names_exist() -> None:
    root = Path(__file__).parent.parent
    named = re.findall(r"`((?:gateway|connectors|tests)/[\w/.]+)`", README)
    assert named
    assert [path for path in named if not (root / path).exists() and "bank" not in path] == []
