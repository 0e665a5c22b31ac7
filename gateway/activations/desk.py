"""Desk: where callers take activations on and ask after them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.access.request import Reader
from gateway.activations.activation import counted
from gateway.activations.activations import FINAL, Plan, add, find, planned
from gateway.activations.audiences import Audience, agreed, reaches
from gateway.activations.deliveries import ContactKind, Delivery
from gateway.clients.client import ClientFilter, chosen
from gateway.errors import FieldError
from gateway.oauth.tokens import Caller
from gateway.store.queries import Row
from gateway.upstream.flights import Flights

PAUSE = 0.5
"""Seconds between two looks at an activation that somebody follows."""


class Desk:
    """The activations of this gateway; `parties` are the parties of the connectors, `added` is called for a new one."""

    def __init__(
        self,
        engine: AsyncEngine,
        readers: Reader,
        deliveries: Mapping[str, Delivery],
        parties: Mapping[str, str],
        added: Callable[[], None],
        pause: float = PAUSE,
    ) -> None:
        self._engine = engine
        self._readers = readers
        self._deliveries = deliveries
        self._parties = parties
        self._added = added
        self._pause = pause
        self._looks = Flights()

    async def start(
        self,
        caller: Caller,
        connector: str,
        name: str,
        key: str,
        by: ContactKind,
        wanted: ClientFilter | None,
    ) -> Row:
        """See `gateway.access.request.Activations`."""
        recipient, delivery = self._parties[connector], self._deliveries[connector]
        # What the token was good for is kept, and nothing that tells the token.
        sender = replace(caller, token="", key=None)
        # The engine gives names of enums' members as plain text.
        plan = Plan(connector, name, key, Audience(sender, recipient, ContactKind(by), chosen(wanted)))
        plan.check()
        if (known := await planned(self._engine, plan)) is not None:
            return known
        _check_purpose(caller, recipient, delivery)
        if not await agreed(self._readers, plan.audience):
            raise _not_agreed(plan)
        if await reaches(self._readers, plan.audience, delivery) < delivery.minimum:
            raise _too_few(plan, delivery)
        row = await add(self._engine, plan)
        self._added()
        return row

    async def find(self, caller: Caller, connector: str, activation: str) -> Row | None:
        """See `gateway.access.request.Activations`."""
        row = await find(self._engine, caller.party, activation)
        return row if row is not None and row.connector == connector else None

    async def follow(
        self, caller: Caller, connector: str, activation: str
    ) -> AsyncGenerator[Sequence[Row], None]:
        """See `gateway.access.request.Activations`."""
        find = partial(self.find, caller, connector, activation)
        row = await find()
        while row is not None:
            yield [row]
            if row.state in FINAL:
                return
            told = _shown(row)
            # Once for all who were told the same, for they may be thousands.
            known = (caller.party, connector, activation, *told)
            row, _ = await self._looks.join(known, partial(self._changed, find, told))
        raise FieldError("There is no such activation of your party.", "NOT_FOUND", argument="id")

    async def _changed(self, find: Callable[[], Awaitable[Row | None]], told: Sequence[Any]) -> Row | None:
        """The activation, once it is not as it was told."""
        while True:
            await asyncio.sleep(self._pause)
            row = await find()
            if row is None or _shown(row) != told:
                return row


def _shown(row: Row) -> tuple[Any, ...]:
    """What a follower hears of once it changes: what it sees, and no count that is hidden from it."""
    return row.state, row.partner_state, row.reason, counted(row.sent), counted(row.coverage)


def _check_purpose(caller: Caller, recipient: str, delivery: Delivery) -> None:
    if caller.purpose in delivery.purposes:
        return
    purposes = " or ".join(sorted(delivery.purposes))
    message = f"{recipient} takes audiences for {purposes} alone; this token is for {caller.purpose}."
    raise FieldError(message, "PURPOSE_NOT_ALLOWED", purposes=sorted(delivery.purposes))


def _not_agreed(plan: Plan) -> FieldError:
    sender, recipient = plan.audience.sender, plan.audience.recipient
    message = (
        f"No agreement lets {recipient} have contacts of {sender.party}'s clients for {sender.purpose}, "
        "or this token was asked for without them."
    )
    return FieldError(message, "AGREEMENT_MISSING", recipient=recipient, purpose=sender.purpose)


def _too_few(plan: Plan, delivery: Delivery) -> FieldError:
    """Says the least there must be, and never whether there is one: a filter may choose a single client."""
    to = f"{plan.audience.recipient} for {plan.audience.sender.purpose}"
    told = {"recipient": plan.audience.recipient, "purpose": plan.audience.sender.purpose}
    message = (
        f"Fewer than {delivery.minimum} of these clients have consented to {to} and have such a contact."
    )
    return FieldError(message, "TOO_FEW_CONSENTED", minimum=delivery.minimum, **told)
