"""Datasets: what a connector declares so that its partner's records can be pulled in and kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, Table

Cursor = Mapping[str, Any]
"""Where a pull stands, as JSON; empty before the first. Only the connector reads it."""

Rows = Mapping[Table, Sequence[Mapping[str, Any]]]
"""What one record becomes: rows by table. A row's key says which row it replaces."""


class Batch(NamedTuple):
    """Some records as the partner sent them, where to go on after them, and how many are expected in all.

    `confirm` is awaited once they are on the disk, where the partner wants to know that; it may send them again.
    """

    records: Sequence[Any]
    cursor: Cursor
    expected: int | None = None
    confirm: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """One kind of record of a partner.

    `pull(upstream, cursor)` yields batches, from the cursor on; it may repeat what was seen (an overlap) and ends when
    there is nothing more. `read(record)` makes rows of one record and raises `Unreadable` where it cannot. `covers`
    names the datasets of the agreements that it fills, each with the scope its rows are read under. `children` names
    tables whose rows go with a parent's: all rows of that parent are replaced together; the value is the column that
    names the parent. `identity` is where a record says which it is, as names within names: what was put aside of the
    same is forgotten when it comes again.

    A partner that lists nothing by itself, as a carrier, is asked about what others brought: `about` selects that in
    the shared base, `pull(upstream, cursor, about)` gets its rows too, and comes after the pulls of all other datasets.
    """

    name: str
    pull: Callable[..., AsyncIterator[Batch]]
    read: Callable[[Any], Rows]
    covers: Mapping[str, str]
    children: Mapping[Table, str] | None = None
    about: Select[Any] | None = None
    identity: tuple[str, ...] = ()
