"""Queries: SQLAlchemy statements compiled once, and the few shapes that nearly every batch function needs.

A level asks for all its keys at once, so each shape takes the keys as one JSON array.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import orjson
from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    FromClause,
    Select,
    Table,
    Text,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

Row = Any
"""A row of a query: a tuple whose fields are also attributes, named as in the statement."""

_SQLITE = sqlite_dialect(paramstyle="qmark")


@cache
def row_type(names: tuple[str, ...]) -> type[tuple[Any, ...]]:
    """The row class for these column names; one per set of names, so that rows of one query share it."""
    return namedtuple("Row", names)


class Query:
    """A statement compiled once; its named parameters are bound at each run.

    Lists are given as one JSON parameter (`keys`), not as `IN (…)` of a length that SQL would have to know.
    """

    __slots__ = ("defaults", "make", "names", "row", "sql", "statement")

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement
        compiled = statement.compile(dialect=_SQLITE)
        given = {each.key: None for each in compiled.bind_names if each.required}
        # A list of constants, as in `IN`, becomes as many parameters here, once and for all.
        state = compiled.construct_expanded_state(given)
        self.sql = state.statement
        self.names: Sequence[str] = state.positiontup or ()
        self.defaults: Mapping[str, Any] = {
            name: value for name, value in state.parameters.items() if name not in given
        }
        self.row = row_type(tuple(statement.selected_columns.keys()))
        self.make: Callable[[Any], Row] = partial(tuple.__new__, self.row)

    def bind(self, values: Mapping[str, Any]) -> list[Any]:
        """The parameters in the order of the SQL. Raises KeyError for a name the statement does not have."""
        bound = {**self.defaults, **values}
        return [bound[name] for name in self.names]


def keys(name: str = "keys") -> Any:
    """The keys of a level as a table with one column, `value`; bind them with `as_keys`."""
    return func.json_each(bindparam(name)).table_valued("value", name=f"{name}_")


def as_keys(values: Sequence[Any]) -> str:
    """Keys as the parameter that `keys` reads."""
    return orjson.dumps(values).decode()


Order = tuple[tuple[str, bool], ...]
"""Columns to sort by, each with whether it falls; the last one makes the order total."""


@cache
def rows_by(table: Table, by: str, columns: tuple[str, ...], order: Order = ()) -> Query:
    """All rows whose `by` is among the keys; the first column, `key_`, says whose a row is."""
    level = keys()
    asked = [table.c[name] for name in columns]
    return Query(
        select(table.c[by].label("key_"), *asked)
        .where(table.c[by].in_(select(level.c.value)))
        .order_by(table.c[by], *_sorted(table, order))
    )


class PackedRows(Text):
    """The type of a column that holds rows of these columns, as JSON."""

    def __init__(self, columns: Sequence[ColumnElement[Any]] = ()) -> None:
        super().__init__()
        self.columns = columns


class Packed:
    """A query with one row a key: `key_`, and `rows_`, that key's rows packed into one JSON text.

    SQLite evaluates such a subquery per key, which reads just the rows of a page off the index; a join or a window over
    all keys would read every row of each.
    """

    __slots__ = ("make", "query")

    def __init__(self, query: Query, names: tuple[str, ...]) -> None:
        self.query = query
        self.make: Callable[[Any], Row] = partial(tuple.__new__, row_type(names))

    def rows(self, text: str) -> list[Row]:
        """The rows of one key."""
        return list(map(self.make, orjson.loads(text)))


@cache
def page_by(
    table: Table, by: str, columns: tuple[str, ...], order: Order, past: bool, where: tuple[str, ...] = ()
) -> Packed:
    """The first `:limit` rows of each key in `order`, after the position `:past_0, :past_1 …` when `past`."""
    level = keys()
    page = (
        select(*(table.c[name] for name in columns))
        .where(table.c[by] == level.c.value, *_past(table, order, past))
        .where(*(table.c[name] == bindparam(name) for name in where))
        .order_by(*_sorted(table, order))
        .limit(bindparam("limit"))
        .correlate(level)
        .subquery("page_")
    )
    rows = func.json_group_array(func.json_array(*page.c), type_=PackedRows(list(page.c)))
    packed = select(rows).scalar_subquery()
    return Packed(
        Query(select(level.c.value.label("key_"), packed.label("rows_")).select_from(level)), columns
    )


@cache
def count_by(table: Table, by: str, where: tuple[str, ...] = ()) -> Query:
    """How many rows each key has: columns `key_` and `rows_`."""
    level = keys()
    return Query(
        select(table.c[by].label("key_"), func.count().label("rows_"))
        .where(table.c[by].in_(select(level.c.value)))
        .where(*(table.c[name] == bindparam(name) for name in where))
        .group_by(table.c[by])
    )


def _sorted(source: FromClause, order: Order) -> list[ColumnElement[Any]]:
    return [source.c[name].desc() if falls else source.c[name].asc() for name, falls in order]


def _past(source: FromClause, order: Order, past: bool) -> list[ColumnElement[bool]]:
    """Keyset condition: strictly after the position in `order`."""
    if not past:
        return []
    places: list[tuple[Column[Any] | Any, bool, BindParameter[Any]]] = [
        (source.c[name], falls, bindparam(f"past_{place}")) for place, (name, falls) in enumerate(order)
    ]
    condition: ColumnElement[bool] | None = None
    for column, falls, value in reversed(places):
        beyond = column < value if falls else column > value
        condition = beyond if condition is None else beyond | ((column == value) & condition)
    assert condition is not None
    # The plain bound on the leading column is what lets the index start in the right place.
    column, falls, value = places[0]
    return [column <= value if falls else column >= value, condition]
