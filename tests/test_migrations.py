"""Migrations: they make exactly the tables that are declared, all or none of them, and keep what is there."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import connectors
from gateway.access import trusted_documents
from gateway.clients import changes
from gateway.errors import SettingsError
from gateway.oauth import audit, authorizations, revocations, spent, users
from gateway.settings import Settings
from gateway.store.database import migrate, migrations, writer
from gateway.store.tables import metadata
from gateway.sync.runs import sync_cursors
from tests.processes import command as gateway
from tests.processes import forked
from tests.world import small_world, write

CONNECTORS = [each.parent.name for each in Path(connectors.__path__[0]).glob("*/migrations")]
CORE = "0001"

DECLARING = (sync_cursors, audit, authorizations, changes, revocations, spent, trusted_documents, users)
"""What must be imported so that all tables are declared."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a database will be; its folder is not there yet, and its name is a trap for what builds addresses."""
    return tmp_path / "state of 100%20 ?#я" / "gateway.db"


def ask(file: Path, sql: str) -> list[Any]:
    """Rows of a database."""
    with closing(sqlite3.connect(file)) as database:
        return database.execute(sql).fetchall()


def differences(file: Path) -> list[Any]:
    """What Alembic would have to change so that the database is what the tables declare."""
    with closing(sqlite3.connect(file)) as database:
        engine = create_engine("sqlite://", creator=lambda: database)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_server_default": True})
            return list(compare_metadata(context, metadata))


def shape(file: Path) -> dict[str, Any]:
    """Each table with its columns, keys, foreign keys and indexes, and whether SQLite keeps it by its key."""
    with closing(sqlite3.connect(file)) as database:
        return {
            name: (
                bool(without_rowid),
                database.execute(f"PRAGMA table_xinfo({name})").fetchall(),
                sorted(row[2:] for row in database.execute(f"PRAGMA foreign_key_list({name})")),
                sorted(
                    (row[1:], database.execute(f"PRAGMA index_xinfo({row[1]})").fetchall())
                    for row in database.execute(f"PRAGMA index_list({name})")
                ),
            )
            for _, name, _, _, without_rowid, _ in database.execute("PRAGMA main.table_list")
            if not name.startswith(("sqlite_", "alembic_"))
        }


def test_an_empty_file_becomes_exactly_what_is_declared(file: Path, tmp_path: Path) -> None:
    """Alembic finds nothing to do, connectors' tables included; nor does SQLite's own account of the tables differ."""
    migrate(file)
    assert differences(file) == []
    declared = tmp_path / "declared.db"
    engine = create_engine(f"sqlite:///{declared}")
    metadata.create_all(engine)
    engine.dispose()
    assert shape(file) == shape(declared)
    assert {name.partition("_")[0] for name in shape(file)} >= {*CONNECTORS} - {"cbr"}


def test_only_its_owner_may_read_it(file: Path) -> None:
    """Whatever the umask; and the files SQLite lays beside it while it is written to are no more open."""
    before = os.umask(0)
    try:
        migrate(file)
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("DELETE FROM orders")
            database.commit()
            modes = {each.name: each.stat().st_mode & 0o777 for each in file.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("gateway.db", "gateway.db-wal", "gateway.db-shm"), 0o600)


def test_a_second_migration_changes_nothing(file: Path) -> None:
    """Each start of the gateway migrates."""
    migrate(file)
    before = file.read_bytes()
    migrate(file)
    assert file.read_bytes() == before


def test_down_to_nothing_and_up_again(file: Path) -> None:
    """Each migration can be taken back."""
    migrate(file)
    first = shape(file)
    command.downgrade(migrations(file), "base")
    assert shape(file) == {}
    migrate(file)
    assert shape(file) == first


def test_each_branch_has_one_head() -> None:
    """The gateway's own, on which the connectors' depend, and one for each connector, under its name."""
    script = ScriptDirectory.from_config(migrations(Path("any")))
    heads = [script.get_revision(head) for head in script.get_heads()]
    labels = sorted(label for head in heads if head is not None for label in head.branch_labels)
    assert labels == sorted(CONNECTORS)
    roots = {base: script.get_revision(base) for base in script.get_bases()}
    assert set(roots) == {CORE, *(f"{name}_0001" for name in CONNECTORS)}
    for name in CONNECTORS:
        root = roots[f"{name}_0001"]
        assert root is not None
        assert root.dependencies == CORE


