"""Linking: which accounts of different parties are one client.

Accounts meet through tokens: keyed hashes of normalised contacts, so that what is compared says nothing to
whoever lacks the secret. An e-mail address is enough; a phone number, which operators give out again, needs
the name or the birth year beside it. What is doubtful stays apart: two clients can be joined later, but what
was shown of two people as one is not taken back.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, count, product
from typing import Any, NamedTuple

from sqlalchemy import Select, Table, Update, bindparam, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clients.accounts import accounts, profiles
from gateway.clients.client import clients
from gateway.clients.contacts import NORMALISER, hashed_email, hashed_phone, name_key
from gateway.store.queries import Row
from gateway.store.tables import metadata


@dataclass(frozen=True, slots=True)
class LinkReport:
    """What a run of `link` did.

    Of all `accounts`, `linked` got a client in this run, for which `founded` clients were made. `refused`
    matches were left alone: a token that several accounts of one party share, or accounts that cannot be one
    client. `stamped` rows of other tables got the client of their account.
    """

    accounts: int
    linked: int
    founded: int
    refused: int
    stamped: int


class Evidence(NamedTuple):
    """What is known of an account for linking; e-mail, phone and name are tokens."""

    account: str
    party: str
    client: int | None
    email: bytes | None
    phone: bytes | None
    name: bytes | None
    birth_year: int | None


Group = list[Evidence]
"""Accounts that are one client; at most one of each party."""

_STRONGEST_FIRST: tuple[Callable[[Evidence], object], ...] = (
    lambda one: one.email,
    lambda one: one.phone and one.name and (one.phone, one.name),
    lambda one: one.phone and one.birth_year and (one.phone, one.birth_year),
)


async def link(connection: AsyncConnection, secret: bytes) -> LinkReport:
    """Give every account without a client one, then write each account's client on all rows of that account.

    An account that has a client keeps it, and clients are never joined. A new client's id follows from
    `secret` and its founding account. A second run changes nothing. The caller commits.
    """
    rows = (await connection.execute(_known())).all()
    groups, refused = await asyncio.to_thread(lambda: grouped([_evidence(row, secret) for row in rows]))
    linked, founded = _assigned(groups, secret)
    if founded:
        await connection.execute(
            insert(clients).on_conflict_do_nothing(), [{"id": client} for client in founded]
        )
    if linked:
        await connection.execute(_assignment(), linked)
    return LinkReport(len(rows), len(linked), len(founded), refused, await _stamp(connection))


def grouped(evidence: Sequence[Evidence]) -> tuple[list[Group], int]:
    """The accounts by client, as far as the evidence goes, and how many matches were refused."""
    groups = _linked_before(evidence)
    refused = 0
    for key in _STRONGEST_FIRST:
        for alike in _alike(evidence, key):
            if len({one.party for one in alike}) < len(alike):
                # Several accounts of one party share it: a family's mailbox, a placeholder. No proof.
                refused += 1
                continue
            refused += sum(not _joined(groups, left, right) for left, right in combinations(alike, 2))
    return list({id(group): group for group in groups.values()}.values()), refused


def _linked_before(evidence: Iterable[Evidence]) -> dict[str, Group]:
    by_client: dict[object, Group] = defaultdict(list)
    groups = {}
    for one in evidence:
        groups[one.account] = by_client[one.account if one.client is None else one.client]
        groups[one.account].append(one)
    return groups


def _alike(evidence: Iterable[Evidence], key: Callable[[Evidence], object]) -> list[Group]:
    found: dict[object, Group] = defaultdict(list)
    for one in evidence:
        if value := key(one):
            found[value].append(one)
    return [group for group in found.values() if len(group) > 1]


def _joined(groups: dict[str, Group], one: Evidence, other: Evidence) -> bool:
    """Whether the two are in one group, if need be after joining theirs."""
    left, right = groups[one.account], groups[other.account]
    if left is right:
        return True
    if any(_apart(a, b) for a, b in product(left, right)):
        return False
    left += right
    groups.update((member.account, left) for member in right)
    return True


def _apart(one: Evidence, other: Evidence) -> bool:
    """Whether two accounts cannot be one client, whatever else agrees."""
    if one.party == other.party or (one.client is not None and other.client is not None):
        return True
    names = one.name and other.name and one.name != other.name
    years = one.birth_year and other.birth_year and one.birth_year != other.birth_year
    return bool(names and years)


def _assigned(groups: Iterable[Group], secret: bytes) -> tuple[list[dict[str, Any]], list[int]]:
    """The client of each account that has none yet, and the clients to be made for that."""
    taken = {one.client for group in groups for one in group}
    linked, founded = [], []
    for group in groups:
        client = next((one.client for one in group if one.client is not None), None)
        if client is None:
            client = _new_client(secret, min(one.account for one in group), taken)
            taken.add(client)
            founded.append(client)
        linked += [{"account": one.account, "client": client} for one in group if one.client is None]
    return linked, founded


def _new_client(secret: bytes, account: str, taken: set[int | None]) -> int:
    """The first free id in the founding account's own sequence of 63-bit numbers."""
    for attempt in count():
        client = int.from_bytes(_token(secret, f"client {attempt}", account)[:8], "big") >> 1
        if client not in taken:
            break
    return client


def _evidence(row: Row, secret: bytes) -> Evidence:
    def hidden(kind: str, text: str | None) -> bytes | None:
        return _token(secret, f"{kind} {NORMALISER}", text) if text else None

    return Evidence(
        row.id,
        row.party,
        row.client_id,
        email=hidden("email", hashed_email(row.email)),
        phone=hidden("phone", hashed_phone(row.phone)),
        name=hidden("name", name_key(row.name)),
        birth_year=row.birth_year,
    )


def _token(secret: bytes, kind: str, text: str) -> bytes:
    return hmac.digest(secret, f"{kind}\x1f{text}".encode(), "sha256")


def _known() -> Select[Any]:
    columns = (accounts.c.id, accounts.c.party, accounts.c.client_id)
    contacts = (profiles.c.name, profiles.c.email, profiles.c.phone, profiles.c.birth_year)
    joined = accounts.outerjoin(profiles, profiles.c.account_id == accounts.c.id)
    return select(*columns, *contacts).select_from(joined).order_by(accounts.c.id)


def _assignment() -> Update:
    return update(accounts).where(accounts.c.id == bindparam("account")).values(client_id=bindparam("client"))


async def _stamp(connection: AsyncConnection) -> int:
    stamped = 0
    for table in metadata.sorted_tables:
        if {"account_id", "client_id"} <= set(table.c.keys()):
            stamped += (await connection.execute(_stamping(table))).rowcount
    return stamped


def _stamping(table: Table) -> Update:
    return (
        update(table)
        .where(table.c.account_id == accounts.c.id)
        .where(table.c.client_id.is_distinct_from(accounts.c.client_id))
        .values(client_id=accounts.c.client_id)
    )
