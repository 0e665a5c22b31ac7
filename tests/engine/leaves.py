"""Leaves: what in a cage has no fields below it, by itself and in lists; where it may be null and where not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any

import strawberry

from tests.engine.pools import Escaped, Keys, Mood, Odd, Weight, picks, record

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
            cage.number + 1, {k: v for k, v in picks(cage.number, LEAVES, bad=25).items() if k in asked}
        )
        for cage in cages
    ]


def firm_leaves(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Every kind of leaf, none of which may be null."""
    return [record(cage.number, picks(cage.number + 100, LEAVES, bad=8)) for cage in cages]


async def must_leaves(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Leaves that must be there and sometimes are not."""
    return [
        Escaped("nothing grows here") if cage.number % 13 == 5 else found
        for cage, found in zip(cages, firm_leaves(cages, keys), strict=True)
    ]


def collections(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Lists, lists of lists, and what is none."""
    return [record(cage.number, picks(cage.number, COLLECTIONS, bad=25)) for cage in cages]


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
