"""Sheets: the drop's CSV files, read strictly, so that a cut or shifted row cannot pass."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from gateway.connector import Unreadable

_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,2})?")
_SHAREHOLDER = re.compile(r"[A-Z][A-Z0-9_]{1,30}")


def shareholder(text: str) -> str:
    """The name of a shareholder, in capitals."""
    if not _SHAREHOLDER.fullmatch(text):
        raise ValueError
    return text


def amount(text: str) -> int:
    """A decimal of at most two places, as minor units or hundredths."""
    if not _AMOUNT.fullmatch(text):
        raise ValueError
    return int(Decimal(text).scaleb(2))


def day(text: str) -> str:
    """A date, as ISO 8601 writes it."""
    return date.fromisoformat(text).isoformat()


Columns = Mapping[str, Callable[[str], Any]]
"""A sheet's columns, in order, each with what reads its cells."""


def read_sheet(name: str, text: str, columns: Columns, rows: int) -> list[dict[str, Any]]:
    """The rows of a sheet. Raises `Unreadable` unless header, cells and count of rows are as they should."""
    try:
        lines = list(csv.reader(text.splitlines(), strict=True))
    except csv.Error:
        raise Unreadable(f"{name} is not CSV") from None
    if not lines or lines[0] != list(columns):
        raise Unreadable(f"{name} has not the columns {', '.join(columns)}")
    if len(lines) - 1 != rows:
        raise Unreadable(f"{name} has not the number of rows that the manifest says")
    return [_read_row(name, number, line, columns) for number, line in enumerate(lines[1:], 1)]


def _read_row(name: str, number: int, line: Sequence[str], columns: Columns) -> dict[str, Any]:
    if len(line) != len(columns):
        raise Unreadable(f"row {number} of {name} has not {len(columns)} cells")
    row = {}
    for cell, (column, read) in zip(line, columns.items(), strict=True):
        try:
            row[column] = read(cell)
        except ValueError:
            raise Unreadable(f"{column} in row {number} of {name} cannot be read") from None
    return row
