"""Workers: the gateway served by one process or several, all of one state folder."""

from __future__ import annotations

import gc
import logging

import uvicorn
import uvloop
from starlette.applications import Starlette
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from gateway.app import create_app
from gateway.errors import SettingsError
from gateway.logs import configure
from gateway.settings import load

logger = logging.getLogger("gateway.workers")


def settle() -> None:
    """What exists now lives as long as the process; the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def served() -> Starlette:
    """The gateway as a worker process makes it for itself, by the same settings as all others."""
    configure()
    application = create_app(load())
    settle()
    return application


def configuration(application: Starlette | str, host: str, port: int, workers: int = 1) -> uvicorn.Config:
    """How anything of ours is served: it logs in its own way, and does not say what it runs on."""
    return uvicorn.Config(
        application,
        host,
        port,
        workers=workers,
        factory=isinstance(application, str),
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
    )


async def run(server: uvicorn.Server) -> None:
    """Serve in this process until it is told to end. Raises `SettingsError` when nothing could be served."""
    await server.serve()
    if not server.started:
        raise SettingsError(f"nothing is served on port {server.config.port}; the log says why")


def serve(host: str, port: int, workers: int) -> None:
    """Serve the gateway until SIGTERM or Ctrl-C, with so many processes; its database must have been prepared.

    A worker that dies is replaced; SIGHUP replaces all of them, one after another. Raises `SettingsError` for settings
    that cannot be used, and when nothing could be served.
    """
    if workers == 1:
        uvloop.run(_serve_alone(host, port))
    else:
        # What would stop every worker stops here, in one line; and the keys are made before they race for it.
        create_app(load())
        _serve_together(configuration("gateway.workers:served", host, port, workers))


async def _serve_alone(host: str, port: int) -> None:
    await run(uvicorn.Server(configuration(served(), host, port)))


def _serve_together(config: uvicorn.Config) -> None:
    try:
        listening = config.bind_socket()
    except SystemExit:
        raise SettingsError(f"nothing is served on port {config.port}; the log says why") from None
    try:
        together = Multiprocess(config, [listening])
        together.run()
    finally:
        listening.close()
    if any(worker.exitcode == STARTUP_FAILURE for worker in together.processes):
        raise SettingsError("a worker could not start; the log says why")
