"""A gateway whose event loop is watched: how long it is held at a time, by the processor's clock of its thread."""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp


class Watch(selectors.DefaultSelector):
    """Where a loop waits. What it does between two waits holds up everybody else.

    The time is that which the thread was given by the processor, so a busy machine makes it no longer; work in other
    threads does not count.
    """

    def __init__(self) -> None:
        super().__init__()
        self._since = time.thread_time()
        self.longest = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Note the time since the last wait, and wait."""
        self.longest = max(self.longest, time.thread_time() - self._since)
        found = super().select(timeout)
        self._since = time.thread_time()
        return found

    def forget(self) -> None:
        """Begin anew."""
        self.longest = 0.0


@contextmanager
def watched(app: ASGIApp) -> Iterator[tuple[int, Watch]]:
    """The port of an app that is served in a thread of its own, and the watch over its loop."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    watch = Watch()

    def serve() -> None:
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(watch)) as runner:
            runner.run(server.serve())

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1], watch
    finally:
        server.should_exit = True
        thread.join()
