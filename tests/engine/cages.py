"""Cages: the batch functions behind the zoo's cages, and behind the animals that live in them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from gateway.engine.selection import Asked
from gateway.errors import FieldError
from tests.engine.pools import Escaped, Keys, lot, pick, picks, record

MARKS = {"label": "text", "weight": "weight", "key": "id", "mood": "mood", "odd": "odd", "wholes": "list"}
ALL = frozenset({"number", *MARKS})


def cage_row(number: int, asked: Asked) -> Any:
    """A cage with the attributes that are asked for, and no others."""
    number %= 97
    values = {"number": number} | picks(number, MARKS, bad=30)
    names = asked.get("Cage", frozenset())
    return record(number, {name: values[name] for name in values if name in names})


async def neighbour(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Another cage, or none, or an error in its place."""
    await asyncio.sleep(0)
    found: list[Any] = []
    for cage in cages:
        odd = Escaped("the wall is down") if cage.number % 7 == 1 else None
        found.append(cage_row(cage.number * 3 + 1, keys.asked) if cage.number % 7 > 1 else odd)
    return found


def twin(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """A cage that must be there and sometimes is not."""
    return [
        None if cage.number % 9 == 8 else cage_row(cage.number * 5 + 2, keys.asked | {"Cage": ALL})
        for cage in cages
    ]


async def neighbours(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Cages, with holes."""
    await asyncio.sleep(0)
    return [
        [None if n % 6 == 4 else cage_row(n, keys.asked) for n in range(cage.number, cage.number + 3)]
        for cage in cages
    ]


async def row(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Cages of which none may be missing."""
    return [
        [cage_row(cage.number + 7, keys.asked), None if cage.number % 16 == 9 else cage_row(3, keys.asked)]
        for cage in cages
    ]


async def floors(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Cages above each other: a list of lists."""
    return [
        [[cage_row(cage.number + 1, keys.asked)], None, [], [cage_row(n, keys.asked) for n in (1, 2)]]
        for cage in cages
    ]


KINDS = ("Lion", "Parrot", "Fish")


def beast(number: int, keys: Keys, bad: int = 0) -> Any:
    """An animal as a row; `kind` says which, and is none that there is in `bad` per cent."""
    number %= 97
    kind: Any = KINDS[number % 3]
    drawn = lot(f"kind {number}")
    if drawn % 100 < bad:
        # An unknown type, types that are no animals, and what is no name at all.
        kind = ("Unicorn", "Keeper", "Animal", "Mood", None, 5, Escaped("ran away"))[drawn // 100 % 7]
    values = {
        "id": str(number),
        "name": pick("text", number, bad=10),
        "mood": pick("mood", number, bad=10),
        "roar": pick("text_1", number, bad=10),
        "words": pick("list_4", number, bad=20),
        "depth": pick("ratio", number, bad=10),
    }
    asked = keys.asked.get(kind, frozenset()) if isinstance(kind, str) else frozenset()
    return record(number, {"kind": kind} | {name: values[name] for name in values if name in asked})


async def animal(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Who lives here."""
    await asyncio.sleep(0)
    return [None if cage.number % 10 == 7 else beast(cage.number, keys, bad=25) for cage in cages]


async def animals(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """All who live here: of one kind, of several, or nobody."""
    return [
        [beast(cage.number + (1 + cage.number % 3) * n, keys, bad=6) for n in range(cage.number % 4)]
        for cage in cages
    ]


def herds(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Animals in groups."""
    return [
        [[beast(cage.number, keys, bad=10), None], [], [beast(n, keys) for n in (1, 2, 5)]] for cage in cages
    ]


async def failures(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Never works."""
    await asyncio.sleep(0)
    raise Escaped("the keeper is ill")


def refused(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Never works, and says so to the caller."""
    raise FieldError("Come back tomorrow.", "CLOSED", until="tomorrow")


async def uneven(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """One value too many."""
    return [cage.number for cage in cages] + [0]


def nothing(cages: Sequence[Any], keys: Keys) -> Any:
    """No list of values at all."""
    return None


def legs(beasts: Sequence[Any], keys: Keys) -> list[Any]:
    """How many legs; errors in some places."""
    return [pick("whole", int(each.id), bad=15) for each in beasts]


async def lairs(beasts: Sequence[Any], keys: Keys) -> list[Any]:
    """The cage that an animal lives in."""
    await asyncio.sleep(0)
    return [cage_row(int(each.id), keys.asked) for each in beasts]
