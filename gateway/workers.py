"""Workers: the gateway served by one process or several, all of one state folder."""

from __future__ import annotations

import gc
import math
import os
import socket

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from gateway import leaving
from gateway.app import create_app
from gateway.draining import Server
from gateway.errors import SettingsError
from gateway.logs import configure
from gateway.protocol import Protocol
from gateway.settings import Settings, load
from gateway.supervisor import Supervisor
from gateway.telemetry import tracing
from gateway.telemetry.exposition import exposed, share_among_workers

SLOW = 5
"""Seconds that an answer in flight may take beyond an operation's deadline, when all else has ended."""


def settle() -> None:
    """What exists now lives as long as the process; the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


def served() -> Starlette:
    """The gateway as a worker process makes it for itself, by the same settings as all others."""
    configure()
    settings = load()
    tracing.start(settings.trace_context)
    application = create_app(settings)
    settle()
    return application


def configuration(
    application: ASGIApp | str, host: str, port: int, workers: int = 1, settings: Settings | None = None
) -> uvicorn.Config:
    """How anything of ours is served: it logs in its own way, and does not say what it runs on.

    `settings` say how long an operation may take, and how large a message over a WebSocket may be.
    """
    settings = settings or Settings()
    return uvicorn.Config(
        application,
        host,
        port,
        workers=workers,
        factory=isinstance(application, str),
        log_config=None,
        log_level="warning",
        access_log=False,
        http=Protocol,
        server_header=False,
        timeout_graceful_shutdown=math.ceil(settings.deadline) + SLOW,
        # Packed messages would be a bomb: they unpack to a thousand times what came, all that came at once together,
        # before anyone is asked who sent it.
        ws_per_message_deflate=False,
        # The gateway itself says of a smaller one that it is too big; it counts characters, of 4 bytes at most.
        ws_max_size=4 * settings.max_body,
    )


async def run(server: uvicorn.Server, sockets: list[socket.socket] | None = None) -> None:
    """Serve in this process until it is told to end. Raises `SettingsError` when nothing could be served."""
    await server.serve(sockets)
    if not server.started:
        raise SettingsError(f"nothing is served on port {server.config.port}; the log says why")


def serve(host: str, port: int, workers: int) -> None:
    """Serve the gateway until SIGTERM or Ctrl-C, with so many processes; its database must have been prepared.

    A worker that dies is replaced; SIGHUP replaces all of them, one after another. Raises `SettingsError` for settings
    that cannot be used, and when nothing could be served.
    """
    settings = load()
    tracing.wanted(os.environ)
    if workers == 1:
        config = configuration(served(), host, port, settings=settings)
        server = Server(config, settings.drain)
        with _bound(config) as listening, exposed(settings):
            uvloop.run(run(server, [listening]))
    else:
        # What would stop every worker stops here, in one line; and the keys are made before they race for it.
        create_app(settings)
        _serve_together(configuration("gateway.workers:served", host, port, workers, settings), settings)


def _bound(config: uvicorn.Config) -> socket.socket:
    try:
        return config.bind_socket()
    except SystemExit:
        raise SettingsError(f"nothing is served on port {config.port}; the log says why") from None


def _serve_together(config: uvicorn.Config, settings: Settings) -> None:
    share_among_workers(settings)
    answering = config.timeout_keep_alive + (config.timeout_graceful_shutdown or 0)
    patience = answering + leaving.PATIENCE + tracing.FLUSH + SLOW
    with _bound(config) as listening:
        together = Supervisor(config, [listening], settings.drain, patience)
        with exposed(settings, lambda: together.workers):
            together.run()
    if any(worker.exitcode == STARTUP_FAILURE for worker in together.processes):
        raise SettingsError("a worker could not start; the log says why")
