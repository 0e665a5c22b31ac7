"""Consents: what the demo's clients said when they were asked."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.access.agreements import CONTRACT, consents
from gateway.clients.client import clients
from gateway.demo.lots import lot

SINCE = "2017-01-01T00:00:00Z"

SHARE = 0.6
OFFERS = 0.92
"""How many let themselves be shown offers: more, for something is promised for it, and so an audience of all of
AliExpress's clients is large enough for myTarget, and one of a region is not."""


async def seed_consents(connection: AsyncConnection) -> int:
    """Have about their share of the clients consent, to each recipient and purpose of the contract by itself.

    Returns how many consents are new; what a client said before stands. The caller commits.
    """
    asked = sorted({(a.recipient, purpose) for a in CONTRACT.agreements for purpose in a.purposes})
    known = (await connection.execute(select(clients.c.id))).scalars().all()
    given = [
        {"client_id": client, "recipient": recipient, "purpose": purpose, "valid_from": SINCE}
        for client in known
        for recipient, purpose in asked
        if lot("consent", client, recipient, purpose) < _share(purpose) * 2**64
    ]
    if not given:
        return 0
    return (await connection.execute(insert(consents).on_conflict_do_nothing(), given)).rowcount


def _share(purpose: str) -> float:
    return OFFERS if purpose == "targeted_offers" else SHARE
