"""Scenarios: two worlds that agree on all that a caller may see, and what the caller and others ask meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from gateway.discovery import discover
from gateway.oauth.tokens import Caller
from gateway.schema import Schema
from tests.isolation.facts import Fact, two_worlds
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

SCOPES = frozenset(Schema(discover()).scopes)
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


# Mostly one of the shops, mostly with all scopes and an agreed purpose.
_CALLERS = st.builds(
    lambda party, lacking, purpose: Caller(party, f"{party.lower()}-app", SCOPES - lacking, purpose),
    st.sampled_from(["ALIBABA", "MAILRU", "ALIBABA", "MAILRU", "RDIF"]),
    st.one_of(st.just(set()), st.sets(st.sampled_from(sorted(SCOPES)), max_size=2)),
    st.sampled_from(["analytics", "targeted_offers", *PURPOSES]),
)
_REVOKED = st.sampled_from([None, None, *sorted({dataset for _, dataset in DATASETS})])

_SIZES = st.one_of(st.none(), st.integers(0, 4))
_KNOWN = st.builds(Known, st.sampled_from(PEOPLE))
_MINE, _THEIRS = st.builds(Mine, st.integers(0, 40)), st.builds(Theirs, st.integers(0, 9))
_CURSORS = st.one_of(st.none(), _MINE, _MINE, _THEIRS, _KNOWN, st.sampled_from(CURSORS))
_CONDITIONS = {
    "region": st.sampled_from(REGIONS),
    "party": st.sampled_from(PARTIES),
    "placedAfter": st.sampled_from(TIMES),
    "placedBefore": st.sampled_from(TIMES),
}
_FILTERS = st.one_of(st.none(), st.fixed_dictionaries({}, optional=_CONDITIONS))
_BELOW = {
    **{name: st.sampled_from([True, True, False]) for name in ("profile", "orders", "accounts", "total")},
    "n": _SIZES,
    "past": _CURSORS,
    "of": st.sampled_from([None, None, *PARTIES]),
}


def _asks(document: str, variables: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Ask]:
    return st.builds(Ask, st.just(document), st.fixed_dictionaries(dict(variables)))


_ASKS = st.one_of(
    _asks("clients", {"first": _SIZES, "after": _CURSORS, "filter": _FILTERS, **_BELOW}),
    _asks("clients", {"last": _SIZES, "before": _CURSORS, "filter": _FILTERS, **_BELOW}),
    _asks("clients", {"first": _SIZES, "before": _CURSORS, "filter": _FILTERS, **_BELOW}),
    _asks("client", {"id": st.one_of(_KNOWN, _KNOWN, _THEIRS, _MINE), **_BELOW}),
    _asks("node", {"id": st.one_of(_KNOWN, _THEIRS, _MINE, st.sampled_from(ORDER_IDS)), **_BELOW}),
    _asks("report", {"quarter": st.sampled_from([*QUARTERS, "2017Q3", "last"])}),
    st.just(Ask("caller", {})),
)
_OTHERS = st.lists(st.tuples(_CALLERS, st.one_of(st.none(), _ASKS)), max_size=1)
_STEPS = st.lists(st.tuples(_ASKS, _OTHERS, _OTHERS), max_size=2)
_SEED_AND_SIZE = st.tuples(st.integers(0, 2**32), st.integers(1, 4))
_THREE = st.tuples(_SEED_AND_SIZE, _SEED_AND_SIZE, _SEED_AND_SIZE)

_ALL_OF_IT = dict.fromkeys(("profile", "orders", "accounts", "total"), True)
EVERYTHING = Ask(
    "everything",
    {
        **_ALL_OF_IT,
        **{f"known{place}": Known(each) for place, each in enumerate(PEOPLE)},
        **{f"theirs{place}": Theirs(place) for place in range(3)},
    },
)
"""All that is always asked at the end, of whatever there may be."""
_SHOPS = {party: Caller(party, "overheard", SCOPES, "analytics") for party in ("ALIBABA", "MAILRU")}


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """A scenario; the fillings of the two worlds differ as they like."""
    caller, revoked, seeds = draw(_CALLERS), draw(_REVOKED), draw(_THREE)
    held = [right for right in CONTRACTS if not right.right.consent or right.right.dataset != revoked]
    fill = [filling(Random(f"{place} {seed}"), size, caller) for place, (seed, size) in enumerate(seeds)]
    worlds = two_worlds([*held, *fill[0]], fill[1], fill[2], Random(seeds[0][0]), caller)
    steps = [Step((_same(left, ask), _same(right, ask)), ask) for ask, left, right in draw(_STEPS)]
    overheard = [(shop, Ask("ids", {})) for party, shop in _SHOPS.items() if party != caller.party]
    left, right = ((*overheard, *_same(draw(_OTHERS), EVERYTHING)) for _ in range(2))
    return Scenario(caller, worlds, (*steps, Step((left, right), EVERYTHING)))


def _same(others: list[tuple[Caller, Ask | None]], ask: Ask) -> Others:
    """Who has nothing to ask asks what the caller is about to ask, as would fill a cache for it."""
    return tuple((who, own or ask) for who, own in others)
