"""Trusted documents: the GraphQL documents that an application has registered, and may run by their ids."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Column, ForeignKey, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.oauth.applications import applications
from gateway.store.followed import Followed
from gateway.store.tables import Instant, table

trusted_documents = table(
    "trusted_documents",
    Column("application", Text, ForeignKey("applications.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("document", Text, nullable=False),
    Column("registered_at", Instant, nullable=False),
)
"""`id` is what the application's own tools made of the document, most often its SHA-256 in hex."""

MAX_DOCUMENTS, MAX_CHARACTERS = 5_000, 10_000_000
"""What an application may register: every worker has all of it in memory."""

_PART = 250


def digest(document: str) -> str:
    """SHA-256 of a document's text, in hex; a text that is no Unicode has one too."""
    return sha256(document.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Trusted:
    """The documents of one application, by id and by the SHA-256 of their text; `only` where it may run no others."""

    only: bool
    by_id: Mapping[str, str]
    by_hash: Mapping[str, str]

    def find(self, id: str) -> str | None:
        """The document of an id: its own, or `sha256:` and the hash (GraphQL over HTTP, A), or the hash alone."""
        return self.by_id.get(id) or self.by_hash.get(id.removeprefix("sha256:"))


_NOTHING = Trusted(False, {}, {})


class TrustedDocuments(Followed):
    """The trusted documents of all applications as one worker knows them, whole, so that a request waits for nothing.

    `clock` gives seconds that never go back.
    """

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(engine, "trusted documents", clock)
        self._of: dict[str, Trusted] = {}
        self._versions: dict[str, tuple[int, int]] = {}

    def of(self, application: str) -> Trusted:
        """Those of an application. Raises `Refusal` 503 where nobody can know."""
        self.check("Which documents the application may run")
        return self._of.get(application, _NOTHING)

    async def load(self, connection: AsyncConnection) -> None:
        """Read those of each application of which something changed. Raises `SQLAlchemyError`."""
        columns = applications.c
        used = (columns.trusted_only != 0) | (columns.documents_version != 0)
        query = select(columns.id, columns.trusted_only, columns.documents_version).where(used)
        versions = {id: (only, version) for id, only, version in await connection.execute(query)}
        changed = [id for id, version in versions.items() if self._versions.get(id) != version]
        found = {id: await _read(connection, id, bool(versions[id][0])) for id in changed}
        self._of = {id: found.get(id) or self._of[id] for id in versions}
        self._versions = versions


async def _read(connection: AsyncConnection, application: str, only: bool) -> Trusted:
    columns = trusted_documents.c
    query = select(columns.id, columns.document).where(columns.application == application)
    by_id: dict[str, str] = {}
    by_hash: dict[str, str] = {}
    # Some at a time, for there may be thousands, and requests wait meanwhile.
    async for rows in (await connection.stream(query)).partitions(_PART):
        by_id |= {row.id: row.document for row in rows}
        by_hash |= await asyncio.to_thread(_hashed, [row.document for row in rows])
    return Trusted(only, by_id, by_hash)


def _hashed(documents: Iterable[str]) -> Mapping[str, str]:
    return {digest(each): each for each in documents}
