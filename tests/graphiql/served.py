"""A gateway on a real socket, with a person of each party who may sign in to GraphiQL."""

from __future__ import annotations

import asyncio
import socket
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert

import gateway.demo
from gateway.app import register_graphiql
from gateway.oauth import users
from gateway.oauth.applications import applications
from gateway.settings import Settings
from gateway.store.database import writer
from tests.conftest import empty_database
from tests.peers.served import serve
from tests.people import APPLICATIONS, KNOWN
from tests.processes import CONTEXT
from tests.world import report, speaking_world, write

PASSWORD = "correct horse battery staple"

PEOPLE: dict[str, dict[str, Any]] = {
    each["party"]: each
    for each in tomllib.loads((Path(gateway.demo.__file__).parent / "users.toml").read_text())["users"]
}
"""The demo's people, by their party."""


[APPLICATION] = [each for each in APPLICATIONS if each["grant_types"] == "client_credentials"]
"""One that asks in its own name."""


async def furnish(settings: Settings) -> None:
    """Everybody of the speaking world, the quarters that the examples ask for, the people and the application."""
    await empty_database(settings)
    database = writer(settings.database)
    async with database.begin() as connection:
        await write(connection, speaking_world())
        await write(connection, report("2017Q4"))
        await connection.execute(insert(applications).values(APPLICATION))
        for person in PEOPLE.values():
            await users.add(connection, password=PASSWORD, known=KNOWN, **person)
    await database.dispose()
    await register_graphiql(settings)


@contextmanager
def serving(state: Path, **options: Any) -> Iterator[Settings]:
    """The settings of a gateway at `http://127.0.0.1:…`, in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = Settings(state=state, origin=f"http://127.0.0.1:{listener.getsockname()[1]}", **options)
        asyncio.run(furnish(settings))
        process = CONTEXT.Process(target=serve, args=(settings, listener, {}), daemon=True)
        process.start()
        try:
            httpx.get(f"{settings.origin}/healthz", timeout=20).raise_for_status()
            yield settings
        finally:
            process.kill()
            process.join()
