"""Tools that write code from the schema: what they write compiles, has the schema's types, and runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.door import Door
from tests.graphql_clients.conftest import address
from tests.graphql_clients.node import HERE, MODULES, needs_node, run

SCHEMA = HERE.parent.parent / "schema.graphql"


def application(name: str, folder: Path) -> None:
    """An application in a folder of its own, with the snapshot of the schema and with all that npm installed."""
    needs_node()
    shutil.copytree(HERE / name, folder, dirs_exist_ok=True)
    shutil.copy(HERE / "tsconfig.json", folder)
    shutil.copy(SCHEMA, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").symlink_to(MODULES)


def compiled_and_run(folder: Path, door: Door, token: str | None = None) -> Any:
    """What the application finds, once it went through TypeScript's compiler without a word."""
    assert run("node", "node_modules/typescript/bin/tsc", "-p", ".", folder=folder) == ""
    given = {"url": address(door), "token": token or door.token()}
    return json.loads(run("node", "out/app.js", folder=folder, given=given))


def clients(door: Door, document: str) -> Any:
    """What the gateway answers to who speaks plain HTTP."""
    return door.post({"query": document}).json()["data"]["clients"]


def test_graphql_codegen_writes_code_that_runs(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same from the snapshot, from the gateway's introspection, and from the schema it gives out as text."""
    application("codegen_app", tmp_path)
    monkeypatch.setenv("GATEWAY", address(door))
    monkeypatch.setenv("TOKEN", door.token())
    run("node", "node_modules/@graphql-codegen/cli/cjs/bin.js", "--config", "codegen.json", folder=tmp_path)
    written = {path.name: path.read_text() for path in (tmp_path / "gql").iterdir()}
    for other in ("introspected", "printed"):
        assert {path.name: path.read_text() for path in (tmp_path / other).iterdir()} == written
    assert "amount: string" in written["graphql.ts"]
    found = compiled_and_run(tmp_path, door)
    there = clients(
        door,
        """{ clients(first: 2, filter: {party: ALIBABA}) { totalCount nodes { id region orders(first: 1) {
        nodes { party total { minor } } } } } }""",
    )
    assert found["count"] == there["totalCount"]
    for each, client in zip(found["seen"], there["nodes"], strict=True):
        assert (each["id"], each["region"]) == (client["id"], client["region"])
        assert each["spent"] == sum(order["total"]["minor"] for order in client["orders"]["nodes"])


def test_the_relay_compiler_writes_code_that_runs(door: Door, tmp_path: Path) -> None:
    """Connections, refetchable fragments and interfaces included; Relay's store keeps every node by its id."""
    application("relay_app", tmp_path)
    (tmp_path / "artifacts").mkdir()
    run("node", "node_modules/relay-compiler/cli.js", "relay.config.json", folder=tmp_path)
    assert {path.name.partition(".")[0] for path in (tmp_path / "artifacts").iterdir()} == {
        "documentsClientsQuery",
        "documentsClients_query",
        "documentsClientsPaginationQuery",
        "documentsClient_client",
        "documentsClientRefetchQuery",
        "documentsOrder_order",
    }
    found = compiled_and_run(tmp_path, door)
    there = clients(door, "{ clients { totalCount nodes { id orders(first: 2) { nodes { id } } } } }")
    assert found["count"] == there["totalCount"] == 4
    assert found["pages"] == [each["id"] for each in there["nodes"]]
    orders = {order["id"] for each in there["nodes"] for order in each["orders"]["nodes"]}
    assert orders <= set(found["kept"])
