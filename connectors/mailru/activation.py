"""Activation: consented clients as an audience in myTarget, and what becomes of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import strawberry

from connectors.mailru.user_lists import SCOPE
from gateway.connector import Access, Activation, ClientFilter, ContactKind, Row, batch, requires

NAME = "mailru"


async def started_activations(
    parents: Sequence[Any],
    access: Access,
    *,
    name: str,
    key: str,
    contact: ContactKind,
    audience: ClientFilter | None = None,
) -> list[Row]:
    """Send myTarget the hashed contacts of those clients, as your party has them, who have consented to Mail.ru Group
    and your token's purpose; at least 2,000, and of more than a million a million. Nothing is sent twice for one `key`,
    which your application chooses.
    """
    # Said at once where no address was set: nothing would ever be sent.
    access.partner(NAME)
    return [await access.activating.start(access.caller, NAME, name, key, contact, audience) for _ in parents]


async def activations(parents: Sequence[Any], access: Access, *, id: strawberry.ID) -> list[Row | None]:
    """An audience that your party has sent; null where there is none with this id."""
    found = await access.activating.find(access.caller, NAME, id)
    return [found for _ in parents]


async def activation_progress(access: Access, *, id: strawberry.ID) -> AsyncGenerator[Sequence[Row], None]:
    """An audience that your party has sent: as it is now and at each change, until there will be no more."""
    async with aclosing(access.activating.follow(access.caller, NAME, id)) as levels:
        async for rows in levels:
            yield rows


@strawberry.type
class ActivationQuery:
    """What sending audiences adds to `Query`."""

    activation: Activation | None = batch(activations, requires=requires(SCOPE))
