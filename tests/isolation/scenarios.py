"""Scenarios: two worlds that agree on all that a caller may see, and what the caller and others ask meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from hypothesis import strategies as st

from gateway.access.agreements import CONTRACT, Right, rights
from gateway.discovery import dataset_scopes, discover
from gateway.oauth.tokens import Caller
from gateway.schema import Schema
from tests.isolation.facts import Account, Agreed, Consent, Fact, Member, Order, Profile, Report, filled

SCOPES = sorted(Schema(discover()).scopes)
DATASETS = dataset_scopes(discover())
PURPOSES = list(CONTRACT.purposes)
SHOPS = ["ALIBABA", "MAILRU"]

PEOPLE = [*range(1, 7), 2**62, 2**62 + 1]
"""Clients' keys, few enough that the hidden come before, between and behind those that are seen."""
TIMES = [f"2017-0{month}-01T00:00:00Z" for month in range(1, 6)]
REGIONS = ["RU-MOW", "RU-SPE", "RU-TA"]
NUMBERS = [str(number) for number in range(1, 10)]
CURSORS = ["rubbish", "", "WyIyMDE3LTAzLTAxVDAwOjAwOjAwWiIsIkFsaWJhYmFPcmRlcjo1Il0"]
"""The last one is well made: behind AlibabaOrder:5 of March."""

ORDER_IDS = [f"{kind}:{number}" for kind in ("AlibabaOrder", "PandaoOrder") for number in NUMBERS]


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
    """The id by which the caller knows a client, or would: one that is hidden, or was seen once."""

    client: int


@dataclass(frozen=True)
class Ask:
    """An operation: which document, and its variables, in which ids and cursors are still to be filled in."""

    document: str
    variables: Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """The caller asks; before that, others ask what they like, in each world something else."""

    others: tuple[tuple[tuple[Caller, Ask], ...], tuple[tuple[Caller, Ask], ...]]
    ask: Ask


@dataclass(frozen=True)
class Scenario:
    """Two worlds, the caller that must not tell them apart, and what is asked in both."""

    caller: Caller
    worlds: tuple[list[Fact], list[Fact]]
    steps: tuple[Step, ...]


@st.composite
def callers(draw: st.DrawFn) -> Caller:
    """A token's worth of rights: mostly of one of the shops, mostly with all scopes and an agreed purpose."""
    party, purpose = draw(_PARTY_AND_PURPOSE)
    return Caller(party, f"{party.lower()}-app", frozenset(draw(_SCOPES)), purpose)


_SCOPES = st.one_of(st.just(SCOPES), st.just(SCOPES), st.lists(st.sampled_from(SCOPES), unique=True))
_PARTY_AND_PURPOSE = st.tuples(
    st.sampled_from([*SHOPS, *SHOPS, "RDIF"]), st.sampled_from(["analytics", "analytics", *PURPOSES])
)


class Purchase(NamedTuple):
    """An order before it is anybody's."""

    number: str
    placed: str
    cents: int
    status: str


class Customer(NamedTuple):
    """An account at one shop with all that hangs on it; `linked` says whether it is known whose it is."""

    number: str
    linked: bool
    region: str | None
    since: str
    name: str
    purchases: list[Purchase]
    segments: set[str]


class Word(NamedTuple):
    """A consent: to the caller's party or to one by name, for the caller's purpose or for one by name."""

    recipient: str | None
    purpose: str | None
    time: tuple[str, str | None]


_TIME = st.sampled_from(TIMES)
_PURCHASES = st.builds(
    Purchase,
    st.sampled_from(NUMBERS),
    _TIME,
    st.integers(1, 999),
    st.sampled_from(["COMPLETED", "COMPLETED", "REFUNDED"]),
)
_CUSTOMERS = st.builds(
    Customer,
    st.sampled_from(NUMBERS),
    st.sampled_from([True] * 9 + [False]),
    st.sampled_from([*REGIONS, None]),
    _TIME,
    st.sampled_from(["Anna", "Bella"]),
    st.lists(_PURCHASES, max_size=3),
    st.sets(st.sampled_from("78"), max_size=2),
)
_LASTING = ("2017-01-01T00:00:00Z", None)
_WORDS = st.builds(
    Word,
    st.sampled_from([None, None, *CONTRACT.parties]),
    st.sampled_from([None, None, *PURPOSES]),
    st.sampled_from(
        [_LASTING] * 3 + [("2017-01-01T00:00:00Z", "2018-01-01T00:00:00Z"), ("2099-01-01T00:00:00Z", None)]
    ),
)
_PEOPLE = st.tuples(
    st.sampled_from(PEOPLE),
    st.sampled_from([["ALIBABA", "MAILRU"], ["ALIBABA"], ["MAILRU"]]),
    st.tuples(_CUSTOMERS, _CUSTOMERS),
    st.lists(_WORDS, max_size=2),
)
_RIGHTS = st.builds(
    lambda recipient, pair, purpose: Agreed(Right(recipient, *pair, purpose, DATASETS[pair], 1)),
    st.sampled_from(list(CONTRACT.parties)),
    st.sampled_from(sorted(DATASETS)),
    st.sampled_from(PURPOSES),
)
_REPORTS = st.builds(Report, st.sampled_from(["2017Q1", "2017Q2"]), st.integers(1, 99))
_REST = st.tuples(
    st.lists(_PEOPLE, max_size=4), st.lists(_RIGHTS, max_size=2), st.lists(_REPORTS, max_size=2)
)


