"""Where a command works: one transaction on the database that the settings name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.app import prepare
from gateway.errors import SettingsError
from gateway.settings import Settings, load
from gateway.store.database import immediate, writer

T = TypeVar("T")


def run(work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """What `work` gives, done as a whole or not at all, on a database that is brought to the newest form first.

    Raises `SettingsError` for settings that cannot be used, and for a database that others keep busy.
    """
    return asyncio.run(_run(load(), work))


async def _run(settings: Settings, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    await prepare(settings)
    engine = writer(settings.database)
    try:
        async with immediate(engine) as connection:
            return await work(connection)
    except TimeoutError:
        raise SettingsError("the database is busy; nothing was done, try again in a moment") from None
    finally:
        await engine.dispose()
