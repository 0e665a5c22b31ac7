"""Scenarios: two worlds that agree on all that a caller may see, and what the caller and others ask meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from gateway.oauth.tokens import Caller
from gateway.schema import declared_schema
from tests.isolation.facts import Fact
from tests.isolation.fillings import (
    CONTRACTS,
    DATASETS,
    PARTIES,
    PEOPLE,
    PURPOSES,
    QUARTERS,
    REGIONS,
    TIMES,
    filling,
)
from tests.isolation.operations import ORDER_IDS
from tests.isolation.worlds import two_worlds

SCOPES = frozenset(declared_schema().scopes)
CURSORS = ["rubbish", "", "WyIyMDE3LTAzLTAxVDAwOjAwOjAwWiIsIkFsaWJhYmFPcmRlcjo1Il0"]
"""The last one is well made: behind AlibabaOrder:5 of March."""


@dataclass(frozen=True)
class Mine:
    """The id or cursor that the caller was given at some place of its answers so far."""

    place: int


@dataclass(frozen=True)
class Theirs:
    """The id of a client that another party was given at some place of its answers so far."""

    place: int


@dataclass(frozen=True)
class Known:
    """The id by which the caller knows a client, or would: one that is hidden, or that it saw once."""

    client: int


@dataclass(frozen=True)
class Ask:
    """An operation: which document, and its variables, in which ids and cursors are still to be filled in."""

    document: str
    variables: Mapping[str, Any]


Others = tuple[tuple[Caller, Ask], ...]


@dataclass(frozen=True)
class Step:
    """The caller asks; before that, others ask what they like, in each world something else."""

    others: tuple[Others, Others]
    ask: Ask


@dataclass(frozen=True)
class Scenario:
    """Two worlds, the caller that must not tell them apart, and what is asked in both."""

    caller: Caller
    worlds: tuple[list[Fact], list[Fact]]
    steps: tuple[Step, ...]


SIDES = [("first", "after"), ("last", "before"), ("first", "before")]
SHOPS = {party: Caller(party, "overheard", SCOPES, "analytics") for party in ("ALIBABA", "MAILRU")}

_ALL_OF_IT = dict.fromkeys(("profile", "orders", "accounts", "total"), True)
EVERYTHING = Ask(
    "everything",
    {
        **_ALL_OF_IT,
        **{f"known{place}": Known(each) for place, each in enumerate(PEOPLE)},
        **{f"theirs{place}": Theirs(place) for place in range(3)},
    },
)
"""What is asked at the end of every scenario: all there is."""


def scenario(seed: int, people: int, steps: int) -> Scenario:
    """The scenario of a seed, with so many people in each part of a world, and so many steps before the last."""
    random = Random(seed)
    caller = draw_caller(random)
    revoked = random.choice([None, "orders", "segments"])
    held = [each for each in CONTRACTS if not each.right.consent or each.right.dataset != revoked]
    drawn, one, other = (filling(random, people, caller, willing) for willing in (0.8, 0.2, 0.2))
    worlds = two_worlds([*held, *drawn], one, other, random, caller)
    before = [_step(random, draw_ask(random)) for _ in range(steps)]
    overheard = tuple((shop, Ask("ids", {})) for party, shop in SHOPS.items() if party != caller.party)
    last = _step(random, EVERYTHING)
    return Scenario(
        caller, worlds, (*before, Step(tuple(overheard + each for each in last.others), EVERYTHING))
    )


SCENARIOS = st.builds(scenario, st.integers(0, 2**64 - 1), st.integers(1, 5), st.integers(0, 2))


def draw_caller(random: Random) -> Caller:
    """Mostly of a shop, for a purpose that is agreed; often with all scopes, and mostly with all datasets."""
    party = random.choice([*list(SHOPS) * 5, "RDIF"])
    agreed = [
        each.right.purpose for each in CONTRACTS if each.right.consent and each.right.recipient == party
    ]
    purpose = random.choice(PURPOSES if random.random() < 0.2 else agreed or PURPOSES)
    lacking = random.sample(sorted(SCOPES), random.choice([0, 0, 1, 2]))
    asked = draw_datasets(random) if random.random() < 0.15 else None
    return Caller(party, f"{party.lower()}-app", SCOPES.difference(lacking), purpose, datasets=asked)


def draw_datasets(random: Random) -> frozenset[tuple[str, str]]:
    """What a token may be narrowed to; mostly accounts too, without which no client is listed."""
    return frozenset(
        each for each in sorted(DATASETS) if random.random() < (0.8 if "accounts" in each else 0.4)
    )


def _step(random: Random, ask: Ask) -> Step:
    """Others mostly ask what the caller is about to ask, as would fill a cache for it."""

    def others() -> Others:
        many = random.choice([0, 0, 1])
        return tuple((draw_caller(random), random.choice([ask, ask, draw_ask(random)])) for _ in range(many))

    return Step((others(), others()), ask)


def draw_ask(random: Random) -> Ask:
    """Any operation, with a part of what can be asked below it."""
    document = random.choice(["clients", "clients", "clients", "client", "node", "node", "report", "caller"])
    if document == "caller":
        return Ask(document, {})
    if document == "report":
        return Ask(document, {"quarter": random.choice([*QUARTERS, "2017Q3", "last"])})
    below = {name: random.random() < 0.7 for name in _ALL_OF_IT}
    page = {"n": _size(random), "past": _cursor(random), "of": random.choice([None, None, *PARTIES])}
    if document == "clients":
        size, cursor = random.choice(SIDES)
        asked = {size: _size(random), cursor: _cursor(random), "filter": _filter(random)}
    else:
        ids = [_known(random), _mine(random), Theirs(random.randrange(9))]
        asked = {"id": random.choice([*ids, random.choice(ORDER_IDS)] if document == "node" else ids)}
    return Ask(document, {**asked, **below, **page})


def _size(random: Random) -> int | None:
    return random.choice([None, 0, 1, 2, 3])


def _known(random: Random) -> Known:
    return Known(random.choice(PEOPLE))


def _mine(random: Random) -> Mine:
    return Mine(random.randrange(40))


def _cursor(random: Random) -> Any:
    return random.choice(
        [None, None, _mine(random), _mine(random), Theirs(0), _known(random), random.choice(CURSORS)]
    )


def _filter(random: Random) -> Mapping[str, Any] | None:
    conditions = {
        "region": random.choice(REGIONS),
        "party": random.choice(PARTIES),
        "placedAfter": random.choice(TIMES),
        "placedBefore": random.choice(TIMES),
    }
    return {name: value for name, value in conditions.items() if random.random() < 0.3} or None
