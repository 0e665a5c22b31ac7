"""Activations: audiences on their way to a partner, one row each, so that any worker can go on with one.

A row holds what was chosen, never who: the clients are read anew when they are sent.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import orjson
import strawberry
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Float,
    Index,
    Integer,
    Text,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.activations.audiences import Audience
from gateway.activations.deliveries import ContactKind
from gateway.errors import FieldError
from gateway.oauth.tokens import Caller
from gateway.store.database import immediate
from gateway.store.queries import Row, row_type
from gateway.store.tables import Instant, instant, table

activations = table(
    "activations",
    Column("id", Text, primary_key=True),
    Column("party", Text, nullable=False),
    Column("application", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("connector", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("wanted", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("datasets", Text),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("partner_state", Text),
    Column("partner_id", Text),
    Column("sent", BigInteger),
    Column("coverage", BigInteger),
    Column("looks", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("sent_at", Float),
    Column("due", Float),
    Column("worker", Text),
    Column("lease", Float),
    Column("user_id", Text),
    Column("authorization_id", Text),
    Index("uq_activations_key", "party", "application", "key", unique=True),
    Index("ix_activations_due", "due"),
)
"""`wanted` is the filter, `scopes` and `datasets` what the sender's token was good for, all three as JSON. `due` is
when to look after it next, null once nothing is left to do; `lease` until when `worker` does. Both, and `sent_at`, are
seconds since the epoch. `user_id` and `authorization_id` are those of the person that the application acted for, if it
did. No caller reads this table with SQL of its own."""

MOST_CHARACTERS = 100

MOST_AT_ONCE = 20
"""Activations that an application may have on their way for a party: each may be of a million people."""

MOST_A_DAY = 50
"""Activations that a party may start in 24 hours: each tells whether its filter chooses enough people, and filters can
be grown by a few at a time."""

KEPT = timedelta(days=90)
"""How long one that is over is kept, and its key stands for it."""


@strawberry.enum
class ActivationState(Enum):
    """How far an audience is."""

    PLANNED = strawberry.enum_value("PLANNED", description="Taken on; nothing was sent yet.")
    SENDING = strawberry.enum_value("SENDING", description="On its way; the partner may have it.")
    PROCESSING = strawberry.enum_value("PROCESSING", description="The partner has it and works on it.")
    READY = strawberry.enum_value("READY", description="The partner can use it.")
    REFUSED = strawberry.enum_value("REFUSED", description="Not sent, or not taken; `reason` says why.")
    STALLED = strawberry.enum_value(
        "STALLED", description="The partner has it and did not become ready in a day."
    )
    UNCERTAIN = strawberry.enum_value(
        "UNCERTAIN", description="The partner does not say what became of it: somebody must look there."
    )
    GONE = strawberry.enum_value("GONE", description="The partner had it, and has it no more.")


FINAL = frozenset(
    each.value
    for each in (
        ActivationState.READY,
        ActivationState.REFUSED,
        ActivationState.STALLED,
        ActivationState.UNCERTAIN,
        ActivationState.GONE,
    )
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be activated; `key` is the caller's own name for the wish, so that it counts once."""

    connector: str
    name: str
    key: str
    audience: Audience

    def check(self) -> None:
        """Raises `FieldError` for a name or key that cannot be."""
        for argument, text in (("name", self.name), ("key", self.key)):
            if not 1 <= len(text) <= MOST_CHARACTERS or not text.isprintable() or text.strip() != text:
                message = f"`{argument}` must be 1 to {MOST_CHARACTERS} printable characters."
                raise FieldError(message, "BAD_USER_INPUT", argument=argument)

    def digest(self) -> str:
        """What is told from another wish by."""
        sender = self.audience.sender
        wish = [self.connector, self.name, self.audience.by.value, sender.purpose, sender.party]
        text = orjson.dumps([*wish, dict(self.audience.wanted)], option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()


async def planned(engine: AsyncEngine, plan: Plan) -> Row | None:
    """The activation that this wish already is.

    Raises `FieldError` where its key stands for another, and where there are too many for one more.
    """
    async with engine.connect() as connection:
        return await _planned(connection, plan)


async def _planned(connection: AsyncConnection, plan: Plan) -> Row | None:
    sender, known = plan.audience.sender, activations.c
    # The venture's own applications act for people of every party.
    whose = known.party == sender.party, known.application == sender.application
    row = await _one(connection, *whose, known.key == plan.key)
    if row is not None and row.digest != plan.digest():
        message = "This key stands for another audience already: take a new one."
        raise FieldError(message, "IDEMPOTENCY_KEY_REUSED", argument="key")
    if row is None:
        if await _count(connection, *whose, known.due.is_not(None)) >= MOST_AT_ONCE:
            message = f"{MOST_AT_ONCE} audiences are on their way already: wait until one has arrived."
            raise FieldError(message, "TOO_MANY_ACTIVATIONS", limit=MOST_AT_ONCE)
        day = instant(datetime.now(UTC) - timedelta(days=1))
        if await _count(connection, known.party == sender.party, known.created_at > day) >= MOST_A_DAY:
            message = f"A party may start {MOST_A_DAY} audiences in 24 hours, and yours has: try again later."
            raise FieldError(message, "TOO_MANY_ACTIVATIONS", limit=MOST_A_DAY)
    return row


async def _count(connection: AsyncConnection, *which: ColumnElement[bool]) -> int:
    return await connection.scalar(select(func.count()).select_from(activations).where(*which)) or 0


async def add(engine: AsyncEngine, plan: Plan) -> Row:
    """Take an activation on, or find the one that this wish already is. Raises `FieldError` as `planned` does."""
    sender, now = plan.audience.sender, datetime.now(UTC)
    row = {
        "id": secrets.token_urlsafe(12),
        "party": sender.party,
        "application": sender.application,
        "key": plan.key,
        "digest": plan.digest(),
        "connector": plan.connector,
        "recipient": plan.audience.recipient,
        "purpose": sender.purpose,
        "name": plan.name,
        "by": plan.audience.by.value,
        "wanted": orjson.dumps(dict(plan.audience.wanted)).decode(),
        "scopes": orjson.dumps(sorted(sender.scopes)).decode(),
        "datasets": None if sender.datasets is None else orjson.dumps(sorted(sender.datasets)).decode(),
        "user_id": sender.user,
        "authorization_id": sender.grant,
        "state": ActivationState.PLANNED.value,
        "looks": 0,
        "created_at": instant(now),
        "updated_at": instant(now),
        "due": time.time(),
    }
    async with immediate(engine) as connection:
        if found := await _planned(connection, plan):
            return found
        await connection.execute(insert(activations), row)
        return await _one(connection, activations.c.id == row["id"])


async def forget(engine: AsyncEngine, now: datetime) -> None:
    """Delete those that have been over for long."""
    over = activations.c.due.is_(None), activations.c.updated_at < instant(now - KEPT)
    async with immediate(engine) as connection:
        await connection.execute(delete(activations).where(*over))


async def find(engine: AsyncEngine, party: str, activation: str) -> Row | None:
    """A party's own activation."""
    mine = activations.c.id == activation, activations.c.party == party
    async with engine.connect() as connection:
        return await _one(connection, *mine)


async def _one(connection: AsyncConnection, *which: ColumnElement[bool]) -> Row | None:
    """The row, as the engine takes rows."""
    found = (await connection.execute(select(activations).where(*which))).one_or_none()
    return row_type(tuple(activations.c.keys()))(*found) if found is not None else None


def audience_of(row: Row) -> Audience:
    """The audience of an activation, chosen as its sender could when it was taken on."""
    wanted: Mapping[str, Any] = orjson.loads(row.wanted)
    datasets = None if row.datasets is None else frozenset(map(tuple, orjson.loads(row.datasets)))
    scopes = frozenset(orjson.loads(row.scopes))
    sender = Caller(
        row.party,
        row.application,
        scopes,
        row.purpose,
        user=row.user_id,
        datasets=datasets,
        grant=row.authorization_id,
    )
    return Audience(sender, row.recipient, ContactKind(row.by), wanted)
