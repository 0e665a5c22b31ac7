"""The contract of connectors: what each folder under `connectors/` must keep, whoever the partner is."""

from __future__ import annotations

import ast
import asyncio
import copy
import hashlib
import importlib
import pkgutil
import re
import secrets
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import uvicorn
from graphql import parse, print_ast
from graphql.language import DirectiveNode, Visitor, visit
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Integer, Table, select
from starlette.types import ASGIApp

import connectors
from gateway.access.agreements import CONTRACT
from gateway.clients.accounts import accounts, profiles
from gateway.clients.orders import OrderStatus, order_lines, orders
from gateway.connector import Batch, Connector, Dataset, Kind, PartnerError, Rows, Upstream
from gateway.demo.world import World
from gateway.discovery import discover
from gateway.schema import SCOPES, Schema
from gateway.store.database import migrate, writer
from gateway.store.tables import NOBODY, Instant
from gateway.sync.pull import dead_letters, keep

SHARED = {accounts, profiles, orders, order_lines}
"""The tables of the shared base; all others that a connector writes are its own."""

FOLDERS = {each.name: each for each in discover()}
PULLED = [(each.name, dataset.name) for each in discover() for dataset in each.datasets]

every_connector = pytest.mark.parametrize("name", FOLDERS)
every_dataset = pytest.mark.parametrize(("name", "dataset"), PULLED)


@cache
def small_purchases(households: int = 20) -> World:
    """The demo's world with a few of its households: enough for lists of several pages."""
    return World.complete_journey(households=households)


def keys_of(connector: Connector) -> dict[str, str]:
    """Values for all that the operator must set, made for this run."""
    return {name: secrets.token_urlsafe(12) for name in connector.settings}


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """The app behind a real socket; its address."""
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    server.force_exit = True
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        # Without the server's own loop, which looks at its signals ten times a second.
        await server.startup([listening])
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            await server.shutdown([listening])
            await server.lifespan.shutdown()


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every partner's sandbox finds what it serves."""
    folder = tmp_path_factory.mktemp("books")
    for each in discover():
        assert each.furnish is not None
        each.furnish(small_purchases(), folder)
    return folder


@asynccontextmanager
async def partner(name: str, folder: Path, **wrong: str) -> AsyncIterator[Upstream]:
    """The partner's sandbox at work, and the way to it with the settings that the connector names, or wrong ones."""
    connector = FOLDERS[name]
    keys = keys_of(connector)
    assert connector.sandbox is not None
    async with (
        served(connector.sandbox(folder, keys)) as url,
        Upstream(name, {**keys, **wrong, "url": url}) as upstream,
    ):
        yield upstream


def dataset_of(name: str, dataset: str) -> Dataset:
    """A dataset by its connector's name and its own."""
    [found] = [each for each in FOLDERS[name].datasets if each.name == dataset]
    return found


async def batches_of(
    dataset: Dataset, upstream: Upstream, cursor: Mapping[str, Any] | None = None
) -> list[Batch]:
    """All batches of a pull."""
    return [batch async for batch in dataset.pull(upstream, cursor or {})]


_RECORDS: dict[tuple[str, str], list[Any]] = {}


def records_of(name: str, dataset: str, folder: Path) -> list[Any]:
    """All records of a dataset as its partner sends them, pulled once."""

    async def pulled() -> list[Any]:
        async with partner(name, folder) as upstream:
            batches = await batches_of(dataset_of(name, dataset), upstream)
        return [record for batch in batches for record in batch.records]

    if (name, dataset) not in _RECORDS:
        _RECORDS[name, dataset] = asyncio.run(pulled())
    return _RECORDS[name, dataset]


State = dict[str, dict[tuple[Any, ...], dict[str, Any]]]


def kept(dataset: Dataset, batches: Sequence[Batch]) -> State:
    """The rows by table and key that remain when the batches are kept one after the other."""
    state: State = {}
    children = dataset.children or {}
    for rows in (dataset.read(record) for batch in batches for record in batch.records):
        for child, column in children.items():
            [parent] = [key.column for key in child.c[column].foreign_keys]
            gone = {row[parent.name] for row in rows.get(parent.table, ())}
            state[child.name] = {
                key: row for key, row in state.get(child.name, {}).items() if row[column] not in gone
            }
        for table, values in rows.items():
            names = [column.name for column in table.primary_key]
            for row in values:
                state.setdefault(table.name, {})[tuple(row[name] for name in names)] = dict(row)
    return state


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
    assert (Path(connectors.__path__[0]) / name / "__init__.py").exists()
    assert connector.party in CONTRACT.parties


