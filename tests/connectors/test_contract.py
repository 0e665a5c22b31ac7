"""The contract of connectors: what each folder under `connectors/` declares, and how its sandbox behaves."""

from __future__ import annotations

import ast
import hashlib
import importlib
import pkgutil
import re
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from graphql import parse, print_ast
from graphql.language import DirectiveNode, Visitor, visit
from sqlalchemy import Table

from gateway.access.agreements import CONTRACT
from gateway.authoring.shapes import shape_of
from gateway.clients.accounts import accounts, profiles
from gateway.clients.orders import order_lines, orders
from gateway.commands.connectors import SHAPES, compared
from gateway.connector import (
    Dataset,
    Kind,
    PartnerError,
    Upstream,
    exchange_rates,
    partner_events,
    shipment_numbers,
    shipment_orders,
    shipments,
    tracking_events,
    trackings,
)
from gateway.discovery import discover
from gateway.schema import SCOPES, declared_schema
from gateway.store.tables import NOBODY
from tests.partners import (
    FOLDERS,
    batches_of,
    books,
    every_connector,
    keys_of,
    partner,
    small_purchases,
)

__all__ = ["books"]

PARCELS = {shipments, shipment_orders, shipment_numbers, trackings, tracking_events}
"""The tables of shipments, which are the shared base's."""

SHARED = {accounts, profiles, orders, order_lines, partner_events, exchange_rates, *PARCELS}
"""The tables of the shared base; all others that a connector writes are its own."""


def folder_of(name: str) -> Path:
    """Where a connector is."""
    return Path(str(importlib.import_module(f"connectors.{name}").__file__)).parent


def own_tables(name: str) -> set[Table]:
    """The tables that the modules of a connector declare."""
    package = importlib.import_module(f"connectors.{name}")
    modules = [package] + [
        importlib.import_module(each.name)
        for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]
    found = {value for module in modules for value in vars(module).values() if isinstance(value, Table)}
    return found - SHARED


