"""Members: the demo's people as each party knows them, with its own spelling, its gaps and its mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mimesis.random import Random

from gateway.demo.lots import lot
from gateway.demo.people import Person, new_phone
from gateway.demo.spellings import misdialled, misspelt

Spelling = Callable[[str, Random], str]

NAME_TYPO = 0.03
EMAIL_TYPO = 0.02
PHONE_TYPO = 0.02
EMAIL_CHANGED = 0.04
PHONE_CHANGED = 0.04
HANDED_ON = 0.25
"""How many of the changed are another person's: a shared mailbox, a number given out again."""
NO_CONTACT = 0.3
"""How many have left one of their two contacts out."""
NO_REGION = 0.08
NO_BIRTH_YEAR = 0.2


@dataclass(frozen=True, slots=True)
class Member:
    """A person as one party knows it; `account` is the party's id, 10 decimal digits, `since` is in UTC."""

    account: str
    name: str
    email: str | None
    phone: str | None
    region: str | None
    birth_year: int | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Style:
    """How a party writes people down; `share` is its part of the sales, in per cent.

    `no_email` is how many of those who left a contact out left out the e-mail address.
    """

    share: int
    no_email: float
    name: Spelling
    email: Spelling
    phone: Spelling


def members(
    party: str, style: Style, first: Sequence[tuple[Person, datetime]], others: Sequence[Person]
) -> list[Member]:
    """The party's members, each given with the moment of its first purchase; `others` is everyone."""
    taken: set[str] = set()
    return [_member(party, style, person, moment, others, taken) for person, moment in first]


def _member(
    party: str, style: Style, person: Person, first: datetime, others: Sequence[Person], taken: set[str]
) -> Member:
    random = Random(lot("member", party, person.number))
    name = style.name(person.name, random)
    email, phone = _contacts(person, random.choice(others), style.no_email, random)
    return Member(
        account=_account(party, person.number, taken),
        name=misspelt(name, random) if random.random() < NAME_TYPO else name,
        email=email and style.email(email, random),
        phone=phone and style.phone(phone, random),
        region=None if random.random() < NO_REGION else person.region,
        birth_year=None if random.random() < NO_BIRTH_YEAR else person.birth_year,
        since=first - timedelta(minutes=random.randrange(10, 700 * 24 * 60)),
    )


def _contacts(
    person: Person, other: Person, no_email: float, random: Random
) -> tuple[str | None, str | None]:
    """The e-mail address and the phone number that the party has; never neither."""
    email, phone = person.email, person.phone
    if random.random() < EMAIL_CHANGED:
        email = other.email if random.random() < HANDED_ON else f"{random.randrange(10, 1000)}{email}"
    if random.random() < PHONE_CHANGED:
        phone = other.phone if random.random() < HANDED_ON else new_phone(random)
    if random.random() < EMAIL_TYPO:
        local, _, domain = email.partition("@")
        email = f"{misspelt(local, random)}@{domain}"
    if random.random() < PHONE_TYPO:
        phone = misdialled(phone, random)
    missing = random.random() / NO_CONTACT
    if missing < 1 - no_email:
        return email, None
    return (None, phone) if missing < 1 else (email, phone)


def _account(party: str, number: int, taken: set[str]) -> str:
    attempt = 0
    while (account := str(10**9 + lot("account", party, number, attempt) % (9 * 10**9))) in taken:
        attempt += 1
    taken.add(account)
    return account
