"""Documents that clients name instead of sending, each client in its own way, with what its own tools listed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.door import Door, logged
from tests.graphql_clients.conftest import DOCUMENTS, VARIABLES, given
from tests.graphql_clients.node import play, run
from tests.graphql_clients.test_generators import application, clients, compiled_and_run
from tests.graphql_clients.test_node_clients import bare
from tests.trusted import code, registered, within_the_bound


def kiosk(door: Door, name: str, *manifests: Path) -> str:
    """A token of an application that may run what its manifests list, and nothing else."""
    registered(door.settings, name, {}, only=True)
    command = [sys.executable, "-m", "gateway", "documents", "add", name, *map(str, manifests), "--json"]
    environ = os.environ | {"GATEWAY_STATE": str(door.settings.state)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    token = door.token(application=name)
    for id in json.loads(done.stdout)["added"]:
        headers = {"authorization": f"Bearer {token}"}
        within_the_bound(
            lambda id=id, headers=headers: (  # type: ignore[misc]
                code(door.post({"documentId": id}, **headers)) != "PERSISTED_QUERY_NOT_FOUND"
            )
        )
    return token


@dataclass
class Played:
    """What came of a client's scenarios, and the methods of the requests that each sent."""

    came: dict[str, Any]
    methods: list[str]


def apollos(folder: Path) -> Path:
    """The manifest that Apollo's tool makes of the operation that the clients send."""
    application("apollo_app", folder)
    source = f"import {{ gql }} from '@apollo/client'\nexport const TYPED = gql`{DOCUMENTS['typed']}`\n"
    (folder / "operations.ts").write_text(source)
    run("node", "node_modules/@apollo/generate-persisted-query-manifest/cli.js", folder=folder)
    return folder / "manifest.json"


def urqls(folder: Path) -> Path:
    """What an application of urql's could list that gives its documents names."""
    (folder / "manifest.json").write_text(json.dumps({"Typed-1": DOCUMENTS["typed"].strip()}))
    return folder / "manifest.json"


@pytest.fixture(scope="module", params=["apollo", "urql"])
def played(request: pytest.FixtureRequest, door: Door, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Apollo Client and urql: each plays its scenarios once."""
    folder = tmp_path_factory.mktemp(request.param)
    manifest = {"apollo": apollos, "urql": urqls}[request.param](folder)
    registered(door.settings, "stranger", {}, only=True)
    tokens = {
        "trusted": kiosk(door, f"{request.param}-kiosk", manifest),
        "token": door.token(application=f"{request.param}-app"),
        "stranger": door.token(application="stranger"),
    }
    with logged() as log:
        came = play(
            f"{request.param}_persisted.mjs",
            given(door) | tokens | {"manifest": json.loads(manifest.read_text())},
        )
    lines = [json.loads(line) for line in log.lines]
    return Played(came, [each["method"] for each in lines if each["message"] == "request"])


def asked(door: Door) -> Any:
    """What the gateway answers to who sends the text."""
    return door.post({"query": DOCUMENTS["typed"], "variables": VARIABLES}).json()["data"]


@pytest.mark.parametrize("scenario", ["automatic", "automatic_by_get"])
def test_a_document_is_sent_once_and_named_from_then_on(door: Door, played: Played, scenario: str) -> None:
    """By POST, and by GET for what is named."""
    first, second = played.came[scenario]
    assert bare(first) == {"data": asked(door)}
    assert second == first


def test_an_invalid_document_is_told_as_ever(played: Played) -> None:
    assert played.came["invalid"] == {"data": None, "codes": ["GRAPHQL_VALIDATION_FAILED"]}


def test_a_trusted_document_is_run_by_its_id(door: Door, played: Played) -> None:
    """That of Apollo's manifest, and one of the application's own."""
    assert bare(played.came["trusted"]) == {"data": asked(door)}


def test_what_was_not_registered_is_refused(played: Played) -> None:
    """Though the client sends the text when the id is unknown."""
    assert played.came["unregistered"] == {"data": None, "codes": ["QUERY_NOT_IN_SAFELIST"]}


def test_the_requests_are_those_that_were_meant(played: Played) -> None:
    """Two for a document that is new and one for one that is known, whichever methods the client takes for them."""
    automatic, by_get = played.methods[:3], played.methods[3:6]
    assert automatic == ["POST"] * 3
    assert by_get in (["GET", "POST", "GET"], ["GET"] * 3)
    # An invalid document is asked for twice, a trusted one once, and one that was not registered twice.
    assert len(played.methods) == 3 + 3 + 2 + 1 + 2


@pytest.mark.parametrize("algorithm", ["MD5", "SHA1", "SHA256"])
def test_relays_persisted_queries_are_trusted(door: Door, tmp_path: Path, algorithm: str) -> None:
    """As its compiler lists them, by each of its hashes, on its runtime, with refetched fragments and pages."""
    application("relay_app", tmp_path)
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "persisted.json").write_text("{}")
    config = json.loads((tmp_path / "relay.config.json").read_text())
    config["persistConfig"] = {"file": "./persisted.json", "algorithm": algorithm}
    (tmp_path / "relay.config.json").write_text(json.dumps(config))
    run("node", "node_modules/relay-compiler/cli.js", "relay.config.json", folder=tmp_path)
    artifact = (tmp_path / "artifacts" / "documentsClientsQuery.graphql.ts").read_text()
    assert '"text": null' in artifact
    token = kiosk(door, f"relay-{algorithm.lower()}", tmp_path / "persisted.json")
    found = compiled_and_run(tmp_path, door, token)
    there = clients(door, "{ clients { totalCount nodes { id } } }")
    assert found["count"] == there["totalCount"] == 4
    assert found["pages"] == [each["id"] for each in there["nodes"]]


def test_the_persisted_documents_of_graphql_codegen_are_trusted(door: Door, tmp_path: Path) -> None:
    """As its preset lists them, by SHA-256 with the prefix that GraphQL over HTTP has, and by SHA-1."""
    application("persisted_app", tmp_path)
    run("node", "node_modules/@graphql-codegen/cli/cjs/bin.js", "--config", "codegen.json", folder=tmp_path)
    listed = [tmp_path / each / "persisted-documents.json" for each in ("gql", "sha1")]
    token = kiosk(door, "codegen", *listed)
    found = compiled_and_run(tmp_path, door, token)
    assert found["documentId"].startswith("sha256:")
    there = clients(door, "{ clients(first: 2) { totalCount nodes { id region } } }")
    assert found["clients"] == there
    [sha1] = json.loads(listed[1].read_text())
    body = {"documentId": sha1, "variables": {"first": 2}}
    assert door.post(body, authorization=f"Bearer {token}").json()["data"]["clients"] == there