@every_connector
def test_each_scope_has_the_connectors_name_a_sentence_and_a_lock(name: str) -> None:
    """A scope is `<name>:<what>`, is said in a sentence, and opens something in the schema."""
    used = scopes_in_use(Schema(discover()).sdl)
    assert FOLDERS[name].scopes
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
        assert dataset.covers
        assert set(dataset.covers.values()) <= FOLDERS[name].scopes.keys() | SCOPES.keys()


@every_connector
def test_each_table_is_named_for_the_connector_and_has_a_row_rule(name: str) -> None:
    """A table of a connector's own begins with its name, and says which rows of it a caller may see."""
    covered = {what for dataset in FOLDERS[name].datasets for what in dataset.covers}
    for table in own_tables(name):
        assert table.name.startswith(f"{name}_")
        rule = table.info["rows"]
        assert rule != NOBODY
        assert "this." in rule or "caller_right" in rule
        assert set(re.findall(r"dataset = '([^']+)'", rule)) <= covered
        if "client_id" in table.c:
            assert "main.consents" in rule, "a table of clients' rows asks for their consent"


@every_connector
def test_only_the_face_is_imported(name: str) -> None:
    """Of the gateway a connector imports `gateway.connector`, and of the other connectors nothing."""
    for file in (Path(connectors.__path__[0]) / name).rglob("*.py"):
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


# Pulling


@every_dataset
async def test_a_pull_resumes_behind_every_batch(name: str, dataset: str, books: Path) -> None:
    """Stopped after a batch, a pull goes on from that batch's cursor, which is JSON, and all rows are the same."""
    found = dataset_of(name, dataset)
    async with partner(name, books) as upstream:
        batches = await batches_of(found, upstream)
        whole = kept(found, batches)
        assert any(whole.values())
        for number in {1, 2, len(batches) // 2, len(batches) - 1, len(batches)} & {
            *range(1, len(batches) + 1)
        }:
            batch = batches[number - 1]
            cursor = orjson.loads(orjson.dumps(batch.cursor))
            assert cursor == batch.cursor
            rest = await batches_of(found, upstream, cursor)
            assert kept(found, [*batches[:number], *rest]) == whole


@every_dataset
async def test_a_second_pull_changes_nothing_and_ends_with_a_cursor(
    name: str, dataset: str, books: Path
) -> None:
    """From the last cursor on there is little to read again, nothing new in it, and another last cursor."""
    found = dataset_of(name, dataset)
    async with partner(name, books) as upstream:
        first = await batches_of(found, upstream)
        second = await batches_of(found, upstream, first[-1].cursor)
        assert second
        assert kept(found, [*first, *second]) == kept(found, first)
        third = await batches_of(found, upstream, second[-1].cursor)
        assert third
        assert kept(found, [*first, *third]) == kept(found, first)


@every_dataset
async def test_a_pull_that_is_left_midway_leaves_nothing_behind(name: str, dataset: str, books: Path) -> None:
    """A consumer that stops ends the pull: no task of it is left."""
    async with partner(name, books) as upstream:
        before = asyncio.all_tasks()
        pull = dataset_of(name, dataset).pull(upstream, {})
        await anext(pull)
        await pull.aclose()  # type: ignore[attr-defined]
        left = {task for task in asyncio.all_tasks() - before if "connectors" in str(task.get_coro())}
    assert left == set()


# Reading


@every_dataset
def test_records_become_rows_that_the_tables_take(name: str, dataset: str, books: Path) -> None:
    """All that the partner sends is read, into the shared tables and the connector's own."""
    found = dataset_of(name, dataset)
    records = records_of(name, dataset, books)
    assert records
    columns: dict[str, set[frozenset[str]]] = {}
    for record in records:
        rows = found.read(record)
        check_rows(FOLDERS[name], rows)
        for table, values in rows.items():
            columns.setdefault(table.name, set()).update(frozenset(row) for row in values)
    # Rows of a table are written by one statement.
    assert all(len(each) == 1 for each in columns.values())


def check_rows(connector: Connector, rows: Rows) -> None:
    """Rows are of the connector's tables or the shared ones, and each value is what its column says."""
    for table, values in rows.items():
        assert table in SHARED | own_tables_cached(connector.name)
        for row in values:
            check_row(connector, table, row)


own_tables_cached = cache(own_tables)

MOMENT = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z")


