"""Audiences: which clients one is of, and what of their contacts may be sent to whom.

Two callers ask the database. To the sender it gives the clients that the sender may see and has chosen; to the
recipient it gives, of these, the contacts of those who have consented to the recipient and the purpose, and only where
an agreement lets the recipient have them (the row rule of `contacts`). What is withdrawn is missing from the next page
on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from sqlalchemy import bindparam, column, select
from sqlalchemy import table as plain_table

from gateway.access.request import Reader
from gateway.activations.deliveries import ContactKind, Delivery
from gateway.clients.accounts import contacts
from gateway.clients.client import client_keys
from gateway.oauth.tokens import Caller
from gateway.store.queries import Query, Row, as_keys, keys

PAGE = 2_000

CONTACTS = frozenset({"clients:pii"})
"""The scope under which contacts are read, by the gateway, and never shown."""


_RIGHTS = plain_table("caller_right", column("owner"), column("dataset"))


@dataclass(frozen=True, slots=True)
class Audience:
    """The clients that a sender chose, as a recipient may have them."""

    sender: Caller
    recipient: str
    by: ContactKind
    wanted: Mapping[str, Any]

    @property
    def reader(self) -> Caller:
        """The recipient, as the database knows it."""
        return Caller(self.recipient, self.sender.application, CONTACTS, self.sender.purpose)


async def agreed(readers: Reader, audience: Audience) -> bool:
    """Whether the sender's token is for its own contacts, and an agreement lets the recipient have them, now."""
    sender = audience.sender
    if sender.datasets is not None and (sender.party, contacts.name) not in sender.datasets:
        return False
    return bool(await readers.fetch(audience.reader, _right(), party=sender.party))


async def reaches(readers: Reader, audience: Audience, delivery: Delivery) -> int:
    """How many different items there are to send; counted no further than to the least that the partner takes."""
    found: set[str] = set()
    async for page in _pages(readers, audience, delivery):
        found.update(page)
        if len(found) >= delivery.minimum:
            break
    return len(found)


async def gathered(readers: Reader, audience: Audience, delivery: Delivery) -> list[str]:
    """All there is to send at this moment, each item once; of too many, so many of them."""
    # In the order of the clients' ids, which are random; sorting a million would hold everything up for a second.
    found: dict[str, None] = {}
    async for page in _pages(readers, audience, delivery):
        found.update(dict.fromkeys(page))
        if len(found) >= delivery.maximum:
            break
    return list(islice(found, delivery.maximum))


async def _pages(readers: Reader, audience: Audience, delivery: Delivery) -> AsyncIterator[list[str]]:
    """The items of so many clients at a time."""
    recipient = audience.reader
    item, after = delivery.items[audience.by], None
    while True:
        place: dict[str, Any] = {} if after is None else {"after": after}
        query = client_keys(audience.wanted, after is not None)
        chosen = await readers.fetch(audience.sender, query, limit=PAGE, **place, **audience.wanted)
        if not chosen:
            return
        level = as_keys([row.key for row in chosen])
        rows = await readers.fetch(recipient, _contacts(), keys=level, party=audience.sender.party)
        yield await asyncio.to_thread(_items, item, rows)
        after = chosen[-1].key


def _items(item: Any, rows: Sequence[Row]) -> list[str]:
    return [found for found in map(item, rows) if found is not None]


@cache
def _contacts() -> Query:
    columns = contacts.c
    return Query(
        select(columns.client_id, columns.email, columns.phone)
        .where(columns.client_id.in_(select(keys().c.value)))
        .where(columns.party == bindparam("party"))
    )


@cache
def _right() -> Query:
    mine = _RIGHTS.c.owner == bindparam("party"), _RIGHTS.c.dataset == contacts.name
    return Query(select(_RIGHTS.c.dataset).where(*mine).limit(1))
