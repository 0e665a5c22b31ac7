"""The audit trail: who changed what may be done with the gateway, and when; it only grows."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Column, Integer, Text, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.tables import Instant, instant, table

audit_entries = table(
    "audit_entries",
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", Text, nullable=False),
)
"""One entry a change: `action` as the command line names it (`app add`), `details` a JSON object without secrets."""


async def record(connection: AsyncConnection, action: str, subject: str, **details: Any) -> None:
    """Add an entry, in the transaction of the change itself; the actor is the user of the operating system."""
    entry = {
        "at": instant(datetime.now(UTC)),
        "actor": _actor(),
        "action": action,
        "subject": subject,
        "details": orjson.dumps(details, option=orjson.OPT_SORT_KEYS).decode(),
    }
    await connection.execute(insert(audit_entries).values(entry))


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container, the user often has a number and no name.
        return f"uid {os.getuid()}"
