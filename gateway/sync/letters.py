"""Letters: records that could not be read, put aside whole until they can be, and no longer than they are of use.

They hold what the partner sent, persons included.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.queries import as_keys, keys
from gateway.store.tables import instant
from gateway.sync.datasets import Dataset
from gateway.sync.records import Letter
from gateway.sync.runs import count_all_letters, count_letters, dead_letters

KEPT = timedelta(days=30)
"""How long a letter is kept after its record was seen."""


async def put_aside(
    connection: AsyncConnection,
    connector: str,
    dataset: Dataset,
    records: Sequence[Any],
    letters: Sequence[Letter],
) -> None:
    """Keep the letters of these records, and none of what was said of the same before: that was the last word."""
    gone = await _answered(connection, connector, dataset, records)
    if letters:
        seen_at = instant(datetime.now(UTC))
        known = {"connector": connector, "dataset": dataset.name, "seen_at": seen_at}
        new = insert(dead_letters).on_conflict_do_nothing()
        await connection.execute(new, [{**known, **letter} for letter in letters])
    if letters or gone:
        await count_letters(connection, connector, dataset.name)


async def _answered(
    connection: AsyncConnection, connector: str, dataset: Dataset, records: Sequence[Any]
) -> int:
    """Delete the letters of what these records are about; how many those were."""
    ours = dead_letters.c.connector == connector, dead_letters.c.dataset == dataset.name
    names = [name for name in (named(dataset, record) for record in records) if name is not None]
    if not names or not await connection.scalar(select(func.count()).where(*ours)):
        return 0
    name = func.json_extract(dead_letters.c.record, ".".join(("$", *dataset.identity)))
    same = delete(dead_letters).where(*ours, name.in_(select(keys().c.value)))
    return (await connection.execute(same, {"keys": as_keys(names)})).rowcount


def named(dataset: Dataset, record: Any) -> str | int | None:
    """Which one a record is of, where it says so."""
    if not dataset.identity:
        return None
    for name in dataset.identity:
        record = record.get(name) if isinstance(record, dict) else None
    return record if isinstance(record, str) or (type(record) is int and abs(record) < 2**63) else None


async def forget_letters(connection: AsyncConnection, now: datetime) -> None:
    """Delete letters that are old."""
    await connection.execute(delete(dead_letters).where(dead_letters.c.seen_at < instant(now - KEPT)))
    await count_all_letters(connection)
