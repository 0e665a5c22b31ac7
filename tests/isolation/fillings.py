"""Fillings: people, agreements and reports to fill a world with, taken from few names so that they meet often.

They follow from a seed and a size: so they are drawn fast, no two are the same, and the size can shrink.
"""

from __future__ import annotations

from random import Random

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
REGIONS = ["RU-MOW", "RU-SPE"]
NUMBERS = [str(number) for number in range(1, 7)]
QUARTERS = ["2017Q1", "2017Q2"]

ALWAYS = ("2017-01-01T00:00:00Z", None)
OVER = ("2017-01-01T00:00:00Z", "2018-01-01T00:00:00Z")
NOT_YET = ("2099-01-01T00:00:00Z", None)


def filling(random: Random, people: int, caller: Caller, willing: float) -> list[Fact]:
    """That many people, some agreements and some reports; `willing` is the part of people that let the caller see."""
    found: list[Fact] = [_agreed(random) for _ in range(random.randrange(3))]
    found += [Report(each, random.randrange(1, 99)) for each in QUARTERS if random.random() < 0.4]
    for _ in range(people):
        client = random.choice(PEOPLE)
        for party in random.choice([["ALIBABA", "MAILRU"], ["ALIBABA"], ["MAILRU"]]):
            found += _customer(random, party, client if random.random() < 0.9 else None)
        found += [_word(random, client, caller) for _ in range(random.randrange(3))]
        if random.random() < willing:
            found.append(Consent(client, caller.party, caller.purpose, *ALWAYS))
    return found


def _agreed(random: Random) -> Agreed:
    owner, dataset = random.choice(sorted(DATASETS))
    recipient, purpose = random.choice(PARTIES), random.choice(PURPOSES)
    return Agreed(Right(recipient, owner, dataset, purpose, DATASETS[owner, dataset], 1))


def _word(random: Random, client: int, caller: Caller) -> Consent:
    recipient = random.choice([caller.party] * 3 + PARTIES)
    purpose = random.choice([caller.purpose] * 3 + PURPOSES)
    return Consent(client, recipient, purpose, *random.choice([ALWAYS, ALWAYS, OVER, OVER, NOT_YET]))


def _customer(random: Random, party: str, client: int | None) -> list[Fact]:
    """An account at a shop with all that hangs on it; without a client, linking has not seen it yet."""
    number = random.choice(NUMBERS)
    found: list[Fact] = [
        Account(party, number, client, random.choice([*REGIONS, None]), random.choice(TIMES)),
        Profile(party, number, client, random.choice(["Anna", "Bella"])),
    ]
    for _ in range(random.randrange(4)):
        placed, status = random.choice(TIMES), random.choice(["COMPLETED", "COMPLETED", "REFUNDED"])
        order = random.choice(NUMBERS)
        found.append(Order(party, order, number, client, placed, random.randrange(1, 999), status))
    if party == "MAILRU":
        found += [Member(each, number, client) for each in "78" if random.random() < 0.4]
    return found
