"""The contract of connectors: a record becomes good rows, or is refused."""

from __future__ import annotations

import asyncio
import copy
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Integer, Table, select

from gateway.clients.accounts import accounts
from gateway.clients.orders import OrderStatus, orders
from gateway.connector import (
    Batch,
    Carrier,
    Connector,
    Milestone,
    Rows,
)
from gateway.store.database import migrate, writer
from gateway.store.tables import Instant
from gateway.sync.keep import MANY, keep
from gateway.sync.letters import named
from gateway.sync.runs import dead_letters
from tests.partners import (
    FOLDERS,
    batches_of,
    books,
    dataset_of,
    every_dataset,
    partner,
)

__all__ = ["books"]

from tests.connectors.test_contract import PARCELS, SHARED, own_tables
from tests.connectors.test_contract_pulls import kept

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


@every_dataset
def test_a_record_says_which_it_is(name: str, dataset: str, books: Path) -> None:
    """Where the dataset declares that one does: what was put aside of it is forgotten by that."""
    found = dataset_of(name, dataset)
    assert not found.identity or None not in {named(found, each) for each in records_of(name, dataset, books)}


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
    if table in PARCELS:
        assert row.get("carrier", "UNKNOWN") in Carrier.__members__
        assert row.get("milestone", "UNKNOWN") in Milestone.__members__
    if row.get("currency") is not None:
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
@settings(
    max_examples=50,
    deadline=timedelta(seconds=10),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
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
        put_aside = 0
        # Few at a time: of many, most being junk would be another form, and no batch that is kept.
        for part in parts([*JUNK, *good, *spoilt, *JUNK], MANY - 1):
            put_aside += await keep(connection, name, found, Batch(part, {"at": 1}))
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


def parts(records: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """The records, so many at a time."""
    for start in range(0, len(records), size):
        yield records[start : start + size]


def spoil(record: Any, canary: str) -> Any:
    """A record in which every text and number is a text that means nothing."""
    if isinstance(record, dict):
        return {key: spoil(value, canary) for key, value in record.items()}
    if isinstance(record, list):
        return [spoil(value, canary) for value in record]
    return f"{canary} in {secrets.token_hex(4)}"
