"""Listings: what the partner's lists have in common: the filter in `param0`, the pages and the wrappers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from connectors.alibaba.pacific import moment
from connectors.alibaba.sandbox.admission import invalid
from gateway.connector import Unreadable

Filter = Mapping[str, Any]
"""`param0`, read."""

Record = dict[str, object]
"""A JSON object of an answer."""


@dataclass(frozen=True, slots=True)
class Form:
    """The names by which a list is asked and answers, the most it gives on a page, and which bounds it takes."""

    query: str = "param0"
    records: str = "target_list"
    total: str = "total_count"
    size: int = 50
    bounds: tuple[str, str, str, str] = (
        "create_date_start",
        "create_date_end",
        "modified_date_start",
        "modified_date_end",
    )


_BOUNDS = ("created >= ?", "created <= ?", "modified >= ?", "modified <= ?")


class Condition(NamedTuple):
    """SQL for a row that is asked for, and the values it binds."""

    sql: str
    values: tuple[str, ...]


def everything(asked: Filter) -> Condition:
    """No condition but the times."""
    return Condition("1", ())


@dataclass(frozen=True, slots=True)
class Listing:
    """A list method: its table, the name of an element, how a row is shown, and which rows a filter means.

    `show` is told whether the answer is to be simplified.
    """

    table: str
    element: str
    show: Callable[[sqlite3.Row, bool], Record]
    condition: Callable[[Filter], Condition] = everything
    form: Form = Form()

    def __call__(self, database: sqlite3.Connection, parameters: Mapping[str, str]) -> Record:
        """The answer to a call: a page, newest change first, and where it stands. Raises `CallError`."""
        asked = read_filter(parameters, self.form.query)
        number, size = _whole(asked, "current_page", 2**31), _whole(asked, "page_size", self.form.size)
        simplify = parameters.get("simplify") == "true"
        rows, total = self._rows(database, asked, size, (number - 1) * size)
        records = [self.show(row, simplify) for row in rows]
        result: Record = {
            "success": True,
            self.form.total: total,
            "total_page": -(-total // size),
            "current_page": number,
            "page_size": size,
        }
        if records:
            result[self.form.records] = wrapped(records, self.element, simplify)
        return {"result": result}

    def _rows(
        self, database: sqlite3.Connection, asked: Filter, size: int, start: int
    ) -> tuple[list[sqlite3.Row], int]:
        condition, window = self.condition(asked), bounds(asked, self.form.bounds)
        # The text is all this package's own; what was asked is bound.
        source = f"FROM {self.table} WHERE {condition.sql} AND {window.sql}"
        values = condition.values + window.values
        (total,) = database.execute(f"SELECT count(*) {source}", values).fetchone()
        page = f"SELECT * {source} ORDER BY modified DESC, id DESC LIMIT ? OFFSET ?"
        return database.execute(page, (*values, size, start)).fetchall(), total


def wrapped(records: list[Record], element: str, simplify: bool) -> object:
    """A list as it is written: within an object of one key, or bare."""
    return records if simplify else {element: records}


def read_filter(parameters: Mapping[str, str], name: str = "param0") -> Filter:
    """The parameter of this name, a JSON object. Raises `CallError`."""
    try:
        found = orjson.loads(parameters[name])
    except (KeyError, orjson.JSONDecodeError):
        raise invalid(name) from None
    if not isinstance(found, dict):
        raise invalid(name)
    return found


def bounds(asked: Filter, named: tuple[str, str, str, str]) -> Condition:
    """The times in a filter, ends included, compared as the wall clock shows them. Raises `CallError`."""
    sql = {name: bound for name, bound in zip(named, _BOUNDS, strict=True) if asked.get(name)}
    for name in sql:
        try:
            moment(asked[name], name)
        except Unreadable:
            raise invalid(name) from None
    return Condition(" AND ".join(["1", *sql.values()]), tuple(asked[name] for name in sql))


def _whole(asked: Filter, name: str, most: int) -> int:
    value = asked.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise invalid(name)
    return value
