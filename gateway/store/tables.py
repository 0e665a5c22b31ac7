"""Tables: one metadata for all, and beside each table the rule that says which of its rows a caller gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, MetaData, Table, TableClause, Text, column
from sqlalchemy import table as plain_table
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


@dataclass(frozen=True, slots=True)
class RowRule:
    """Which rows of a table a caller sees: in SQL that is true for them, `this` being the row, and in words.

    Unqualified tables in the SQL are themselves held back by their rules; `main.x` is the whole table. What decides are
    rights to `dataset` (of `owner`, where all rows are one party's) and, where the rule asks consent, the client; or
    else the rows of the table `parent`.
    """

    sql: str
    words: str
    dataset: str | None = None
    owner: str | None = None
    asks_consent: bool = False
    parent: str | None = None


NOBODY = RowRule("0", "No row is for callers.")
"""The row rule of a table that callers never read."""


Dated = tuple[str, tuple[str, ...]]
"""A column with a moment, and the columns whose values are of that moment."""


def table(name: str, *columns: Any, rows: RowRule = NOBODY, dated: Dated = ("", ()), **options: Any) -> Table:
    """A table with its row rule; the default shows nobody anything.

    Of two values of `dated` columns that later one counts which is of the later moment, whichever comes last.
    """
    keys = [column for column in columns if isinstance(column, Column) and column.primary_key]
    # A natural compound key is how the rows are looked up, so SQLite stores them by it.
    options.setdefault("sqlite_with_rowid", len(keys) < 2)
    return Table(name, metadata, *columns, info={"rows": rows, "dated": dated}, **options)


class Excerpt(NamedTuple):
    """Some columns of a table under another name, with a row rule of their own."""

    source: Table
    columns: Sequence[str]
    rows: RowRule


excerpts: dict[str, Excerpt] = {}
"""By their names. They are no tables: only on callers' connections are they there."""


def excerpt(name: str, source: Table, columns: Sequence[str], rows: RowRule) -> TableClause:
    """What of a table is read for another end than the table itself, and so under another rule."""
    excerpts[name] = Excerpt(source, columns, rows)
    return plain_table(name, *(column(each, source.c[each].type) for each in columns))


class Instant(TypeDecorator[str]):
    """A moment in UTC, kept as RFC 3339 text of whole seconds with `Z`, so that it sorts as time."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | datetime | None, dialect: Dialect) -> str | None:
        """Accept an aware datetime as well as the text."""
        return instant(value) if isinstance(value, datetime) else value


def instant(moment: datetime) -> str:
    """An aware datetime as the text an `Instant` column holds. Raises ValueError without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
