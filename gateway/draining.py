"""Draining: a server that fails no request when it is told to end.

SIGTERM: it is not ready from then on, so that a balancer sends no more, and still answers all that comes for a while.
Then it stops accepting, as with SIGHUP at once. Clients are told with each answer to come back on another connection;
one that is idle is closed when it has been idle for as long as always, never earlier, for a request may be on its way.
Ctrl-C is for who sits before it: it ends idle connections too. The same signal again ends the process at once.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn

from gateway.leaving import leaving
from gateway.telemetry import tracing

_TICK = 0.05


class Server(uvicorn.Server):
    """uvicorn's server, that takes new requests for `drain` seconds after SIGTERM."""

    def __init__(self, config: uvicorn.Config, drain: float = 0.0) -> None:
        super().__init__(config)
        self._drain = drain
        self._told: set[int] = set()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """See uvicorn; a hang-up too ends the server, and fails nothing."""
        with super().capture_signals():
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGHUP, self.handle_exit)
            yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to leave; told the same again, end as the signal ends everybody."""
        # A terminal that is closed hangs up on everybody, and so does the supervisor then.
        if sig in self._told and sig != signal.SIGHUP:
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        self._told.add(sig)
        leaving.begin(unready=sig == signal.SIGTERM)
        self.should_exit = True
        if sig == signal.SIGINT:
            # Whoever pressed Ctrl-C is told how it ended.
            self._captured_signals.append(sig)

    async def main_loop(self) -> None:
        """Serve until the end is asked for, and, for a balancer's sake, a while longer."""
        await super().main_loop()
        clock = asyncio.get_running_loop().time
        end, counter = clock() + self._drain, 0
        while self._told == {signal.SIGTERM} and clock() < end:
            await self.on_tick(counter)
            counter += 1
            await asyncio.sleep(min(0.1, max(0.0, end - clock())))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, answer what is in flight, end what would go on, and send the last spans."""
        leaving.begin(unready=False)
        await self._stop_accepting(sockets or [])
        await leaving.end()
        if signal.SIGINT not in self._told:
            await self._wait_for_idle()
        await super().shutdown(sockets)
        await asyncio.to_thread(tracing.stop)

    async def _stop_accepting(self, sockets: list[socket.socket]) -> None:
        """Stop listening, and take whoever waits at sockets of ours: the kernel has promised them to be heard."""
        spare = [each.dup() for each in sockets]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for each in spare:
            waiting = []
            with each:
                each.setblocking(False)
                try:
                    while True:
                        waiting.append(each.accept()[0])
                except OSError:
                    pass
            for connection in waiting:
                connection.setblocking(False)
                await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        protocol: Any = self.config.http_protocol_class
        made: asyncio.Protocol = protocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    async def _wait_for_idle(self) -> None:
        """Wait until nobody's connection is idle, or has been for as long as one may be."""
        clock = asyncio.get_running_loop().time
        end = clock() + self.config.timeout_keep_alive + 1
        while clock() < end and any(map(_is_idle, self.server_state.connections)):  # noqa: ASYNC110 - as uvicorn
            await asyncio.sleep(_TICK)


def _is_idle(connection: Any) -> bool:
    """Whether an HTTP connection waits for its next request, or its first."""
    if not hasattr(connection, "timeout_keep_alive_task"):
        return False
    return connection.cycle is None or connection.cycle.response_complete
