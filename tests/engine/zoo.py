"""The zoo: a schema whose data goes wrong in every way that data can.

All values follow from the number of the cage they are in, so that two executors see the same ones whoever asks first.
A value is drawn from a pool of good and bad ones; a batch function that fails as a whole does so always.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any

import strawberry

from gateway.engine.batch import batch, subscription
from gateway.engine.weights import cost, list_size
from tests.engine.cages import (
    ALL,
    animal,
    animals,
    beast,
    cage_row,
    failures,
    floors,
    herds,
    lairs,
    legs,
    neighbour,
    neighbours,
    nothing,
    refused,
    row,
    twin,
    uneven,
)
from tests.engine.echoes import echo, echo_later
from tests.engine.leaves import Collections, Firm, Leaves, collections, firm_leaves, leaves, must_leaves
from tests.engine.pools import SCALARS, Escaped, Keys, Mood, Odd, Record, Weight
from tests.engine.stage import Built, build


def creature(number: int) -> Any:
    """A being as an instance of its Strawberry type, or what is none."""
    number %= 97
    if number % 8 == 7:
        return Record(id=str(number), name="stray")
    if number % 2:
        return Keeper(id=strawberry.ID(str(number)), name=f"keeper {number}")
    return Lion(id=strawberry.ID(str(number)), name="leo", mood=Mood.CALM, roar=None)


async def being(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """Who is in there now."""
    return [None if cage.number % 6 == 2 else creature(cage.number) for cage in cages]


def beings(cages: Sequence[Any], keys: Keys) -> list[Any]:
    """All who are in there now."""
    return [[creature(cage.number), creature(cage.number + 2)] for cage in cages]


async def charges(keepers: Sequence[Any], keys: Keys) -> list[Any]:
    """The animals that a keeper looks after."""
    return [[beast(int(each.id) + n, keys, bad=5) for n in (0, 1)] for each in keepers]


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
        return [_kind(value) for value in values]


def _kind(value: Any) -> Any:
    definition = getattr(type(value), "__strawberry_definition__", None)
    try:
        return definition.name if definition is not None else value.kind
    except Escaped as escaped:
        return escaped


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


@strawberry.type(directives=[cost(4)])
class Keeper(Being):
    charges: list[Animal] = batch(charges, needs=["id"], list_size=2)


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
    neighbour: Cage | None = batch(neighbour, needs=["number"], cost=3)
    twin: Cage = batch(twin, needs=["number"])
    neighbours: list[Cage | None] | None = batch(neighbours, needs=["number"], list_size=3, cost=1)
    row: list[Cage] = batch(row, needs=["number"], list_size=2)
    floors: list[list[Cage] | None] | None = batch(floors, needs=["number"], list_size=4)
    animal: Animal | None = batch(animal, needs=["number"])
    animals: list[Animal] | None = batch(animals, needs=["number"], list_size=3)
    herds: list[list[Animal | None]] = batch(herds, needs=["number"], list_size=3)
    being: Being | None = batch(being, needs=["number"])
    beings: list[Being | None] = batch(beings, needs=["number"], list_size=2)
    broken: str | None = batch(failures)
    broken_must: int = batch(failures)
    refused: Cage | None = batch(refused)
    uneven: int | None = batch(uneven, needs=["number"])
    nothing: list[int] | None = batch(nothing)
    echo: str = batch(echo)
    echo_later: str | None = batch(echo_later)


async def cage(
    roots: Sequence[None],
    keys: Keys,
    *,
    number: Annotated[int, strawberry.argument(directives=[cost(2)])] = 1,
) -> list[Any]:
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
    cages: list[Cage | None] = batch(cages, list_size=list_size(6, slicing=["first"]))
    animals: list[Animal] | None = batch(zoo_animals, list_size=4)
    beings: list[Being | None] | None = batch(zoo_beings, list_size=3)
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
    return [cage_row(number, {"Cage": ALL}) for _ in roots]


@strawberry.type
class Mutation:
    feed: int | None = batch(feedings)
    feed_or_fail: int = batch(feedings)
    clean: Cage | None = batch(clean)


async def openings(keys: Keys, *, number: int = 1) -> AsyncGenerator[list[Any], None]:
    """Cages as they open, several at a time, with what is none among them."""
    for size in (number % 4, 0, 2):
        await asyncio.sleep(0)
        odd = [Escaped("it is stuck"), None, 5][: number % 3]
        yield [*(cage_row(number * 7 + n, keys.asked) for n in range(size)), *odd]
    if number % 5 == 3:
        raise Escaped("the watchman is asleep")


async def sightings(keys: Keys, *, first: int = 3) -> AsyncGenerator[list[Any], None]:
    """Animals as they are seen; in lists."""
    yield [[beast(number, keys, bad=10) for number in range(max(0, min(first, 6)))], None]
    yield [[creature(1)], [Escaped("it was a shadow")]]


async def roars(keys: Keys) -> AsyncGenerator[list[Any], None]:
    """How loud it was."""
    yield [1, "loud", None]
    yield [3]


@strawberry.type
class Subscription:
    opened: Cage | None = subscription(openings)
    opened_must: Cage = subscription(openings)
    seen: list[Animal] | None = subscription(sightings)
    roar: int | None = subscription(roars)


def make_zoo() -> Built:
    """A new schema of the zoo, and how its arguments are converted."""
    return build(Query, Mutation, (Lion, Parrot, Fish, Keeper), Subscription, scalar_map=SCALARS)