def check_row(connector: Connector, table: Table, row: Mapping[str, Any]) -> None:
    """Nothing but columns, nothing required left out, the client left to the sync, the account the party's own."""
    assert row.keys() <= set(table.c.keys())
    assert "client_id" not in row
    for column in table.c:
        if not column.nullable and column.name != "client_id":
            assert row.get(column.name) is not None, f"{table.name}.{column.name}"
        if row.get(column.name) is not None:
            check_value(column, row[column.name])
    account = row["id"] if table is accounts else row.get("account_id")
    assert account is None or re.match(rf"{connector.party}:.", account)
    if table is orders:
        kind, _, identity = row["id"].partition(":")
        assert kind in {each.__name__ for each in connector.types}
        assert identity
        assert row["status"] in OrderStatus.__members__
        assert row["status_raw"]
    if "currency" in row:
        assert re.fullmatch("[A-Z]{3}", row["currency"])


def check_value(column: Any, value: Any) -> None:
    """Integers of 64 bits for numbers and money, texts for all else, moments in UTC; never a float."""
    if isinstance(column.type, Integer):
        assert type(value) is int
        assert -(2**63) <= value < 2**63
    else:
        assert type(value) is str
        assert not isinstance(column.type, Instant) or MOMENT.fullmatch(value)
    if column.name.endswith("_minor"):
        assert isinstance(column.type, BigInteger)
    if column.name == "id" or column.name.endswith("_id"):
        assert type(value) is str


JUNK: list[Any] = [None, True, 7, -1.5, "text", "", [], [[]], {}, {"": {}}, {"id": None}]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoilt_records(draw: st.DrawFn, good: list[Any]) -> Any:
    """A good record in which something, anywhere, is missing or anything at all."""
    record = copy.deepcopy(draw(st.sampled_from(good)))
    container, key = record, draw(st.sampled_from(list(record)))
    while isinstance(container[key], list | dict) and container[key] and draw(st.booleans()):
        container = container[key]
        keys = list(container) if isinstance(container, dict) else range(len(container))
        key = draw(st.sampled_from(keys))
    if draw(st.booleans()):
        container[key] = draw(json_values)
    else:
        del container[key]
    return record


@every_dataset
@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_is_refused_or_good(name: str, dataset: str, books: Path, data: st.DataObject) -> None:
    """A record with anything in any place, or with a field less, is refused, or its rows are good all the same."""
    record = data.draw(spoilt_records(records_of(name, dataset, books)[:20]))
    try:
        rows = dataset_of(name, dataset).read(record)
    except Exception as error:
        event(type(error).__name__)
    else:
        check_rows(FOLDERS[name], rows)


@every_dataset
async def test_what_cannot_be_read_is_put_aside_and_the_rest_is_kept(
    name: str, dataset: str, books: Path, tmp_path: Path
) -> None:
    """Among good records, junk goes to the dead letters, once, with a reason that shows nothing of it."""
    found = dataset_of(name, dataset)
    async with partner(name, books) as upstream:
        batches = await batches_of(found, upstream)
    good = [record for batch in batches for record in batch.records]
    migrate(tmp_path / "gateway.db")
    engine = writer(tmp_path / "gateway.db")
    canary = f"canary-{secrets.token_hex(8)}"
    spoilt = [spoil(record, canary) for record in good[:3]]
    async with engine.connect() as connection:
        await connection.exec_driver_sql(
            "PRAGMA foreign_keys = OFF"
        )  # segments may come before their members
        batch = Batch([*JUNK, *good, *spoilt, *JUNK], {"at": 1})
        put_aside = await keep(connection, name, found, batch)
        await connection.commit()
        letters = (await connection.execute(select(dead_letters))).all()
        for table_name, rows in kept(found, batches).items():
            count = await connection.exec_driver_sql(f"SELECT count(*) FROM {table_name}")
            assert count.scalar_one() == len(rows)
    await engine.dispose()
    assert put_aside == 2 * len(JUNK) + len(spoilt)
    assert len(letters) == len({orjson.dumps(each) for each in JUNK}) + len(spoilt)
    assert any(canary in letter.record for letter in letters)
    assert not any(canary in letter.reason for letter in letters)


def spoil(record: Any, canary: str) -> Any:
    """A record in which every text and number is a text that means nothing."""
    if isinstance(record, dict):
        return {key: spoil(value, canary) for key, value in record.items()}
    if isinstance(record, list):
        return [spoil(value, canary) for value in record]
    return f"{canary} in {secrets.token_hex(4)}"
