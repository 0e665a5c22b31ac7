"""Registration of trusted documents: added, listed and taken away, each change in force in every worker soon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.access.trusted_documents import MAX_CHARACTERS, MAX_DOCUMENTS, trusted_documents
from gateway.errors import SettingsError
from gateway.oauth.administration import get
from gateway.oauth.applications import applications
from gateway.store.tables import instant

_columns = trusted_documents.c


async def documents(connection: AsyncConnection, application: str) -> Sequence[Mapping[str, str]]:
    """An application's documents by id: `id`, `document`, `registered_at`. Raises `SettingsError`."""
    await get(connection, application)
    query = select(_columns.id, _columns.document, _columns.registered_at)
    found = await connection.execute(query.where(_columns.application == application).order_by(_columns.id))
    return [{"id": row.id, "document": row.document, "registered_at": row.registered_at} for row in found]


async def new(connection: AsyncConnection, application: str, listed: Mapping[str, str]) -> Mapping[str, str]:
    """Those of `listed`, texts by id, that an application does not have yet.

    Raises `SettingsError` for an id that it has for another text, and for more than an application may have.
    """
    present = {row["id"]: row["document"] for row in await documents(connection, application)}
    if taken := [id for id, text in listed.items() if present.get(id, text) != text]:
        message = (
            f"{taken[0]} is registered with another text; remove that first, or give this one another id"
        )
        raise SettingsError(message)
    whole = {**present, **listed}
    if len(whole) > MAX_DOCUMENTS or sum(map(len, whole.values())) > MAX_CHARACTERS:
        most = f"{MAX_DOCUMENTS:,} documents of {MAX_CHARACTERS:,} characters together"
        raise SettingsError(f"an application may have {most}")
    return {id: text for id, text in listed.items() if id not in present}


async def add(connection: AsyncConnection, application: str, listed: Mapping[str, str]) -> None:
    """Register documents, texts by id, that the application does not have yet."""
    now = instant(datetime.now(UTC))
    rows = [
        {"application": application, "id": id, "document": text, "registered_at": now}
        for id, text in listed.items()
    ]
    if rows:
        await connection.execute(insert(trusted_documents), rows)
        await _tell(connection, application)


async def remove(connection: AsyncConnection, application: str, ids: Sequence[str]) -> None:
    """Take documents away. Raises `SettingsError` where there is no such document."""
    present = {row["id"] for row in await documents(connection, application)}
    if unknown := [id for id in ids if id not in present]:
        raise SettingsError(f"the application {application} has no document {unknown[0]}")
    for id in ids:
        statement = delete(trusted_documents).where(_columns.application == application, _columns.id == id)
        await connection.execute(statement)
    await _tell(connection, application)


async def _tell(connection: AsyncConnection, application: str) -> None:
    """Let every worker know that this application's documents changed."""
    version = applications.c.documents_version + 1
    await connection.execute(
        update(applications).where(applications.c.id == application).values(documents_version=version)
    )
