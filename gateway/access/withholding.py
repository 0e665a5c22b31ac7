"""Withholding: rights of the contract that are revoked for the time being, and given back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.access.agreements import Right, withheld, write_rights
from gateway.store.tables import instant

Key = tuple[str, str, str, str]
"""A right: recipient, owner, dataset, purpose."""


def key(right: Right) -> Key:
    """By what a right is told from others."""
    return right.recipient, right.owner, right.dataset, right.purpose


async def withheld_rights(connection: AsyncConnection) -> dict[Key, str]:
    """What is withheld, and since when."""
    return {(row[0], row[1], row[2], row[3]): row[4] for row in await connection.execute(select(withheld))}


async def withhold(
    connection: AsyncConnection, revoked: Iterable[Right], declared: Iterable[Right]
) -> list[Right]:
    """Take rights out of the agreements, of which `declared` are all there are; those that were in force till now.

    Callers' next statement is without them, and the agreements stay so when they are written anew.
    """
    now = instant(datetime.now(UTC))
    statement = insert(withheld).on_conflict_do_nothing()
    taken = []
    for right in revoked:
        row = dict(zip(withheld.c.keys(), (*key(right), now), strict=True))
        if (await connection.execute(statement, row)).rowcount == 1:
            taken.append(right)
    await write_rights(connection, declared)
    return taken


async def give_back(
    connection: AsyncConnection, granted: Iterable[Right], declared: Iterable[Right]
) -> list[Right]:
    """Put rights back into the agreements, of which `declared` are all there are; those that were withheld till now."""
    given = []
    for right in granted:
        row = dict(zip(withheld.c.keys(), key(right), strict=False))
        here = [column == row[name] for name, column in withheld.c.items() if name in row]
        if (await connection.execute(delete(withheld).where(*here))).rowcount == 1:
            given.append(right)
    await write_rights(connection, declared)
    return given
