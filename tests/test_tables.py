"""Every table, the connectors' among them, has a row rule that holds rows back."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, Integer, Table, column, select, text

from gateway.access.agreements import CONTRACT, rights
from gateway.discovery import dataset_scopes, discover
from gateway.oauth.tokens import Caller
from gateway.schema import declared_schema
from gateway.settings import Settings
from gateway.store.queries import Query
from gateway.store.readers import CallerConnection, Readers
from gateway.store.tables import NOBODY, metadata
from tests.conftest import empty_database

EVERY_SCOPE = frozenset(declared_schema().scopes)


def caller(party: str, purpose: str = "analytics") -> Caller:
    """A caller with every scope there is."""
    return Caller(party, "app", EVERY_SCOPE, purpose)


@pytest.fixture
async def empty(tmp_path: Path) -> Path:
    """A database without rows, but with the agreements."""
    settings = Settings(state=tmp_path)
    await empty_database(settings)
    return settings.database


def elenas(table: Table) -> dict[str, Any]:
    """A row of any table, of Elena's account at Mail.ru where it is anybody's; she consented to nothing."""
    return {each.name: _elenas(each) for each in table.columns}


def _elenas(each: Column[Any]) -> Any:
    for key in each.foreign_keys:
        return _elenas(key.column)
    known = {
        "party": "MAILRU",
        "client_id": 505,
        "clients.id": 505,
        "account_id": "MAILRU:ELENA",
        "accounts.id": "MAILRU:ELENA",
        "orders.id": "PandaoOrder:ELENA",
    }
    number = isinstance(each.type, Integer | BigInteger)
    return known.get(f"{each.table.name}.{each.name}", known.get(each.name, 1 if number else "x"))


def is_persons(table: Table) -> bool:
    """Whether rows of a table are about a person: they name a client, an account, or a row that does."""
    targets = (key.column.table for each in table.columns for key in each.foreign_keys)
    named = table.name == "clients" or {"client_id", "account_id"} & set(table.columns.keys())
    return bool(named) or any(is_persons(target) for target in targets)


@pytest.fixture
async def one_row_each(empty: Path) -> AsyncIterator[Readers]:
    """A pool over a database with a row in every table."""
    connection = sqlite3.connect(empty)
    for table in metadata.sorted_tables:
        row = elenas(table)
        names, places = ", ".join(row), ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table.name} ({names}) VALUES ({places})", list(row.values()))
    connection.commit()
    connection.close()
    pool = Readers(empty, 1)
    await pool.open()
    yield pool
    await pool.close()


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
async def test_every_table_has_a_rule_that_holds(one_row_each: Readers, empty: Path, table: Table) -> None:
    """Nobody and strangers see nothing in it, and what is of a person is seen by that person's party alone."""
    everything = Query(select(table))
    fresh = sqlite3.connect(f"file:{empty}?mode=ro", uri=True, factory=CallerConnection)
    assert fresh.execute(f"SELECT * FROM {table.name}").fetchall() == []
    fresh.close()
    for purpose in CONTRACT.purposes:
        assert not await one_row_each.fetch(caller("MEGAFON", purpose), everything)
        told = [p for p in CONTRACT.parties if await one_row_each.fetch(caller(p, purpose), everything)]
        if table.info["rows"] == NOBODY:
            assert told == []
        elif is_persons(table):
            assert len(told) == 1
    connection = sqlite3.connect(empty)
    assert connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0] >= 1
    connection.close()


async def test_a_table_that_nobody_declared_is_shown_to_nobody(empty: Path) -> None:
    """Such as one that a former version left behind."""
    with sqlite3.connect(empty) as connection:
        connection.execute("CREATE TABLE left_behind (found TEXT)")
        connection.execute("INSERT INTO left_behind VALUES ('a name')")
    connection.close()
    pool = Readers(empty, 1)
    await pool.open()
    shown, counted = (
        Query(text(statement).columns(column("found")))  # type: ignore[arg-type]
        for statement in ("SELECT found FROM left_behind", "SELECT count(*) AS found FROM left_behind")
    )
    assert await pool.fetch(caller("ALIBABA"), shown) == []
    with pytest.raises(sqlite3.Error):
        await pool.fetch(caller("ALIBABA"), counted)
    await pool.close()


def test_every_right_follows_from_the_contract() -> None:
    """A party reads its own datasets and public ones for any purpose, and of another's only what an agreement names."""
    whole = rights(CONTRACT, dataset_scopes(discover()))
    found = [each for each in whole if each.owner in CONTRACT.parties]
    public = [each for each in whole if each not in found]
    assert {each.owner for each in public} <= CONTRACT.sources.keys()
    assert all(each.purpose == "*" and not each.consent for each in public)
    assert {each.recipient for each in public} <= CONTRACT.parties.keys()
    own = {(each.owner, each.dataset) for each in found if each.recipient == each.owner}
    assert own == {pair for pair in dataset_scopes(discover()) if pair[0] in CONTRACT.parties}
    assert all(each.purpose == "*" and not each.consent for each in found if each.recipient == each.owner)
    shared = [each for each in found if each.recipient != each.owner]
    assert all(each.consent == 1 and each.purpose in CONTRACT.purposes for each in shared)
    assert not [
        each for each in shared if each.dataset in ("profiles", "reports") or each.recipient == "RDIF"
    ]
