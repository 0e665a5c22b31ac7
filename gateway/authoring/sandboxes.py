"""Sandboxes: a connector's partner stood in for on a loopback port, over a small part of the demo's world."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from gateway.connector import Connector, Upstream
from gateway.errors import SettingsError

HOUSEHOLDS = 300
"""Enough for what is seldom: a member without a phone, an order taken back."""


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """An application on a free loopback port while the block runs; its address."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def stood_in(connector: Connector, folder: Path) -> AsyncIterator[Upstream]:
    """The way to the connector's sandbox, which serves what is furnished in `folder`. Raises `SettingsError`."""
    if connector.sandbox is None or connector.furnish is None:
        raise SettingsError(f"connectors/{connector.name} has no sandbox")
    # The data's packages are not there outside the demo.
    from gateway.demo.world import World

    await asyncio.to_thread(connector.furnish, World.complete_journey(households=HOUSEHOLDS), folder)
    keys = {name: secrets.token_urlsafe(12) for name in connector.settings}
    async with (
        served(connector.sandbox(folder, keys)) as url,
        Upstream(connector.name, {**keys, "url": url}) as upstream,
    ):
        yield upstream
