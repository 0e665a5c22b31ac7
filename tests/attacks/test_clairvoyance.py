"""clairvoyance, which makes a schema of what a server says to wrong documents, at the gateway as it is served.

It is given the very names that it is to guess; so it would find them, were there anything to be found.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType

from gateway.schema import declared_schema
from tests.conftest import ALL_SCOPES
from tests.door import Door, door

__all__ = ["door"]

SCHEMA = declared_schema()
SHOWN = SCHEMA.reachable(frozenset(ALL_SCOPES["RDIF"].split()))
THEIRS = (
    *("client", "clients", "alibaba", "mailru", "orders", "profile", "region"),
    *("segments", "lifetimeValue", "logisticsStatus", "transactionId"),
)
WORDS = [*THEIRS, "caller", "fundReport", "party", "quarter", "nav", "lol"]
"""Fewer than the errors of one answer, else it takes for a field what nobody complains of."""


def recovered(door: Door, scopes: str, folder: Path) -> dict[str, set[str]]:
    """The types that it finds with a token of these scopes, each with its fields."""
    if find_spec("clairvoyance") is None:
        pytest.skip("clairvoyance is not installed; `make test` does it")
    words, out = folder / "words.txt", folder / "schema.json"
    words.write_text("\n".join(WORDS), encoding="utf-8")
    door.scopes = scopes
    header = f"Authorization: Bearer {door.token()}"
    address = f"http://127.0.0.1:{door.port}/graphql"
    command = [sys.executable, "-m", "clairvoyance", "-c", "3", "-H", header, "-w", words, "-o", out, address]
    subprocess.run(command, capture_output=True, timeout=60, check=True)
    types = json.loads(out.read_text(encoding="utf-8"))["data"]["__schema"]["types"]
    return {each["name"]: {field["name"] for field in each.get("fields") or ()} for each in types}


def test_the_names_are_right() -> None:
    """Each is that of a field which the fund may not ask for, of whatever type."""
    assert set(THEIRS) <= {
        each.partition(".")[2] for each in SCHEMA.reachable(frozenset(SCHEMA.scopes)) - SHOWN
    }
    assert not set(THEIRS) & {each.partition(".")[2] for each in SHOWN}


def test_the_fund_finds_nothing_of_alibabas_and_mailrus(door: Door, tmp_path: Path) -> None:
    """No type and no field of theirs, though it has the names of them all at hand; its own it does find."""
    found = recovered(door, ALL_SCOPES["RDIF"], tmp_path)
    kinds = {
        name
        for name, kind in SCHEMA.graphql.type_map.items()
        if isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType))
    }
    shown = {each.partition(".")[0] for each in SHOWN}
    assert not found.keys() & (kinds - shown)
    assert found["Query"] == {"caller", "fundReport"}
    assert not {field for fields in found.values() for field in fields} & set(THEIRS)


def test_who_may_ask_for_it_is_found_out(door: Door, tmp_path: Path) -> None:
    """So that the test above could fail: with Alibaba's scopes the same words find what they name."""
    found = recovered(door, ALL_SCOPES["ALIBABA"], tmp_path)
    assert {"caller", "client", "clients"} <= found["Query"]
    assert {"Client", "ClientConnection"} <= found.keys()
    assert {"region", "profile"} <= found["Client"]
