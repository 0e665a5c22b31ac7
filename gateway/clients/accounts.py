"""Accounts: a client's identity at one partner, with the copy of personal data that partner holds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Text, bindparam, func, select

from gateway.access.request import Access
from gateway.access.rules import consented, shared
from gateway.clients.orders import Amount, orders
from gateway.store.queries import Query, Row, as_keys, keys
from gateway.store.tables import Instant, excerpt, table

accounts = table(
    "accounts",
    Column("id", Text, primary_key=True),
    Column("party", Text, nullable=False),
    Column("client_id", BigInteger, ForeignKey("clients.id")),
    Column("member_since", Instant),
    Column("region", Text),
    Index("ix_accounts_client_id", "client_id"),
    rows=shared("accounts"),
)
"""`id` is `<party>:<the partner's own account id>`; `client_id` is null until linking has seen the account."""

profiles = table(
    "profiles",
    Column("account_id", Text, primary_key=True),
    Column("party", Text, nullable=False),
    Column("client_id", BigInteger, ForeignKey("clients.id")),
    Column("name", Text),
    Column("email", Text),
    Column("phone", Text),
    Column("birth_year", Integer),
    Index("ix_profiles_client_id", "client_id"),
    rows=shared("profiles"),
)
"""The personal data of an account, as its partner wrote it."""


contacts = excerpt(
    "contacts", profiles, ("account_id", "party", "client_id", "email", "phone"), consented("contacts")
)
"""By what a client can be reached. Read for who is to get them, not for who has them: see `gateway.activations`."""


async def accounts_of(access: Access, party: str, clients: Sequence[int]) -> list[Row | None]:
    """For each client its account at `party` (the oldest, should there be several), or None."""
    found = await access.fetch(_accounts(), keys=as_keys(clients), party=party)
    first = {row.client_id: row for row in reversed(found)}
    return [first.get(client) for client in clients]


async def lifetime_values(access: Access, party: str, clients: Sequence[int]) -> list[Amount | None]:
    """For each client what it paid `party` in all, cancelled and refunded orders aside; None without an order."""
    found = await access.fetch(_paid(), keys=as_keys(clients), party=party)
    # Every partner so far trades in one currency; were there two, the larger sum would stand.
    sums = {row.client_id: Amount(row.minor, row.currency) for row in found}
    return [sums.get(client) for client in clients]


@cache
def _accounts() -> Query:
    level = select(keys().c.value)
    return Query(
        select(accounts.c.id, accounts.c.client_id, accounts.c.member_since, accounts.c.region)
        .where(accounts.c.client_id.in_(level), accounts.c.party == bindparam("party"))
        .order_by(accounts.c.member_since, accounts.c.id)
    )


@cache
def _paid() -> Query:
    level = select(keys().c.value)
    minor = func.sum(orders.c.total_minor).label("minor")
    return Query(
        select(orders.c.client_id, orders.c.currency, minor)
        .where(orders.c.client_id.in_(level), orders.c.party == bindparam("party"))
        .where(orders.c.status != "CANCELLED", orders.c.status != "REFUNDED")
        .group_by(orders.c.client_id, orders.c.currency)
        .order_by(minor)
    )
