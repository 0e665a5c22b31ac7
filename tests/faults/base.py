"""A base of its own for each pull: what came in, what was put aside, and how the pull ended."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gateway.connector import PartnerError, Upstream
from gateway.demo.world import Member, Purchase
from gateway.store.database import migrate, writer
from gateway.sync.pull import pull
from tests.faults.street import Street
from tests.partners import FOLDERS, small_purchases
from tests.venture import OUT_OF_LIFE, timeless

Rows = dict[str, list[tuple[Any, ...]]]

SOON, LATE = 0.3, 10.0
"""Seconds that one try may take: where the partner keeps silent, and where it does not and the machine is busy."""

LARGEST = 2**20
"""Bytes that an answer may have."""


class FewPurchases:
    """The first purchases of the small world: a list of several pages at each partner, and no more."""

    def __init__(self, most: int = 75) -> None:
        self._world = small_purchases()
        self._most = most
        self.last = self._world.last

    def members(self, party: str) -> list[Member]:
        """Who bought anything."""
        buyers = {purchase.account for purchase in self.purchases(party)}
        return [member for member in self._world.members(party) if member.account in buyers]

    def purchases(self, party: str) -> Iterator[Purchase]:
        """Oldest first."""
        return (
            purchase for _, purchase in zip(range(self._most), self._world.purchases(party), strict=False)
        )


@cache
def empty() -> bytes:
    """A database as the migrations make it."""
    with TemporaryDirectory() as folder:
        migrate(Path(folder) / "gateway.db")
        return (Path(folder) / "gateway.db").read_bytes()


@dataclass
class Base:
    """A database in a folder, and the pulls into it."""

    folder: Path

    def __post_init__(self) -> None:
        if not self.file.exists():
            self.file.write_bytes(empty())

    @property
    def file(self) -> Path:
        """The database."""
        return self.folder / "gateway.db"

    async def pull(
        self, street: Street, partner: str, *names: str, deadline: float = LATE
    ) -> list[PartnerError]:
        """Pull what is new of a partner's datasets, or of those named; how those ended that failed."""
        connector = FOLDERS[partner]
        terms = replace(connector.terms, deadline=deadline, largest=LARGEST)
        engine = writer(self.file)
        ended: list[PartnerError] = []
        try:
            async with Upstream(partner, street.settings(partner), terms) as upstream:
                for dataset in connector.datasets:
                    if not names or dataset.name in names:
                        try:
                            await pull(engine, upstream, partner, dataset)
                        except PartnerError as error:
                            ended.append(error)
        finally:
            await engine.dispose()
        return ended

    def rows(self) -> Rows:
        """All rows, but for when something was done."""
        with closing(sqlite3.connect(self.file)) as found:
            names = [name for (name,) in found.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            return {
                name: sorted(map(timeless, found.execute(f"SELECT * FROM {name}")), key=repr)
                for name in names
                if name not in OUT_OF_LIFE and name != "sqlite_sequence"
            }

    def letters(self) -> list[str]:
        """Why records were put aside."""
        with closing(sqlite3.connect(self.file)) as found:
            return [reason for (reason,) in found.execute("SELECT reason FROM dead_letters")]
