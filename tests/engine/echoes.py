"""Echoes: fields that answer with their arguments, of every kind that an argument can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import strawberry

from gateway.engine.weights import cost
from tests.engine.pools import Keys, Mood, Weight


@strawberry.input
class Place:
    """An argument with fields of its own."""

    number: int
    mood: Mood = Mood.CALM
    tags: list[str] | None = strawberry.field(default=strawberry.UNSET, directives=[cost(3)])
    next: Place | None = None


def echo(
    parents: Sequence[Any],
    keys: Keys,
    *,
    number: int | None = None,
    size: Annotated[int, strawberry.argument(directives=[cost(-1)])] = 3,
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
