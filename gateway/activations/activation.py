"""Activation: an audience on its way to a partner, as its sender sees it."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from gateway.access.request import Access
from gateway.activations.activations import ActivationState
from gateway.activations.deliveries import ContactKind
from gateway.clients.scalars import BigInt, DateTime, Party
from gateway.engine.batch import batch
from gateway.store.queries import Row


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
    sent: BigInt | None = strawberry.field(description="How many contacts were sent.")
    coverage: BigInt | None = strawberry.field(
        description="How many of them the partner knows, once it says so."
    )
    created_at: DateTime
    updated_at: DateTime
