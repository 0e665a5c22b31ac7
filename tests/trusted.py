"""Applications with trusted documents, as a test puts them beside a gateway that is at work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from sqlalchemy import delete, insert, update

from gateway.access.trusted_documents import trusted_documents
from gateway.oauth.applications import Application, applications, register
from gateway.oauth.registration import Known
from gateway.settings import Settings
from gateway.store.database import writer
from gateway.store.tables import instant

KNOWN = Known({"ALIBABA", "MAILRU", "RDIF"}, set(), {"analytics"})
BOUND = 2.0
"""Seconds within which every worker knows what was changed."""


def registered(settings: Settings, application: str, documents: Mapping[str, str], only: bool) -> None:
    """An application with exactly these documents, by id."""

    async def write() -> None:
        database = writer(settings.database)
        async with database.begin() as connection:
            ids = {row.id for row in await connection.execute(applications.select())}
            if application not in ids:
                new = Application(application, application, "ALIBABA", (), ("analytics",))
                await register(connection, new, KNOWN)
            await connection.execute(
                delete(trusted_documents).where(trusted_documents.c.application == application)
            )
            now = instant(datetime.now(UTC))
            for id, document in documents.items():
                row = {"application": application, "id": id, "document": document, "registered_at": now}
                await connection.execute(insert(trusted_documents).values(row))
            changed = {
                "trusted_only": int(only),
                "documents_version": applications.c.documents_version + 1,
            }
            await connection.execute(
                update(applications).where(applications.c.id == application).values(changed)
            )
        await database.dispose()

    asyncio.run(write())


def within_the_bound(holds: Callable[[], Any]) -> None:
    """Wait until it holds; it must within the stated bound."""
    end = time.monotonic() + BOUND
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def code(response: httpx.Response) -> str | None:
    """The code of an answer's only error; None where it has data."""
    body = response.json()
    if "data" in body:
        return None
    [error] = body["errors"]
    found: str = error["extensions"]["code"]
    return found
