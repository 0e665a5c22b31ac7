"""Planting: what it takes to plant a leak in the real code.

Some leaks reach past the views. For these every connection gets, beside the view `orders` that its caller may see, a
view `all_orders` of the whole table, and so for each table; a planted statement reads that one instead.
"""

from __future__ import annotations

import copy
import re
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from gateway.store import readers
from gateway.store.queries import Query
from gateway.store.readers import CallerConnection, Readers
from gateway.store.tables import metadata

Plant = Callable[[pytest.MonkeyPatch], None]

LEAKS: list[Plant] = []

KEPT: dict[Any, Any] = {}
"""What planted caches keep; a scenario begins without."""


def forget() -> None:
    """Empty all planted caches."""
    KEPT.clear()


def planted(plant: Plant) -> Plant:
    """Note a leak."""
    LEAKS.append(plant)
    return plant


class Unguarded(CallerConnection):
    """A caller's connection with a view of each whole table besides."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.set_authorizer(None)
        for table in metadata.sorted_tables:
            self._show(f"all_{table.name}", f"SELECT * FROM main.{table.name}")
        self.set_authorizer(readers._authorize)


def reach_past(
    patch: pytest.MonkeyPatch, module: Any, maker: str, *tables: str, add: tuple[str, str] = ("", "")
) -> None:
    """Make the statements of a function read whole tables; `add` replaces one text in them by another."""
    patch.setattr(readers, "CallerConnection", Unguarded)
    original = getattr(module, maker)

    def past(*arguments: Any) -> Query:
        found = copy.copy(original(*arguments))
        for table in tables:
            found.sql = re.sub(rf"\b{table}\b", f"all_{table}", found.sql)
        found.sql = found.sql.replace(*add)
        return found

    patch.setattr(module, maker, past)


def whole(readers: Readers, statement: str) -> list[Any]:
    """What a statement finds in the whole database."""
    with sqlite3.connect(readers._path) as connection:
        found = connection.execute(statement).fetchall()
    connection.close()
    return found
