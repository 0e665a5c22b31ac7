"""Facts: what a world is made of. A fact is one record with all rows that belong to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from connectors.mailru.refunds import mailru_refunds
from connectors.mailru.segments import mailru_segment_members, mailru_segments
from gateway.access.agreements import Right, agreements, consents
from gateway.clients.accounts import accounts, profiles
from gateway.clients.orders import order_lines, orders
from tests import world

TableRow = tuple[Table, dict[str, Any]]


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
        """As the gateway has it, with the parcel it was sent in."""
        row = world.order(
            self.party, self.number, self.account, 0, self.placed, self.cents, status=self.status
        )
        row["client_id"] = self.client
        lines = (order_lines, world.line(row, name=f"Tea {self.cents}"))
        refunds = [(mailru_refunds, world.refund(row))] if self.party == "MAILRU" else []
        return [(orders, row), lines, world.extra(row), *refunds, *world.parcel(row, f"Depot {self.cents}")]


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
