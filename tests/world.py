"""A small world: three parties, four clients, and rows of which each party may see its part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.access.agreements import consents
from gateway.clients.accounts import accounts, profiles
from gateway.clients.client import clients
from gateway.clients.orders import order_lines, orders

Rows = Mapping[Table, Sequence[Mapping[str, Any]]]

ADA, BORIS, CLARA, DINA = 101, 202, 303, 404
"""Ada is known to both and consented to both for analytics; Boris is known to both and never consented; Clara is
Pandao's alone and lets Alibaba analyse; Dina is AliExpress's alone and consented to nothing."""

EVERYBODY = {
    "ADA": (ADA, ("ALIBABA", "MAILRU")),
    "BORIS": (BORIS, ("ALIBABA", "MAILRU")),
    "CLARA": (CLARA, ("MAILRU",)),
    "DINA": (DINA, ("ALIBABA",)),
}

TYPES = {"ALIBABA": "AlibabaOrder", "MAILRU": "PandaoOrder"}
CURRENCIES = {"ALIBABA": "USD", "MAILRU": "RUB"}


def account(party: str, name: str, client: int, region: str | None = "RU-MOW") -> dict[str, Any]:
    """A row of `accounts`."""
    since = "2016-05-01T00:00:00Z"
    return {
        "id": f"{party}:{name}",
        "party": party,
        "client_id": client,
        "member_since": since,
        "region": region,
    }


def profile(party: str, name: str, client: int) -> dict[str, Any]:
    """A row of `profiles`; its values name the party, so that a leak shows."""
    return {
        "account_id": f"{party}:{name}",
        "party": party,
        "client_id": client,
        "name": f"{name.title()} at {party.title()}",
        "email": f"{name.lower()}@{party.lower()}.example",
        "phone": "+79160000000",
        "birth_year": 1980,
    }


def order(
    party: str, number: str, name: str, client: int, placed: str, cents: int = 1000, **more: Any
) -> dict[str, Any]:
    """A row of `orders`."""
    return {
        "id": f"{TYPES[party]}:{number}",
        "party": party,
        "account_id": f"{party}:{name}",
        "client_id": client,
        "placed_at": placed,
        "placed_at_raw": placed,
        "modified_at": placed,
        "status": "COMPLETED",
        "status_raw": "FINISH" if party == "ALIBABA" else "SHIPPED",
        "total_minor": cents,
        "currency": CURRENCIES[party],
        **more,
    }


def line(order_row: Mapping[str, Any], number: int = 1, name: str = "Tea") -> dict[str, Any]:
    """A row of `order_lines`."""
    return {
        "order_id": order_row["id"],
        "line": number,
        "product_id": f"{number}",
        "name": name,
        "category": "GROCERY",
        "quantity": 1,
        "total_minor": order_row["total_minor"],
        "currency": order_row["currency"],
    }


def consent(
    client: int, recipient: str, purpose: str = "analytics", until: str | None = None
) -> dict[str, Any]:
    """A row of `consents`."""
    return {
        "client_id": client,
        "recipient": recipient,
        "purpose": purpose,
        "valid_from": "2017-01-01T00:00:00Z",
        "valid_until": until,
    }


def small_world() -> Rows:
    """Each account has two orders, placed in the order of the alphabet and one party after the other."""
    known = [(name, client, party) for name, (client, parties) in EVERYBODY.items() for party in parties]
    placed = [
        order(
            party,
            f"{client}{number}",
            name,
            client,
            f"2017-0{number}-{client // 100:02}T1{len(party) % 7}:00:00Z",
        )
        for name, client, party in known
        for number in (1, 2)
    ]
    return {
        clients: [{"id": client} for client, _ in EVERYBODY.values()],
        accounts: [account(party, name, client) for name, client, party in known],
        profiles: [profile(party, name, client) for name, client, party in known],
        orders: placed,
        order_lines: [line(each) for each in placed],
        consents: [consent(ADA, "ALIBABA"), consent(ADA, "MAILRU"), consent(CLARA, "ALIBABA")],
    }


async def write(connection: AsyncConnection, rows: Rows) -> None:
    """Insert the rows, parents first."""
    for table in sorted(
        rows,
        key=lambda each: (
            [clients, accounts, profiles, orders, order_lines].index(each)
            if each in (clients, accounts, profiles, orders, order_lines)
            else 9
        ),
    ):
        if rows[table]:
            await connection.execute(insert(table), [dict(row) for row in rows[table]])