def facts(drawn: Any, caller: Caller) -> list[Fact]:
    """The facts in what `_REST` draws."""
    people, agreements, reports = drawn
    found: list[Fact] = []
    for client, parties, customers, words in people:
        found += [
            Consent(client, each.recipient or caller.party, each.purpose or caller.purpose, *each.time)
            for each in words
        ]
        for party, customer in zip(parties, customers, strict=False):
            found += _facts_of(customer, party, client if customer.linked else None)
    return [*found, *agreements, *reports]


def _facts_of(customer: Customer, party: str, client: int | None) -> list[Fact]:
    number = customer.number
    return [
        Account(party, number, client, customer.region, customer.since),
        Profile(party, number, client, customer.name),
        *(
            Order(party, each.number, number, client, each.placed, each.cents, each.status)
            for each in customer.purchases
        ),
        *(Member(each, number, client) for each in sorted(customer.segments) if party == "MAILRU"),
    ]


CONTRACTS = [Agreed(right) for right in rights(CONTRACT, DATASETS)]
_REVOKED = st.lists(st.sampled_from([each for each in CONTRACTS if each.right.consent]), max_size=3)

_SIZES = st.one_of(st.none(), st.integers(0, 4))
_KNOWN = st.builds(Known, st.sampled_from(PEOPLE))
_MINE, _THEIRS = st.builds(Mine, st.integers(0, 40)), st.builds(Theirs, st.integers(0, 9))
_CURSORS = st.one_of(st.none(), _MINE, _MINE, _THEIRS, _KNOWN, st.sampled_from(CURSORS))
_FILTERS = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            "region": st.sampled_from(REGIONS),
            "party": st.sampled_from(list(CONTRACT.parties)),
            "placedAfter": _TIME,
            "placedBefore": _TIME,
        },
    ),
)
_BELOW = {
    **{name: st.booleans() for name in ("profile", "orders", "accounts", "total")},
    "n": _SIZES,
    "past": _CURSORS,
    "of": st.sampled_from([None, None, *CONTRACT.parties]),
}


def _pages(*sides: str) -> st.SearchStrategy[Ask]:
    bounds = {name: _SIZES if name in ("first", "last") else _CURSORS for name in sides}
    variables = st.fixed_dictionaries({**bounds, "filter": _FILTERS, **_BELOW})
    return st.builds(Ask, st.just("clients"), variables)


_ASKS = st.one_of(
    _pages("first", "after"),
    _pages("last", "before"),
    _pages("first", "before"),
    st.builds(
        Ask, st.just("client"), st.fixed_dictionaries({"id": st.one_of(_KNOWN, _THEIRS, _MINE), **_BELOW})
    ),
    st.builds(
        Ask,
        st.just("node"),
        st.fixed_dictionaries(
            {"id": st.one_of(_KNOWN, _THEIRS, _MINE, st.sampled_from(ORDER_IDS)), **_BELOW}
        ),
    ),
    st.builds(
        Ask,
        st.just("report"),
        st.fixed_dictionaries({"quarter": st.sampled_from(["2017Q1", "2017Q2", "2017Q3", "last"])}),
    ),
    st.just(Ask("caller", {})),
)
_OTHERS = st.lists(st.tuples(callers(), st.one_of(st.none(), _ASKS)), max_size=2)
_STEPS = st.lists(st.tuples(_ASKS, _OTHERS, _OTHERS), min_size=1, max_size=4)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """A scenario; the two fillings differ as they like. Others often ask the very same as the caller is about to,
    which is how a cache would be filled for it."""
    caller = draw(_CALLERS)
    revoked = draw(_REVOKED)
    common: dict[Any, Fact] = {}
    for each in [*(right for right in CONTRACTS if right not in revoked), *facts(draw(_REST), caller)]:
        common.setdefault(each.key, each)
    one, other = (filled(list(common.values()), facts(draw(_REST), caller), caller) for _ in range(2))
    steps = [Step((_asked(first, ask), _asked(second, ask)), ask) for ask, first, second in draw(_STEPS)]
    return Scenario(caller, (one, other), tuple(steps))


_CALLERS = callers()


def _asked(others: list[tuple[Caller, Ask | None]], same: Ask) -> tuple[tuple[Caller, Ask], ...]:
    return tuple((who, ask or same) for who, ask in others)
