"""Stand-ins: rows that a statement could have given, made up from its own text where nobody is to be asked.

Their values are those that the statement asks for, where it asks for certain ones (a row of an order asked for by its
id has that id), and otherwise empty ones of the column's type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import BindParameter, TableValuedAlias, TypeDecorator
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression

from gateway.store.queries import PackedRows, Query, Row


def stand_ins(query: Query, values: Mapping[str, Any]) -> list[Row]:
    """A row for each key of the level, or one row for a query without keys."""
    asked = _asked(query)
    parameters = {column: values.get(name) for column, name in asked.parameters.items()}
    keys = orjson.loads(values[asked.keys]) if asked.keys else [None]
    return [
        query.make([_value(each, parameters, asked.keyed, key) for each in query.statement.selected_columns])
        for key in keys
    ]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a statement asks of columns: to be a parameter's value, or to be among the keys in the parameter `keys`."""

    parameters: Mapping[Any, str]
    keyed: frozenset[Any]
    keys: str | None


@lru_cache(maxsize=1_000)
def _asked(query: Query) -> _Asked:
    parts = list(visitors.iterate(query.statement))
    levels = [each for each in parts if isinstance(each, TableValuedAlias)]
    names = [
        each.key for level in levels for each in visitors.iterate(level) if isinstance(each, BindParameter)
    ]
    compared = [each for each in parts if isinstance(each, BinaryExpression)]
    equal = [each for each in compared if each.operator is operators.eq]
    among = [each for each in compared if each.operator is operators.in_op]
    keyed = [each.left for each in equal if _is_key(each.right)]
    keyed += [each.left for each in among if any(map(_is_key, visitors.iterate(each.right)))]
    return _Asked(
        {_base(each.left): each.right.key for each in equal if isinstance(each.right, BindParameter)},
        frozenset(map(_base, keyed)),
        names[0] if names else None,
    )


def _is_key(part: Any) -> bool:
    return isinstance(getattr(part, "table", None), TableValuedAlias)


def _base(column: Any) -> Any:
    """The column of a table that this column is, under whatever name."""
    return next(iter(column.base_columns), column)


def _value(column: Any, parameters: Mapping[Any, Any], keyed: frozenset[Any], key: Any) -> Any:
    base = _base(column)
    if base in keyed or _is_key(getattr(column, "element", column)):
        return key
    if base in parameters:
        return parameters[base]
    if isinstance(column.type, PackedRows):
        row = [_value(each, parameters, keyed, key) for each in column.type.columns]
        return orjson.dumps([row]).decode()
    kind: Any = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    try:
        return kind.python_type()
    except (NotImplementedError, TypeError):
        return None
