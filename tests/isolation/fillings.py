"""Fillings: people, agreements and reports to fill a world with, drawn from few names so that they meet often."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

from gateway.access.agreements import CONTRACT, Right, rights
from gateway.discovery import dataset_scopes, discover
from gateway.oauth.tokens import Caller
from tests.isolation.facts import Account, Agreed, Consent, Fact, Member, Order, Profile, Report

DATASETS = dataset_scopes(discover())
PARTIES = list(CONTRACT.parties)
PURPOSES = list(CONTRACT.purposes)
CONTRACTS = [Agreed(right) for right in rights(CONTRACT, DATASETS)]
"""What the product's own agreements give."""

PEOPLE = [1, 2, 3, 4, 2**62]
"""Clients' keys: the hidden come before, between and behind those that are seen, or are the same."""
TIMES = [f"2017-0{month}-01T00:00:00Z" for month in range(1, 5)]
REGIONS = ["RU-MOW", "RU-SPE", "RU-TA"]
NUMBERS = [str(number) for number in range(1, 10)]
QUARTERS = ["2017Q1", "2017Q2"]


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
    """A consent. Where recipient or purpose is None, it is the caller's."""

    recipient: str | None
    purpose: str | None
    time: tuple[str, str | None]


class Person(NamedTuple):
    """A client: at which shops, as what, and what it consented to."""

    client: int
    shops: tuple[str, ...]
    customers: tuple[Customer, Customer]
    words: list[Word]


class Filling(NamedTuple):
    """All that a world may hold besides the contract."""

    people: list[Person]
    agreements: list[Agreed]
    reports: list[Report]


_ALWAYS = ("2017-01-01T00:00:00Z", None)
_OVER = ("2017-01-01T00:00:00Z", "2018-01-01T00:00:00Z")
_NOT_YET = ("2099-01-01T00:00:00Z", None)

_TIME, _NUMBER = st.sampled_from(TIMES), st.sampled_from(NUMBERS)
_PURCHASE = st.builds(
    Purchase, _NUMBER, _TIME, st.integers(1, 999), st.sampled_from(["COMPLETED", "COMPLETED", "REFUNDED"])
)
_CUSTOMER = st.builds(
    Customer,
    _NUMBER,
    st.sampled_from([True] * 9 + [False]),
    st.sampled_from([*REGIONS, None]),
    _TIME,
    st.sampled_from(["Anna", "Bella"]),
    st.lists(_PURCHASE, max_size=3),
    st.sets(st.sampled_from("78"), max_size=2),
)
_WORD = st.builds(
    Word,
    st.sampled_from([None, None, *PARTIES]),
    st.sampled_from([None, None, *PURPOSES]),
    st.sampled_from([_ALWAYS, _ALWAYS, _OVER, _NOT_YET]),
)
_PERSON = st.builds(
    Person,
    st.sampled_from(PEOPLE),
    st.sampled_from([("ALIBABA", "MAILRU"), ("ALIBABA",), ("MAILRU",)]),
    st.tuples(_CUSTOMER, _CUSTOMER),
    st.lists(_WORD, max_size=2),
)
_AGREED = st.builds(
    lambda recipient, pair, purpose: Agreed(Right(recipient, *pair, purpose, DATASETS[pair], 1)),
    st.sampled_from(PARTIES),
    st.sampled_from(sorted(DATASETS)),
    st.sampled_from(PURPOSES),
)
FILLINGS = st.builds(
    Filling,
    st.lists(_PERSON, min_size=1, max_size=4),
    st.lists(_AGREED, max_size=2),
    st.lists(st.builds(Report, st.sampled_from(QUARTERS), st.integers(1, 99)), max_size=2),
)


def facts(filling: Filling, caller: Caller) -> list[Fact]:
    """The facts that a filling comes down to beside this caller."""
    found: list[Fact] = [*filling.agreements, *filling.reports]
    for person in filling.people:
        for recipient, purpose, time in person.words:
            found.append(Consent(person.client, recipient or caller.party, purpose or caller.purpose, *time))
        for party, customer in zip(person.shops, person.customers, strict=False):
            found += _facts_of(customer, party, person.client if customer.linked else None)
    return found


def _facts_of(customer: Customer, party: str, client: int | None) -> list[Fact]:
    number = customer.number
    return [
        Account(party, number, client, customer.region, customer.since),
        Profile(party, number, client, customer.name),
        *(Order(party, each.number, number, client, *each[1:]) for each in customer.purchases),
        *(Member(each, number, client) for each in sorted(customer.segments) if party == "MAILRU"),
    ]
