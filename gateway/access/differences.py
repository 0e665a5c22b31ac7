"""Differences of access: what may be asked for and read that was not before, and what no longer.

Compared are ways, not words: a field may be asked for by whoever holds one of the smallest sets of scopes that reach
it, through whatever types. So a new field widens access, a weaker lock does wherever it stands, and a lock that others
imply changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from gateway.access.agreements import Contract
from gateway.access.scopes import Alternatives

Ways = Mapping[str, Alternatives]
"""For each coordinate that somebody may ask for, the smallest sets of scopes with which one may."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is otherwise than before; `before` and `after` are None where there is nothing."""

    what: str
    words: str
    before: object = None
    after: object = None


@dataclass(slots=True)
class Differences:
    """What became wider, what became narrower, and what a person must look at to know."""

    widenings: list[Change] = field(default_factory=list)
    narrowings: list[Change] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def wider(self) -> bool:
        """Whether anybody may get at more than before, or it cannot be told that nobody may."""
        return bool(self.widenings or self.changes)

    def add(self, other: Differences) -> None:
        """Put those of something else to these."""
        self.widenings += other.widenings
        self.narrowings += other.narrowings
        self.changes += other.changes


def schemas(old: Ways, new: Ways) -> Differences:
    """What may be asked for with which scopes."""
    found = Differences()
    for coordinate in sorted(old.keys() | new.keys()):
        before, after = old.get(coordinate, ()), new.get(coordinate, ())
        if _beyond(after, before):
            found.widenings.append(Change(coordinate, _widened(before, after), _plain(before), _plain(after)))
        if _beyond(before, after):
            found.narrowings.append(
                Change(coordinate, _narrowed(before, after), _plain(before), _plain(after))
            )
    return found


def parties(
    old: Ways, new: Ways, before: Mapping[str, frozenset[str]], after: Mapping[str, frozenset[str]]
) -> Differences:
    """What each party may ask for with all the scopes that its agreements give it."""
    found = Differences()
    for party in sorted(before.keys() | after.keys()):
        had, has = _open(old, before.get(party)), _open(new, after.get(party))
        found.widenings += [Change(party, f"may now ask for {each}") for each in _listed(has - had)]
        found.narrowings += [Change(party, f"may no longer ask for {each}") for each in _listed(had - has)]
    return found


def contracts(old: Contract, new: Contract) -> Differences:
    """What each party may read of another's data."""
    before, after = set(_rights(old)), set(_rights(new))
    return Differences(
        [Change(who, f"may now read {what}") for who, what in sorted(after - before)],
        [Change(who, f"may no longer read {what}") for who, what in sorted(before - after)],
    )


def rules(old: Mapping[str, str], new: Mapping[str, str], nobody: str) -> Differences:
    """The row rules, of which a person must say what becomes of them; `nobody` is the rule that shows nothing."""
    found = Differences()
    for table in sorted(old.keys() | new.keys()):
        before, after = old.get(table, nobody), new.get(table, nobody)
        if before == after:
            continue
        if before == nobody:
            found.widenings.append(Change(table, "callers may now see rows of it", before, after))
        elif after == nobody:
            found.narrowings.append(Change(table, "callers no longer see rows of it", before, after))
        else:
            found.changes.append(Change(table, "its row rule changed", before, after))
    return found


def grouped(changes: Iterable[Change]) -> Iterator[tuple[str, str]]:
    """What changed and how, in words; fields of one type with the same story together."""

    def story(change: Change) -> tuple[str, str]:
        return change.what.partition(".")[0], change.words

    for (kind, words), same in groupby(sorted(changes, key=story), story):
        names = [name for each in same if (name := each.what.partition(".")[2])]
        yield f"{kind}{_members(names)}", words


def _beyond(some: Alternatives, others: Alternatives) -> bool:
    """Whether some set of scopes suffices for the one and not for the other."""
    return any(not any(other <= one for other in others) for one in some)


def _open(ways: Ways, scopes: frozenset[str] | None) -> set[str]:
    """What may be asked for with these scopes; a party that is none, None, asks for nothing."""
    if scopes is None:
        return set()
    return {coordinate for coordinate, sets in ways.items() if any(one <= scopes for one in sets)}


def _rights(contract: Contract) -> Iterator[tuple[str, str]]:
    for party in contract.parties:
        yield party, "its own data"
        yield from ((party, f"{source}'s public data") for source in contract.sources)
    for each in contract.agreements:
        for dataset in each.datasets:
            for purpose in each.purposes:
                yield each.recipient, f"{each.owner}'s {dataset} for {purpose}"


def _widened(before: Alternatives, after: Alternatives) -> str:
    if not before:
        return f"new; {_holders(after)} may ask for it"
    return f"{_holders(after)} may ask for it; needed {_scopes(before)} before"


def _narrowed(before: Alternatives, after: Alternatives) -> str:
    if not after:
        return f"gone; {_holders(before)} might ask for it before"
    return f"needs {_scopes(after)}; {_holders(before)} might ask for it before"


def _holders(sets: Alternatives) -> str:
    return "anyone" if not all(sets) else f"anyone with {_scopes(sets)}"


def _scopes(sets: Alternatives) -> str:
    return ", or ".join(" and ".join(sorted(one)) for one in sets) or "no scope"


def _plain(sets: Alternatives) -> list[list[str]] | None:
    return [sorted(one) for one in sets] or None


def _listed(coordinates: set[str]) -> list[str]:
    """Coordinates, a type at a time."""
    by_type = groupby(sorted(coordinates), lambda each: each.partition(".")[0])
    return [f"{kind}{_members([each.partition('.')[2] for each in names])}" for kind, names in by_type]


def _members(names: list[str]) -> str:
    return f".{{{', '.join(names)}}}" if len(names) > 1 else "".join(f".{each}" for each in names)
