"""Pools: the values that the zoo shows, good ones and bad ones of every kind, drawn by lot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from math import inf, nan
from typing import Any, NewType

import strawberry

from gateway.engine.selection import Asked
from gateway.engine.weights import cost
from gateway.store.queries import row_type


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


strawberry.enum(Mood, directives=[cost(1)])
Weight = NewType("Weight", int)
Odd = NewType("Odd", str)

SCALARS: dict[object, Any] = {
    Weight: strawberry.scalar(name="Weight", serialize=_grams, parse_value=_grams, directives=[cost(2)]),
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


def lot(name: str) -> int:
    """A number that follows from a name."""
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "big")


def pick(kind: str, number: int, *, bad: int) -> Any:
    """The value of a kind in a cage; `bad` per cent are none that the schema allows everywhere."""
    drawn = lot(f"{kind} {number}")
    if drawn % 100 < bad:
        pool: Sequence[Any] = [*BAD[kind.rstrip("_0123456789")], None, Escaped(f"no {kind} in {number}")]
    else:
        pool = GOOD[kind.rstrip("_0123456789")]
    found = pool[drawn // 100 % len(pool)]
    return found.make() if isinstance(found, Fresh) else found


def picks(number: int, kinds: Mapping[str, str], *, bad: int) -> dict[str, Any]:
    """The values of a cage by their names, of these kinds."""
    return {name: pick(kind, number, bad=bad) for name, kind in kinds.items()}


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
