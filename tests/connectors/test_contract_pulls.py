"""The contract of connectors: a pull brings everything once, from wherever it stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from gateway.connector import Batch, Dataset
from tests.partners import (
    batches_of,
    books,
    dataset_of,
    every_dataset,
    partner,
    subjects_of,
)

__all__ = ["books"]

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
        subjects = await subjects_of(dataset_of(name, dataset))
        before = asyncio.all_tasks()
        pull = dataset_of(name, dataset).pull(upstream, {}, *subjects)
        await anext(pull)
        await pull.aclose()  # type: ignore[attr-defined]
        left = {task for task in asyncio.all_tasks() - before if "connectors" in str(task.get_coro())}
    assert left == set()