def migrate_to(file: Path, revision: str) -> None:
    """Bring an empty file to an older form."""
    file.parent.mkdir(parents=True)
    file.touch()
    command.upgrade(migrations(file), revision)


async def test_a_database_from_before_the_connectors_keeps_its_data(file: Path) -> None:
    """There is one core revision so far: a database that has only that, and rows in it, gets the rest around them."""
    await asyncio.to_thread(migrate_to, file, CORE)
    assert not any(name.startswith(tuple(CONNECTORS)) for name in shape(file))
    database = writer(file)
    async with database.begin() as connection:
        await write(connection, small_world())
    await database.dispose()
    before = {name: ask(file, f"SELECT * FROM {name}") for name in shape(file)}
    assert before["orders"]
    await asyncio.to_thread(migrate, file)
    assert differences(file) == []
    assert {name: ask(file, f"SELECT * FROM {name}") for name in before} == before


RATE = ("USD", "2017-12-30", 1, "57.6002")


def test_rates_move_into_the_gateways_own_table_and_back(file: Path) -> None:
    """Exactly as they are; the connector that brings them had a table of its own at first."""
    migrate_to(file, "cbr_0001")
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("INSERT INTO cbr_rates VALUES (?, ?, ?, ?)", RATE)
    migrate(file)
    assert ask(file, "SELECT currency, effective_on, nominal, roubles FROM exchange_rates") == [RATE]
    assert "cbr_rates" not in shape(file)
    command.downgrade(migrations(file), "cbr_0001")
    assert ask(file, "SELECT currency, effective_on, nominal, roubles FROM cbr_rates") == [RATE]


def test_a_database_of_a_newer_gateway_is_refused_in_one_line(file: Path) -> None:
    """Also one that a connector left, which is no longer there."""
    migrate(file)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("INSERT INTO alembic_version VALUES ('megafon_0001')")
    before = file.read_bytes()
    with pytest.raises(SettingsError, match="megafon_0001") as caught:
        migrate(file)
    assert "\n" not in str(caught.value)
    assert file.read_bytes() == before


def test_processes_that_start_at_once_do_not_disturb_each_other(file: Path) -> None:
    """One of them makes the tables; the others wait and find them."""
    together = [forked(gateway, file.parent, "migrate") for _ in range(3)]
    for process in together:
        process.join()
    assert [process.exitcode for process in together] == [0, 0, 0]
    assert differences(file) == []


def test_killed_midway_it_leaves_nothing(tmp_path: Path) -> None:
    """Tables and revisions are one transaction: after kill -9 in the middle, the next start makes all of them."""
    midway = [killed_midway(tmp_path / str(attempt) / "gateway.db") for attempt in range(5)]
    assert any(midway)


def killed_midway(file: Path) -> bool:
    """Kill a migration at its first change. Whether that was before its end."""
    process = forked(gateway, file.parent, "migrate")
    # The rollback journal is there from the first change on until the transaction ends.
    journal = file.with_name(f"{file.name}-journal")
    while not journal.exists() and process.is_alive():
        time.sleep(0.001)
    process.kill()
    process.join()
    midway = journal.exists()
    assert shape(file) == {} if midway else differences(file) == []
    migrate(file)
    assert differences(file) == []
    return midway


async def test_a_writer_makes_no_file_and_does_not_write_into_one_that_is_gone(tmp_path: Path) -> None:
    """A database that was taken away is missed at once, and not replaced by an empty one."""
    settings = Settings(state=tmp_path)
    await asyncio.to_thread(migrate, settings.database)
    database = writer(settings.database)
    async with database.connect() as connection:
        await connection.exec_driver_sql("SELECT count(*) FROM orders")
    settings.database.unlink()
    with pytest.raises(Exception, match="unable to open database file"):
        await database.connect().__aenter__()
    assert not settings.database.exists()
    await database.dispose()
