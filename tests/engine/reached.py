"""What a caller reaches in a small world: the real database and the real rules, without HTTP in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.access.pseudonyms import Pseudonyms, pseudonyms
from gateway.access.request import Access
from gateway.engine.run import Reach
from gateway.oauth.tokens import Caller
from gateway.settings import Settings
from gateway.store.database import writer
from gateway.store.queries import Query, Row
from gateway.store.readers import Readers
from tests.conftest import empty_database
from tests.world import speaking_world, write


class Listening(Readers):
    """Callers' connections that keep the SQL of what was asked of them."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, 3)
        self.heard: list[str] = []

    async def fetch(self, caller: Caller, query: Query, **values: Any) -> list[Row]:
        """See `Readers`."""
        self.heard.append(query.sql)
        return await super().fetch(caller, query, **values)


@dataclass(slots=True)
class World:
    """A small world with its secret; `sql` is what was asked of its database."""

    readers: Listening
    secret: Pseudonyms
    sql: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.sql = self.readers.heard

    def reach(self, caller: Caller) -> Reach:
        """What the batch functions of one operation of this caller get."""
        return lambda asked: Access(caller, self.readers, self.secret, asked=asked)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[World]:
    """The world of `speaking_world` in a folder of its own."""
    settings = Settings(state=folder)
    await empty_database(settings)
    database = writer(settings.database)
    async with database.begin() as connection:
        await write(connection, speaking_world())
    await database.dispose()
    readers = Listening(settings.database)
    await readers.open()
    yield World(readers, pseudonyms(folder))
    await readers.close()
