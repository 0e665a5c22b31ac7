"""Keeping: records become rows of the shared base, in the transaction that is given; unreadable ones are put aside."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import cache
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Table, bindparam, case, delete, func, select
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError, InterfaceError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clients.accounts import accounts
from gateway.errors import Kind, PartnerError
from gateway.store.tables import instant
from gateway.sync.datasets import Batch, Cursor, Dataset
from gateway.sync.letters import put_aside
from gateway.sync.records import Letter, Read, letter, parent_of, read
from gateway.sync.runs import sync_cursors

MANY = 10
"""Of so many records, not most are unreadable by chance."""


async def stored_cursor(connection: AsyncConnection, connector: str, dataset: str) -> Cursor:
    """Where the last pull ended; empty before the first."""
    found = await connection.scalar(
        select(sync_cursors.c.cursor).where(
            sync_cursors.c.connector == connector, sync_cursors.c.dataset == dataset
        )
    )
    cursor: Cursor = orjson.loads(found) if found else {}
    return cursor


async def keep(connection: AsyncConnection, connector: str, dataset: Dataset, batch: Batch) -> int:
    """Write a batch's rows, its unreadable records and its cursor; the number of unreadable ones.

    Raises `PartnerError` (DRIFT), and writes nothing, where most of many records cannot be read: the partner's form has
    changed then, and they come again when partner and connector agree.
    """
    found, letters = await asyncio.to_thread(read, dataset, batch.records)
    if 2 * len(letters) > len(batch.records) >= MANY:
        of, reason = len(batch.records), letters[0]["reason"]
        raise PartnerError(Kind.DRIFT, f"{len(letters)} of {of} records cannot be read: {reason}")
    # Before the rows, for it begins the transaction of all of them: a savepoint outside of one would end by itself.
    await _put_cursor(connection, connector, dataset, batch, instant(datetime.now(UTC)))
    return await _keep(connection, connector, dataset, batch.records, found, letters)


async def keep_records(
    connection: AsyncConnection, connector: str, dataset: Dataset, records: Sequence[Any]
) -> int:
    """Write records' rows, within a transaction, and put the unreadable ones aside; how many those are."""
    found, letters = await asyncio.to_thread(read, dataset, records)
    return await _keep(connection, connector, dataset, records, found, letters)


async def _keep(
    connection: AsyncConnection,
    connector: str,
    dataset: Dataset,
    records: Sequence[Any],
    rows: Read,
    letters: list[Letter],
) -> int:
    try:
        async with connection.begin_nested():
            await _write(connection, dataset, rows)
    except _REFUSALS:
        letters = await _write_singly(connection, dataset, records)
    await put_aside(connection, connector, dataset, records, letters)
    return len(letters)


async def _put_cursor(
    connection: AsyncConnection, connector: str, dataset: Dataset, batch: Batch, now: str
) -> None:
    place = {"cursor": orjson.dumps(batch.cursor).decode(), "pulled_at": now}
    await connection.execute(
        upsert(sync_cursors)
        .values(connector=connector, dataset=dataset.name, **place, records=len(batch.records))
        .on_conflict_do_update(
            index_elements=["connector", "dataset"],
            set_={**place, "records": sync_cursors.c.records + len(batch.records)},
        )
    )


_REFUSALS = (IntegrityError, InterfaceError, ProgrammingError, OverflowError, UnicodeError)
"""What is raised for rows that the database cannot take: broken constraints, and values of no SQL type."""

_NAMED = sqlite_dialect(paramstyle="named")


async def _write(connection: AsyncConnection, dataset: Dataset, found: Read) -> None:
    await _leave_late(connection, dataset, found)
    for child, by_parent in filter(itemgetter(1), found.children.items()):
        gone = _delete(child, (dataset.children or {})[child])
        await connection.exec_driver_sql(gone, [{"parent": parent} for parent in by_parent])
    whole = {
        child: [row for rows in found.values() for row in rows] for child, found in found.children.items()
    }
    # A parent is written before what refers to it.
    for target, values in (*found.rows.items(), *whole.items()):
        if values:
            await connection.exec_driver_sql(_upsert(target, tuple(values[0])), values)


async def _leave_late(connection: AsyncConnection, dataset: Dataset, found: Read) -> None:
    """Leave out the children of parents about which a later word is known: they came with that."""
    late: dict[Table, Collection[str]] = {}
    for child, column in (dataset.children or {}).items():
        parent, key = parent_of(child, column)
        if parent not in late:
            late[parent] = await _late(connection, parent, key, found.rows.get(parent, ()))
        for each in late[parent]:
            found.children[child].pop(each, None)


async def _late(
    connection: AsyncConnection, target: Table, key: str, rows: Sequence[dict[str, Any]]
) -> Collection[str]:
    """The keys of those rows that are known by a later word."""
    moment, _ = target.info["dated"]
    if not moment or not rows:
        return ()
    # Whatever a connector overlooked is JSON as well, and the database refuses it with its own record.
    told = json.dumps({str(row[key]): str(row[moment]) for row in rows})
    found = await connection.exec_driver_sql(_later(target, key), {"told": told})
    return found.scalars().all()


async def _write_singly(
    connection: AsyncConnection, dataset: Dataset, records: Sequence[Any]
) -> list[Letter]:
    """Write the records of a batch of which the database refused some; those go with the unreadable ones."""
    letters: list[Letter] = []
    for record in records:
        rows, unreadable = read(dataset, [record])
        letters += unreadable
        try:
            async with connection.begin_nested():
                await _write(connection, dataset, rows)
        except _REFUSALS as error:
            kind = getattr(getattr(error, "orig", None), "sqlite_errorname", type(error).__name__)
            letters.append(letter(record, f"the database refused its rows: {kind}"))
    return letters


@cache
def _upsert(target: Table, columns: tuple[str, ...]) -> str:
    """INSERT that replaces a row of the same key; the client follows from the account.

    As text for the driver: a million rows in dicts go through it as they are, in a third of the time.
    """
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    if "client_id" in target.c and "account_id" in target.c:
        known = select(accounts.c.client_id).where(accounts.c.id == bindparam("account_id"))
        values["client_id"] = known.scalar_subquery()
    statement = upsert(target).values(values)
    keys = [column.name for column in target.primary_key]
    changed = {name: statement.excluded[name] for name in values if name not in keys}
    if changed:
        changed |= _dated(target, statement.excluded, changed)
        statement = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    else:
        statement = statement.on_conflict_do_nothing()
    return str(statement.compile(dialect=_NAMED))


def _dated(target: Table, given: Any, changed: Collection[str]) -> dict[str, Any]:
    """What replaces values that count by a moment: an earlier word does not replace a later one."""
    moment, names = target.info["dated"]
    if moment not in changed:
        return {}
    later = given[moment] >= target.c[moment]
    return {
        name: case((later, given[name]), else_=target.c[name]) for name in (moment, *names) if name in changed
    }


@cache
def _later(target: Table, key: str) -> str:
    told = func.json_each(bindparam("told")).table_valued("key", "value")
    known = select(target.c[key]).join(told, told.c.key == target.c[key])
    later = known.where(target.c[target.info["dated"][0]] > told.c.value)
    return str(later.compile(dialect=_NAMED))


@cache
def _delete(target: Table, column: str) -> str:
    return str(delete(target).where(target.c[column] == bindparam("parent")).compile(dialect=_NAMED))
