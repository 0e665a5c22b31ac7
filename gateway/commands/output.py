"""What a command prints: a table for people, JSON for machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
"""The option of every command that prints."""


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """Rows as a table of these columns, or as a JSON array of objects with all that is known."""
    if as_json:
        print(_json(list(rows)))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for each in columns:
        # What is cut off with dots cannot be copied into the next command.
        table.add_column(each, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row[column])) for column in columns))
    Console().print(table)


def print_one(row: Mapping[str, Any], as_json: bool) -> None:
    """One thing with all its members, each on a line, or as a JSON object."""
    if as_json:
        print(_json(row))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in row.items():
        table.add_row(name, Text(_cell(value)))
    Console().print(table)


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        value = " ".join(value)
    return "-" if value in (None, "") else str(value)
