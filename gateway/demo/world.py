"""World: what the demo's partners have in their books, and the truth about it.

The purchases are real, the people made up: one for each household, who is a member at every party where the
household bought something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from gateway.demo.lots import lot
from gateway.demo.members import Member, Style, members
from gateway.demo.people import Person, people
from gateway.demo.purchases import (
    Goods,
    Line,
    Purchase,
    of_households,
    purchases,
    read_goods,
    read_lines,
    split,
)
from gateway.demo.spellings import as_typed, cyrillic, international, latin, lower_case, national

__all__ = ["SHARES", "Line", "Member", "Progress", "Purchase", "World"]

SHARES: Mapping[str, Style] = {
    "ALIBABA": Style(75, 0.05, latin, lower_case, international),
    "MAILRU": Style(25, 0.5, cyrillic, as_typed, national),
}
"""The parties that sell, by their monthly audiences (17.7 and 6 million). An account at AliExpress is opened with an
e-mail address, so hardly one is without."""

Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is in all."""

_STEP = 1_000


@dataclass(frozen=True, slots=True)
class Side:
    """One party's part of the world: its lines in columns, its members, the account of each person."""

    lines: pa.Table
    members: list[Member]
    accounts: Mapping[int, str]


class World:
    """Members and purchases by party. Only `truth` knows which accounts are one person."""

    def __init__(self, sides: Mapping[str, Side], goods: Goods, on_progress: Progress | None = None) -> None:
        self._sides = sides
        self._goods = goods
        self._on_progress = on_progress
        newest = max(pc.max(side.lines["second"]).as_py() or 0 for side in sides.values())
        self.last = datetime.fromtimestamp(newest, UTC)

    @classmethod
    def complete_journey(cls, households: int | None = None, on_progress: Progress | None = None) -> World:
        """The year 2017 of all 2,469 households, or of some of them, always the same.

        `on_progress` is called while purchases are handed out, afresh for each iteration. Raises
        ModuleNotFoundError where the data's package is not installed.
        """
        goods, measured = read_goods()
        lines = read_lines(measured)
        everyone = people(sorted(pc.unique(lines["household"]).to_pylist()))
        chosen = sorted(everyone, key=lambda number: lot("household", number))[:households]
        parts = split(lines, {party: style.share for party, style in SHARES.items()})
        sides = {party: _side(party, of_households(part, chosen), everyone) for party, part in parts.items()}
        return cls(sides, goods, on_progress)

    def members(self, party: str) -> list[Member]:
        """The party's members, in the order of their first purchase."""
        return self._sides[party].members

    def count(self, party: str) -> int:
        """How many purchases the party has."""
        return int(pc.count_distinct(self._sides[party].lines["basket"]).as_py())

    def purchases(self, party: str) -> Iterator[Purchase]:
        """The party's purchases, oldest first."""
        side = self._sides[party]
        found = purchases(side.lines, self._goods, side.accounts)
        return found if self._on_progress is None else _counted(found, self.count(party), self._on_progress)

    def truth(self) -> dict[str, int]:
        """The person behind each `<party>:<account>`. For measuring only: no partner knows it."""
        return {
            f"{party}:{account}": person
            for party, side in self._sides.items()
            for person, account in side.accounts.items()
        }


def _side(party: str, lines: pa.Table, everyone: Mapping[int, Person]) -> Side:
    first = lines.group_by("household", use_threads=False).aggregate([("second", "min")])
    numbers = first["household"].to_pylist()
    moments = [datetime.fromtimestamp(second, UTC) for second in first["second_min"].to_pylist()]
    known = [(everyone[number], moment) for number, moment in zip(numbers, moments, strict=True)]
    found = members(party, SHARES[party], known, list(everyone.values()))
    accounts = {number: member.account for number, member in zip(numbers, found, strict=True)}
    return Side(lines, found, accounts)


def _counted(found: Iterator[Purchase], total: int, on_progress: Progress) -> Iterator[Purchase]:
    done = 0
    for done, purchase in enumerate(found, 1):
        yield purchase
        if done % _STEP == 0:
            on_progress(done, total)
    on_progress(done, total)
