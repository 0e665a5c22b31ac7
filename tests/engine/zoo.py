"""The zoo: a schema whose data goes wrong in every way that data can.

All values follow from the number of the cage they are in, so that two executors see the same ones whoever asks first.
A value is drawn from a pool of good and bad ones; a batch function that fails as a whole does so always.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from math import inf, nan
from typing import Any, NewType

import strawberry

from gateway.engine.batch import batch
from gateway.engine.selection import Asked
from gateway.errors import FieldError
from gateway.store.queries import row_type
from tests.engine.stage import Built, build


@dataclass(slots=True)
class Keys:
    """What a batch function gets: what is asked below it, and a log of what was done."""

    asked: Asked
    log: list[Any] = field(default_factory=list)


class Fresh:
    """Stands in a pool for a value that can be used only once, such as a generator."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


class Escaped(Exception):
    """An animal that is not where it should be."""


class Mood(Enum):
    CALM = "calm"
    WILD = "wild"
    HUNGRY = 3


def _grams(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"Weight cannot represent {value!r}")
    return value


_grams.passes = int  # type: ignore[attr-defined]


def _odd(value: Any) -> Any:
    return value if value else None


strawberry.enum(Mood)
Weight = NewType("Weight", int)
Odd = NewType("Odd", str)

SCALARS: dict[object, Any] = {
    Weight: strawberry.scalar(name="Weight", serialize=_grams, parse_value=_grams),
    Odd: strawberry.scalar(name="Odd", serialize=_odd, parse_value=str),
}


def _broken() -> Iterator[int]:
    yield 1
    raise Escaped("the list broke off")


WHOLES: Sequence[Any] = [0, 7, -3, 2**31 - 1, 8, 9, 4.0, "12", True]
RATIOS: Sequence[Any] = [0.5, -1.5, 2.25, 3, "2.5", Decimal("0.125"), False]
TEXTS: Sequence[Any] = ["", "Ünï ⚡", "x", "y", 'quo"te', 5, 1.5, True]
FLAGS: Sequence[Any] = [True, False, True, 0, 1, 1.0]
IDS: Sequence[Any] = ["a", "7", "b", 1, 3]
MOODS: Sequence[Any] = [Mood.CALM, "calm", "wild", Mood.HUNGRY, 3]
WEIGHTS: Sequence[Any] = [1, 2, 2**60, -5]
DAYS: Sequence[Any] = [date(2017, 3, 1), date(1999, 12, 31)]
ODDS: Sequence[Any] = ["odd", "even"]
LISTS: Sequence[Any] = [
    [1, 2, 3],
    [],
    [4, 5],
    (7,),
    {9},
    Fresh(lambda: (each for each in (1, 2))),
    Fresh(lambda: {"k": 5}.values()),
]
GRIDS: Sequence[Any] = [[[1, 2], [3]], [[], [4]], [], ((5,),), [[6]]]

BAD: Mapping[str, Sequence[Any]] = {
    "whole": [2**31, -(2**31) - 1, 1.5, "many", [], nan],
    "ratio": [inf, nan, "x", {}],
    "text": [[], {}, None, inf],
    "flag": ["yes", nan, []],
    "id": [True, [], 1.5],
    "mood": ["nobody", 5, [], {"a": 1}],
    "weight": [1.5, "2", True],
    "day": ["2017", 3],
    "odd": ["", 0],
    "list": [
        "text",
        b"text",
        5,
        {"a": 1},
        [1, "x", None],
        [None],
        [1, Escaped("in a list")],
        [[2]],
        Fresh(_broken),
    ],
    "grid": [[[1, None], None], [None, [1]], [["x"], [2]], [3], "text", [[Escaped("deep")]], {"a": [1]}],
}
GOOD: Mapping[str, Sequence[Any]] = {
    "whole": WHOLES,
    "ratio": RATIOS,
    "text": TEXTS,
    "flag": FLAGS,
    "id": IDS,
    "mood": MOODS,
    "weight": WEIGHTS,
    "day": DAYS,
    "odd": ODDS,
    "list": LISTS,
    "grid": GRIDS,
}


def _lot(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "big")


