"""The demo: what it gives its visitors, and that a state folder of an older one keeps up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from gateway.demo.run import callers
from gateway.oauth.applications import applications
from gateway.oauth.users import users
from gateway.settings import Settings
from gateway.store.database import writer
from tests.conftest import empty_database


async def rights(settings: Settings) -> list[Any]:
    """Who holds which scopes for which purposes, and what proves it."""
    database = writer(settings.database)
    async with database.connect() as connection:
        held = applications.c.id, applications.c.scopes, applications.c.purposes, applications.c.secret_hash
        found = list(await connection.execute(select(*held)))
        mine = users.c.id, users.c.scopes, users.c.purposes, users.c.password_hash
        found += list(await connection.execute(select(*mine)))
    await database.dispose()
    return sorted(map(tuple, found), key=lambda row: row[0])


async def test_an_older_demo_gains_the_rights_that_were_declared_since(tmp_path: Path) -> None:
    """Its applications and people keep their secrets and passwords, and hold what a new demo's do."""
    settings = Settings(state=tmp_path)
    await empty_database(settings)
    told = await callers(settings)
    new = await rights(settings)
    database = writer(settings.database)
    async with database.begin() as connection:
        for table in (applications, users):
            await connection.execute(update(table).values(scopes="clients:read", purposes="reporting"))
    await database.dispose()
    again = await callers(settings)
    assert await rights(settings) == new
    for kind, word in (("applications", "secret"), ("users", "password")):
        assert [each[word] for each in again[kind]] == [each[word] for each in told[kind]]
