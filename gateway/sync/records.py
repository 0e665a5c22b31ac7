"""Records: what a partner sent, read into rows; what cannot be read is put aside as a letter with the reason."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Table

from gateway.errors import Unreadable
from gateway.sync.datasets import Dataset, Rows

Letter = dict[str, str]


class Read(NamedTuple):
    """Rows of records: those by table, and those of children by table and parent, of which the latest word counts."""

    rows: dict[Table, list[dict[str, Any]]]
    children: dict[Table, dict[Any, list[dict[str, Any]]]]


def read(dataset: Dataset, records: Iterable[Any]) -> tuple[Read, list[Letter]]:
    """The rows of the records that can be read, and a letter for each of the others."""
    rows = Read({}, {child: {} for child in dataset.children or {}})
    letters: list[Letter] = []
    readable: list[Rows] = []
    for record in records:
        try:
            readable.append(dataset.read(record))
        except Unreadable as error:
            letters.append(letter(record, str(error)))
        except Exception as error:
            # The text of any other exception may hold the record's values; its kind does not.
            letters.append(letter(record, f"{type(error).__name__} while reading"))
    for found in sorted(readable, key=_moment):
        _add(rows, dataset, found)
    return rows, letters


def _moment(found: Rows) -> str:
    """Of which moment the word of a record is; empty where its kind tells none, and the last one counts."""
    dated = ((target.info["dated"][0], values) for target, values in found.items())
    return max((str(row.get(moment)) for moment, values in dated if moment for row in values), default="")


def _add(to: Read, dataset: Dataset, found: Rows) -> None:
    for target, values in found.items():
        if target not in to.children:
            to.rows.setdefault(target, []).extend(values)  # type: ignore[arg-type]
    for child, column in (dataset.children or {}).items():
        parent, key = parent_of(child, column)
        of_record: dict[Any, list[Any]] = {row[key]: [] for row in found.get(parent, ())}
        for row in found.get(child, ()):
            of_record.setdefault(row[column], []).append(row)
        to.children[child].update(of_record)


@cache
def parent_of(child: Table, column: str) -> tuple[Table, str]:
    """The table that a child's column refers to, and the name of the column there."""
    [key] = [key.column for key in child.c[column].foreign_keys]
    return key.table, key.name


def letter(record: Any, reason: str) -> Letter:
    """The dead letter of a record; `reason` shows nothing of it."""
    text = orjson.dumps(record, option=orjson.OPT_SORT_KEYS, default=str).decode()
    return {"record": text, "digest": hashlib.sha256(text.encode()).hexdigest(), "reason": reason}
