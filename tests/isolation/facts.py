"""Facts: what a world is made of, and which of them a caller may see, said a second time and in other words.

A fact is one record with all rows that belong to it. `seen` is the reference: plain Python over the facts, that knows
nothing of SQL, of views or of the gateway's own rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from sqlalchemy import Table

from connectors.mailru.segments import mailru_segment_members, mailru_segments
from gateway.access.agreements import Right, agreements, consents
from gateway.clients.accounts import accounts, profiles
from gateway.clients.client import clients
from gateway.clients.orders import order_lines, orders
from gateway.oauth.tokens import Caller
from tests import world

TableRow = tuple[Table, dict[str, Any]]

NOW = "2026-01-01T00:00:00Z"
"""Any moment between those at which the drawn consents begin and end."""


@dataclass(frozen=True)
class Account:
    """A client's account at a party; `client` is None until linking has seen it."""

    party: str
    number: str
    client: int | None
    region: str | None
    since: str

    dataset = "accounts"

    @property
    def key(self) -> tuple[Any, ...]:
        """No world has two of one key."""
        return ("account", self.party, self.number)

    def rows(self) -> list[TableRow]:
        """As the gateway has it."""
        row = world.account(self.party, self.number, 0, self.region)
        return [(accounts, {**row, "client_id": self.client, "member_since": self.since})]


@dataclass(frozen=True)
class Profile:
    """Personal data of an account."""

    party: str
    number: str
    client: int | None
    name: str

    dataset = "profiles"

    @property
    def key(self) -> tuple[Any, ...]:
        """One an account."""
        return ("profile", self.party, self.number)

    def rows(self) -> list[TableRow]:
        """As the gateway has it."""
        row = world.profile(self.party, self.number, 0)
        return [(profiles, {**row, "client_id": self.client, "name": self.name})]


@dataclass(frozen=True)
class Order:
    """An order with a line and with what its partner alone says of it."""

    party: str
    number: str
    account: str
    client: int | None
    placed: str
    cents: int
    status: str

    dataset = "orders"

    @property
    def key(self) -> tuple[Any, ...]:
        """A party's order number."""
        return ("order", self.party, self.number)

    def rows(self) -> list[TableRow]:
        """As the gateway has it, in three tables."""
        row = world.order(
            self.party, self.number, self.account, 0, self.placed, self.cents, status=self.status
        )
        row["client_id"] = self.client
        return [(orders, row), (order_lines, world.line(row, name=f"Tea {self.cents}")), world.extra(row)]


@dataclass(frozen=True)
class Member:
    """That an account is in a segment; what a segment is called follows from its number."""

    segment: str
    number: str
    client: int | None

    party = "MAILRU"
    dataset = "segments"

    @property
    def key(self) -> tuple[Any, ...]:
        """Once in each segment."""
        return ("member", self.segment, self.number)

    def rows(self) -> list[TableRow]:
        """As the gateway has it; the segment is there when somebody is in it."""
        member = {**world.member(self.segment, self.number, 0), "client_id": self.client}
        return [
            (mailru_segments, world.segment(self.segment, f"Segment {self.segment}")),
            (mailru_segment_members, member),
        ]


@dataclass(frozen=True)
class Report:
    """A quarter of the fund."""

    quarter: str
    nav: int

    party = "RDIF"
    dataset = "reports"
    client = None

    @property
    def key(self) -> tuple[Any, ...]:
        """One a quarter."""
        return ("report", self.quarter)

    def rows(self) -> list[TableRow]:
        """As the gateway has it."""
        return [(table, row) for table, rows in world.report(self.quarter, self.nav).items() for row in rows]


@dataclass(frozen=True)
class Consent:
    """A client's word to a recipient."""

    client: int
    recipient: str
    purpose: str
    since: str
    until: str | None

    @property
    def key(self) -> tuple[Any, ...]:
        """One for each recipient and purpose."""
        return ("consent", self.client, self.recipient, self.purpose)

    def rows(self) -> list[TableRow]:
        """As the gateway has it."""
        return [(consents, world.consent(self.client, self.recipient, self.purpose, self.until, self.since))]


@dataclass(frozen=True)
class Agreed:
    """A right from the agreements."""

    right: Right

    @property
    def key(self) -> tuple[Any, ...]:
        """One for each recipient, owner, dataset and purpose."""
        return ("right", self.right.recipient, self.right.owner, self.right.dataset, self.right.purpose)

    def rows(self) -> list[TableRow]:
        """As the gateway has it."""
        return [(agreements, {name: getattr(self.right, name) for name in Right.__slots__})]


Record = Account | Profile | Order | Member | Report
Fact = Record | Consent | Agreed


def seen(world: Iterable[Fact], caller: Caller) -> frozenset[Record]:
    """The records a caller may see, as design and contract have it: own, or agreed and consented to."""
    facts = list(world)
    held = [
        each.right
        for each in facts
        if isinstance(each, Agreed)
        and each.right.recipient == caller.party
        and each.right.purpose in ("*", caller.purpose)
        and each.right.scope in caller.scopes
    ]
    free = {(right.owner, right.dataset) for right in held if not right.consent or right.dataset == "reports"}
    asking = {(right.owner, right.dataset) for right in held if right.consent}
    willing = {
        each.client
        for each in facts
        if isinstance(each, Consent)
        and (each.recipient, each.purpose) == (caller.party, caller.purpose)
        and each.since <= NOW < (each.until or "9999")
    }
    return frozenset(
        each
        for each in facts
        if isinstance(each, Record)
        and (
            (each.party, each.dataset) in free
            or ((each.party, each.dataset) in asking and each.client in willing)
        )
    )


def two_worlds(
    drawn: Iterable[Fact], one: list[Fact], other: list[Fact], random: Random, caller: Caller
) -> tuple[list[Fact], list[Fact]]:
    """Two worlds in which the caller sees what it sees in `drawn`: each has about half of what is hidden there, and
    what is hidden of its own."""
    facts = list({each.key: each for each in drawn}.values())
    visible = seen(facts, caller)
    grounds = [each for each in facts if each in visible or _is_ground(each, caller)]
    hidden = [each for each in facts if each not in grounds]
    halves = ([each for each in hidden if random.random() < 0.5] for _ in range(2))
    first, second = (
        _filled(grounds, [*half, *own], caller) for half, own in zip(halves, (one, other), strict=True)
    )
    return first, second


def _is_ground(fact: Fact, caller: Caller) -> bool:
    """Whether something may be visible because of it."""
    recipient = fact.right.recipient if isinstance(fact, Agreed) else getattr(fact, "recipient", None)
    return recipient == caller.party


def _filled(grounds: list[Fact], more: Iterable[Fact], caller: Caller) -> list[Fact]:
    """What is given, and of `more` what the caller cannot see and what shows it nothing new."""
    facts, keys = list(grounds), {each.key for each in grounds}
    visible = seen(grounds, caller)
    for each in more:
        if each.key not in keys and seen([*facts, each], caller) == visible:
            facts.append(each)
            keys.add(each.key)
    return facts


def rows(facts: Iterable[Fact]) -> dict[Table, list[dict[str, Any]]]:
    """All rows of a world, each once, by table; a client is there when anything is of it."""
    found: dict[Table, dict[Any, dict[str, Any]]] = {}
    for each in facts:
        mine = each.rows()
        client = getattr(each, "client", None)
        if client is not None:
            mine.append((clients, {"id": client}))
        for table, row in mine:
            found.setdefault(table, {})[tuple(row[key.name] for key in table.primary_key)] = row
    return {table: list(each.values()) for table, each in found.items()}
