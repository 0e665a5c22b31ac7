"""Deliveries: how a partner takes an audience; a connector declares it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import strawberry

from gateway.store.queries import Row
from gateway.upstream.upstream import Upstream


@strawberry.enum
class ContactKind(Enum):
    """By what a partner finds the clients of an audience among its own."""

    EMAIL = "EMAIL"
    PHONE = "PHONE"


@dataclass(frozen=True, slots=True)
class Upload:
    """An audience as it is sent: each item once, in an order that says nothing."""

    name: str
    by: ContactKind
    items: Sequence[str] = field(repr=False)


class Stage(NamedTuple):
    """How far a partner is with an audience, in its own word; `coverage` is how many of it the partner found."""

    word: str
    ready: bool = False
    coverage: int | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a partner takes an audience of consented clients, and what it asks of one.

    `scope` is what senders need. `items` makes of a client's contacts (`email`, `phone`, as its party has them) what
    the partner compares, hashed as it wants it, or None. `prepare` does what can be done before anybody's contacts are
    read, so that these are sent at once. `send` gives the partner's id of the audience; it is never repeated, unless
    its error says that nothing was done. `find` looks for it by its name, where that is in doubt. `follow` says how far
    it is, None once it is there no more. All four raise `PartnerError`. `interval` is the least pause between two
    looks, and `patience` how long an audience waits to be sent, and once it is sent to be ready, both in seconds.
    """

    scope: str
    purposes: frozenset[str]
    minimum: int
    maximum: int
    items: Mapping[ContactKind, Callable[[Row], str | None]]
    prepare: Callable[[Upstream], Awaitable[object]] = field(repr=False)
    send: Callable[[Upstream, Upload], Awaitable[str]] = field(repr=False)
    find: Callable[[Upstream, str], Awaitable[str | None]] = field(repr=False)
    follow: Callable[[Upstream, str], Awaitable[Stage | None]] = field(repr=False)
    interval: float = 5.0
    patience: float = 86_400.0
