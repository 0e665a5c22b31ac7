"""Activation: an audience on its way to a partner, as its sender sees it.

Its counts are shown in whole hundreds: of two audiences that differ by one person, exact counts would say whether the
partner knows that person.
"""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from gateway.access.request import Access
from gateway.activations.activations import ActivationState
from gateway.activations.deliveries import ContactKind
from gateway.clients.scalars import BigInt, DateTime, Party
from gateway.engine.batch import batch
from gateway.store.queries import Row

STEP = 100
"""Of what size the steps are in which contacts are counted to their sender."""


def counted(exact: int | None) -> int | None:
    """A count as its sender sees it, rounded down."""
    return None if exact is None else exact - exact % STEP


def counts_sent(rows: Sequence[Row], access: Access) -> list[int | None]:
    """How many contacts were sent, rounded down to whole hundreds."""
    return [counted(row.sent) for row in rows]


def coverages(rows: Sequence[Row], access: Access) -> list[int | None]:
    """How many of them the partner knows, once it says so, rounded down to whole hundreds."""
    return [counted(row.coverage) for row in rows]


def kinds_of_contact(rows: Sequence[Row], access: Access) -> list[str]:
    """By what the recipient finds the clients."""
    return [row.by for row in rows]


@strawberry.type
class Activation:
    """An audience of consented clients on its way to a partner."""

    id: strawberry.ID
    name: str
    recipient: Party
    purpose: str = strawberry.field(description="What the clients consented to.")
    contact: ContactKind = batch(kinds_of_contact, needs=["by"])
    state: ActivationState
    reason: str | None = strawberry.field(description="Why it was refused, or what is uncertain.")
    partner_state: str | None = strawberry.field(description="How far the partner is, in its own word.")
    partner_id: str | None = strawberry.field(description="The partner's own id of the audience.")
    sent: BigInt | None = batch(counts_sent, needs=["sent"])
    coverage: BigInt | None = batch(coverages, needs=["coverage"])
    created_at: DateTime
    updated_at: DateTime