def scopes_in_use(sdl: str) -> set[str]:
    """The scopes that some lock of a schema names."""
    found: set[str] = set()

    class Locks(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            if node.name.value == "requiresScopes":
                found.update(re.findall(r'"([^"]+)"', print_ast(node)))

    visit(parse(sdl), Locks())
    return found


# What is declared


@every_connector
def test_the_name_is_the_folders_and_the_party_is_of_the_contract(name: str) -> None:
    """`connectors/<name>` declares the connector `name` of a party that the agreements know."""
    connector = FOLDERS[name]
    assert connector.name == name
    assert re.fullmatch("[a-z][a-z0-9]*", name)
    assert folder_of(name).name == name
    assert connector.party in (None, *CONTRACT.owners)


@every_connector
def test_each_scope_has_the_connectors_name_a_sentence_and_a_lock(name: str) -> None:
    """A scope is `<name>:<what>`, is said in a sentence, and opens something in the schema."""
    used = scopes_in_use(declared_schema().sdl)
    assert bool(FOLDERS[name].scopes) is bool(FOLDERS[name].party)
    for scope, sentence in FOLDERS[name].scopes.items():
        assert re.fullmatch(rf"{name}:[a-z_]+", scope)
        assert re.fullmatch(r"[A-Z].{10,}\.", sentence)
        assert scope in used


@every_connector
def test_datasets_cover_what_the_agreements_name(name: str) -> None:
    """Whatever an agreement lets others see of the party, its connectors bring, under scopes that exist."""
    party = FOLDERS[name].party
    of_party = [each for each in discover() if each.party == party]
    covered = {what for each in of_party for dataset in each.datasets for what in dataset.covers}
    agreed = {what for each in CONTRACT.agreements if each.owner == party for what in each.datasets}
    assert agreed <= covered
    for dataset in FOLDERS[name].datasets:
        assert bool(dataset.covers) is bool(party)
        assert dataset.covers or dataset.about is not None
        assert set(dataset.covers.values()) <= FOLDERS[name].scopes.keys() | SCOPES.keys()


@every_connector
def test_each_table_is_named_for_the_connector_and_has_a_row_rule(name: str) -> None:
    """A table of a connector's own begins with its name, and says which rows of it a caller may see."""
    covered = {what for dataset in FOLDERS[name].datasets for what in dataset.covers}
    for table in own_tables(name):
        assert table.name.startswith(f"{name}_")
        rule = table.info["rows"]
        assert rule != NOBODY
        assert "this." in rule.sql or "caller_right" in rule.sql
        assert set(re.findall(r"dataset = '([^']+)'", rule.sql)) <= covered
        if "client_id" in table.c:
            assert "main.consents" in rule.sql, "a table of clients' rows asks for their consent"
            assert FOLDERS[name].party in CONTRACT.parties, "what is public is nobody's"


@every_connector
def test_only_the_face_is_imported(name: str) -> None:
    """Of the gateway a connector imports `gateway.connector`, and of the other connectors nothing."""
    for file in folder_of(name).rglob("*.py"):
        for module in imported(ast.parse(file.read_text())):
            top, _, rest = module.partition(".")
            assert top != "gateway" or rest == "connector", f"{file} imports {module}"
            assert top != "connectors" or rest.partition(".")[0] == name, f"{file} imports {module}"


def imported(tree: ast.AST) -> Iterator[str]:
    """The modules a file imports when it runs; what only a type checker sees does not count."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        else:
            yield from imported(node)


@every_connector
async def test_records_have_the_shapes_that_are_declared(name: str, books: Path) -> None:
    """What `gateway connector drift` compares the partner with is what the sandbox sends."""
    declared = folder_of(name) / SHAPES
    if not declared.exists():
        pytest.skip(f"connectors/{name} declares no shapes")
    found = {}
    async with partner(name, books) as upstream:
        for dataset in FOLDERS[name].datasets:
            batches = await batches_of(dataset, upstream)
            found[dataset.name] = shape_of(record for batch in batches for record in batch.records)
    again = f"look at the change, then run `gateway connector drift {name} --declare`"
    assert compared(orjson.loads(declared.read_bytes()), found) == [], again


# The sandbox


@every_connector
def test_furnishing_is_deterministic(name: str, tmp_path: Path) -> None:
    """The same world gives the same books, byte for byte; and writing them anew changes nothing."""
    furnish = FOLDERS[name].furnish
    assert furnish is not None
    found = []
    for folder in ("one", "other", "one"):
        (tmp_path / folder).mkdir(exist_ok=True)
        furnish(small_purchases(), tmp_path / folder)
        found.append(digests(tmp_path / folder))
    assert found[0]
    assert found[0] == found[1] == found[2]


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@every_connector
async def test_a_wrong_setting_is_refused_at_once_and_not_repeated(name: str, books: Path) -> None:
    """Each setting counts: with a wrong one the partner refuses, which is AUTH, and no text shows the value."""
    for setting in FOLDERS[name].settings:
        wrong = f"wrong-{secrets.token_hex(8)}"
        async with partner(name, books, **{setting: wrong}) as upstream:
            refused = [await refusal(dataset, upstream) for dataset in FOLDERS[name].datasets]
            values = upstream.settings.values()
        assert any(refused), f"nobody looks at {setting}"
        for error in filter(None, refused):
            assert error.kind is Kind.AUTH
            assert not any(value in str(error) for value in values)


async def refusal(dataset: Dataset, upstream: Upstream) -> PartnerError | None:
    """What a pull is refused with."""
    try:
        await batches_of(dataset, upstream)
    except PartnerError as error:
        return error
    return None


@every_connector
async def test_a_missing_partner_is_transient(name: str) -> None:
    """Where nobody answers, a pull ends with an error that may pass, not with a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with Upstream(name, {**keys_of(FOLDERS[name]), "url": url}) as upstream:
            error = await refusal(FOLDERS[name].datasets[0], upstream)
    assert error is not None
    assert error.kind is Kind.TRANSIENT
