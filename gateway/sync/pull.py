"""Pulling: a partner's records into the shared base, a batch and its cursor in one transaction.

Killed at any moment, a pull goes on behind the last batch that was kept; run again, it changes nothing, for every row
is kept under its own key. A record that cannot be read is put aside with the reason, and the others go on.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Column, Integer, Table, Text, bindparam, delete, select
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.clients.accounts import accounts
from gateway.errors import Unreadable
from gateway.store.tables import Instant, instant, table
from gateway.sync.datasets import Batch, Cursor, Dataset
from gateway.upstream.http import Upstream

sync_cursors = table(
    "sync_cursors",
    Column("connector", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("cursor", Text, nullable=False),
    Column("records", Integer, nullable=False),
    Column("pulled_at", Instant, nullable=False),
)
"""Where each dataset's pull stands."""

dead_letters = table(
    "dead_letters",
    Column("connector", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("seen_at", Instant, nullable=False),
)
"""Records that could not be read, each once, with the reason; `digest` is the SHA-256 of the record."""


@dataclass(slots=True)
class Progress:
    """How far a pull is: records so far, how many are expected (None where nobody knows), how many were put aside."""

    records: int = 0
    expected: int | None = None
    unreadable: int = 0


Watch = Callable[[Progress], None]


async def pull(
    engine: AsyncEngine, upstream: Upstream, connector: str, dataset: Dataset, watch: Watch = lambda _: None
) -> Progress:
    """Pull what is new of one dataset. Raises `PartnerError` when the partner gives up; what was kept stays kept."""
    progress = Progress()
    async with engine.connect() as connection:
        # A batch and its cursor are one transaction, so a lost last one is pulled again: no need to wait for the disk.
        await connection.exec_driver_sql("PRAGMA synchronous = NORMAL")
        await connection.commit()
        cursor = await stored_cursor(connection, connector, dataset.name)
        async with aclosing(dataset.pull(upstream, cursor)) as batches:  # type: ignore[type-var]
            async for batch in batches:
                progress.expected = batch.expected
                progress.unreadable += await keep(connection, connector, dataset, batch)
                progress.records += len(batch.records)
                await connection.commit()
                watch(progress)
        await connection.exec_driver_sql("PRAGMA synchronous = FULL")
    return progress


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
    """Write a batch's rows, its unreadable records and its cursor; the number of unreadable ones."""
    rows, letters = await asyncio.to_thread(_read, dataset, batch.records)
    for target, parents in _replaced(dataset, rows).items():
        gone = _delete(target, (dataset.children or {})[target])
        await connection.exec_driver_sql(gone, [{"parent": parent} for parent in parents])
    for target, values in rows.items():
        await connection.exec_driver_sql(_upsert(target, tuple(values[0])), values)
    now = instant(datetime.now(UTC))
    keys = {"connector": connector, "dataset": dataset.name}
    if letters:
        put_aside = upsert(dead_letters).on_conflict_do_nothing()
        await connection.execute(put_aside, [{**keys, **letter, "seen_at": now} for letter in letters])
    place = {"cursor": orjson.dumps(batch.cursor).decode(), "pulled_at": now}
    await connection.execute(
        upsert(sync_cursors)
        .values(**keys, **place, records=len(batch.records))
        .on_conflict_do_update(
            index_elements=["connector", "dataset"],
            set_={**place, "records": sync_cursors.c.records + len(batch.records)},
        )
    )
    return len(letters)


_NAMED = sqlite_dialect(paramstyle="named")

Keyed = dict[Table, list[dict[str, Any]]]


def _read(dataset: Dataset, records: Iterable[Any]) -> tuple[Keyed, list[dict[str, str]]]:
    rows: Keyed = {}
    letters: list[dict[str, str]] = []
    for record in records:
        try:
            found = dataset.read(record)
        except Unreadable as error:
            letters.append(_letter(record, str(error)))
        except Exception as error:
            # The text of any other exception may hold the record's values; its kind does not.
            letters.append(_letter(record, f"{type(error).__name__} while reading"))
        else:
            for target, values in found.items():
                rows.setdefault(target, []).extend(values)  # type: ignore[arg-type]
    # A parent is written before what refers to it.
    order = sorted(rows, key=lambda target: bool(target in (dataset.children or {})))
    return {target: rows[target] for target in order if rows[target]}, letters


def _letter(record: Any, reason: str) -> dict[str, str]:
    text = orjson.dumps(record, option=orjson.OPT_SORT_KEYS, default=str).decode()
    return {"record": text, "digest": hashlib.sha256(text.encode()).hexdigest(), "reason": reason}


def _replaced(dataset: Dataset, rows: Keyed) -> dict[Table, list[Any]]:
    """For each table of children, the parents of this batch, whose rows are replaced together."""
    found: dict[Table, list[Any]] = {}
    for child, column in (dataset.children or {}).items():
        [parent_key] = [key.column for key in child.c[column].foreign_keys]
        parents = rows.get(parent_key.table, [])
        found[child] = [row[parent_key.name] for row in parents]
    return {child: parents for child, parents in found.items() if parents}


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
        statement = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    else:
        statement = statement.on_conflict_do_nothing()
    return str(statement.compile(dialect=_NAMED))


@cache
def _delete(target: Table, column: str) -> str:
    return str(delete(target).where(target.c[column] == bindparam("parent")).compile(dialect=_NAMED))