def pick(kind: str, number: int, *, bad: int) -> Any:
    """The value of a kind in a cage; `bad` per cent are none that the schema allows everywhere."""
    lot = _lot(f"{kind} {number}")
    if lot % 100 < bad:
        pool: Sequence[Any] = [*BAD[kind.rstrip("_0123456789")], None, Escaped(f"no {kind} in {number}")]
    else:
        pool = GOOD[kind.rstrip("_0123456789")]
    found = pool[lot // 100 % len(pool)]
    return found.make() if isinstance(found, Fresh) else found


class Record:
    """An object whose attributes are values; one that is an exception is raised when it is read."""

    def __init__(self, **values: Any) -> None:
        self._values = values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._values:
            raise AttributeError(f"this record has no {name}")
        if isinstance(self._values[name], Escaped):
            raise self._values[name]
        return self._values[name]


def record(number: int, values: Mapping[str, Any]) -> Any:
    """Values as what batch functions return: rows mostly, of which those of one level are of one or several types."""
    if number % 5 == 0:
        return Record(**values)
    return row_type(tuple(values))(*values.values())


def cage_row(number: int, asked: Asked) -> Any:
    """A cage with the attributes that are asked for, and no others."""
    number %= 97
    values = {"number": number} | _values(number, MARKS, 30)
    names = asked.get("Cage", frozenset())
    return record(number, {name: values[name] for name in values if name in names})


def _values(number: int, names: Mapping[str, str], bad: int) -> dict[str, Any]:
    return {name: pick(kind, number, bad=bad) for name, kind in names.items()}


MARKS = {"label": "text", "weight": "weight", "key": "id", "mood": "mood", "odd": "odd", "wholes": "list"}
LEAVES = {name: name for name in ("whole", "ratio", "text", "flag", "mood", "weight", "day", "odd")} | {
    "key": "id"
}
COLLECTIONS = {
    "wholes": "list",
    "firm_wholes": "list_1",
    "must_wholes": "list_2",
    "firm_must": "list_3",
    "grid": "grid",
    "firm_grid": "grid_1",
    "mixed_grid": "grid_2",
}


async def leaves(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Every kind of leaf, nullable; rows with only the columns that are asked for."""
    await asyncio.sleep(0)
    asked = keys.asked.get("Leaves", frozenset())
    return [
        None
        if cage.number % 11 == 3
        else record(
            cage.number + 1, {k: v for k, v in _values(cage.number, LEAVES, 25).items() if k in asked}
        )
        for cage in cages
    ]


def firm_leaves(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Every kind of leaf, none of which may be null."""
    return [record(cage.number, _values(cage.number + 100, LEAVES, 8)) for cage in cages]


async def must_leaves(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Leaves that must be there and sometimes are not."""
    return [
        Escaped("nothing grows here") if cage.number % 13 == 5 else found
        for cage, found in zip(cages, firm_leaves(cages, keys), strict=True)
    ]


def collections(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Lists, lists of lists, and what is none."""
    return [record(cage.number, _values(cage.number, COLLECTIONS, 25)) for cage in cages]


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
        None if cage.number % 9 == 8 else cage_row(cage.number * 5 + 2, keys.asked | {"Cage": _ALL})
        for cage in cages
    ]


_ALL = frozenset({"number", *MARKS})


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
    lot = _lot(f"kind {number}")
    if lot % 100 < bad:
        # An unknown type, types that are no animals, and what is no name at all.
        kind = ("Unicorn", "Keeper", "Animal", "Mood", None, 5, Escaped("ran away"))[lot // 100 % 7]
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


def creature(number: int) -> Any:
    """A being as an instance of its Strawberry type, or what is none."""
    number %= 97
    if number % 8 == 7:
        return Record(id=str(number), name="stray")
    if number % 2:
        return Keeper(id=strawberry.ID(str(number)), name=f"keeper {number}")
    return Lion(id=strawberry.ID(str(number)), name="leo", mood=Mood.CALM, roar=None)


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


async def being(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Who is in there now."""
    return [None if cage.number % 6 == 2 else creature(cage.number) for cage in cages]


def beings(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """All who are in there now."""
    return [[creature(cage.number), creature(cage.number + 2)] for cage in cages]


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


async def charges(keepers: Sequence[Any], keys: Keys) -> list[Any]:
    """The animals that a keeper looks after."""
    return [[beast(int(each.id) + n, keys, bad=5) for n in (0, 1)] for each in keepers]


@strawberry.input
class Place:
    """An argument with fields of its own."""

    number: int
    mood: Mood = Mood.CALM
    tags: list[str] | None = strawberry.UNSET
    next: Place | None = None


def echo(
    parents: Sequence[Any],
    keys: Keys,
    *,
    number: int | None = None,
    size: int = 3,
    must: bool = True,
    mood: Mood | None = None,
    moods: list[Mood] | None = None,
    words: list[list[str]] | None = None,
    ratio: float = 0.5,
    key: strawberry.ID | None = None,
    place: Place | None = None,
    weight: Weight | None = None,
) -> list[str]:
    """The arguments, as the batch function gets them."""
    given = [number, size, must, mood, moods, words, ratio, key, place, weight]
    return [repr(given) for _ in parents]


async def echo_later(parents: Sequence[Any], keys: Keys, *, number: int, text: str = "x") -> list[str]:
    """The arguments; one of them is required."""
    return [repr([number, text]) for _ in parents]


@strawberry.type
class Leaves:
    whole: int | None
    ratio: float | None
    text: str | None
    flag: bool | None
    key: strawberry.ID | None
    mood: Mood | None
    weight: Weight | None
    day: date | None
    odd: Odd | None


@strawberry.type
class Firm:
    whole: int
    ratio: float
    text: str
    flag: bool
    key: strawberry.ID
    mood: Mood
    weight: Weight
    day: date
    odd: Odd


@strawberry.type
class Collections:
    wholes: list[int | None] | None
    firm_wholes: list[int] | None
    must_wholes: list[int | None]
    firm_must: list[int]
    grid: list[list[int | None] | None] | None
    firm_grid: list[list[int]]
    mixed_grid: list[list[int]] | None


@strawberry.interface
class Being:
    id: strawberry.ID
    name: str | None


@strawberry.interface
class Animal(Being):
    mood: Mood
    legs: int | None = batch(legs, needs=["id"])
    lair: Cage | None = batch(lairs, needs=["id"])

    @staticmethod
    def type_names(values: Sequence[Any]) -> list[Any]:
        """A row says what it is; an instance is what its class says."""
        return [
            type(value).__strawberry_definition__.name
            if hasattr(type(value), "__strawberry_definition__")
            else value.kind
            for value in values
        ]


@strawberry.type
class Lion(Animal):
    roar: str | None
    home: Cage = batch(lairs, needs=["id"])


@strawberry.type
class Parrot(Animal):
    words: list[str]


@strawberry.type
class Fish(Animal):
    depth: float


@strawberry.type
class Keeper(Being):
    charges: list[Animal] = batch(charges, needs=["id"])


@strawberry.type
class Cage:
    number: int
    label: str | None
    weight: Weight | None
    key: strawberry.ID | None
    mood: Mood | None
    odd: Odd | None
    wholes: list[int | None] | None
    leaves: Leaves | None = batch(leaves, needs=["number"])
    firm: Firm | None = batch(firm_leaves, needs=["number"])
    must: Firm = batch(must_leaves, needs=["number"])
    collections: Collections | None = batch(collections, needs=["number"])
    neighbour: Cage | None = batch(neighbour, needs=["number"])
    twin: Cage = batch(twin, needs=["number"])
    neighbours: list[Cage | None] | None = batch(neighbours, needs=["number"])
    row: list[Cage] = batch(row, needs=["number"])
    floors: list[list[Cage] | None] | None = batch(floors, needs=["number"])
    animal: Animal | None = batch(animal, needs=["number"])
    animals: list[Animal] | None = batch(animals, needs=["number"])
    herds: list[list[Animal | None]] = batch(herds, needs=["number"])
    being: Being | None = batch(being, needs=["number"])
    beings: list[Being | None] = batch(beings, needs=["number"])
    broken: str | None = batch(failures)
    broken_must: int = batch(failures)
    refused: Cage | None = batch(refused)
    uneven: int | None = batch(uneven, needs=["number"])
    nothing: list[int] | None = batch(nothing)
    echo: str = batch(echo)
    echo_later: str | None = batch(echo_later)


async def cage(roots: Sequence[None], keys: Keys, *, number: int = 1) -> list[Any]:
    """One cage."""
    return [cage_row(number, keys.asked) for _ in roots]


async def cages(roots: Sequence[None], keys: Keys, *, first: int = 3) -> list[Any]:
    """The first cages."""
    return [[cage_row(number, keys.asked) for number in range(max(0, min(first, 6)))] for _ in roots]


async def zoo_animals(roots: Sequence[None], keys: Keys) -> list[Any]:
    """Some animals."""
    return [[beast(number, keys) for number in (0, 1, 2, 3)] for _ in roots]


async def zoo_beings(roots: Sequence[None], keys: Keys) -> list[Any]:
    """Some beings."""
    return [[creature(number) for number in (0, 1, 7)] for _ in roots]


async def keeper(roots: Sequence[None], keys: Keys) -> list[Any]:
    """The head keeper."""
    return [creature(1) for _ in roots]


@strawberry.type
class Query:
    cage: Cage | None = batch(cage)
    cages: list[Cage | None] = batch(cages)
    animals: list[Animal] | None = batch(zoo_animals)
    beings: list[Being | None] | None = batch(zoo_beings)
    keeper: Keeper = batch(keeper)
    echo: str | None = batch(echo)
    broken: str | None = batch(failures)


async def feedings(roots: Sequence[None], keys: Keys, *, number: int) -> list[Any]:
    """Feed a cage; who comes first is served first."""
    for _ in range(3 - number % 3):
        await asyncio.sleep(0)
    keys.log.append(number)
    return [Escaped("it bites") if number % 4 == 3 else len(keys.log) for _ in roots]


def clean(roots: Sequence[None], keys: Keys, *, number: int = 1) -> list[Any]:
    """Clean a cage, at once."""
    keys.log.append(-number)
    return [cage_row(number, {"Cage": _ALL}) for _ in roots]


@strawberry.type
class Mutation:
    feed: int | None = batch(feedings)
    feed_or_fail: int = batch(feedings)
    clean: Cage | None = batch(clean)


def make_zoo() -> Built:
    """A new schema of the zoo, and how its arguments are converted."""
    return build(Query, Mutation, (Lion, Parrot, Fish, Keeper), scalar_map=SCALARS)
