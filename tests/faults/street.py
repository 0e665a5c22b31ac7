"""The street: all partners' sandboxes behind one real socket, in a thread of its own, told to misbehave."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

from gateway.connector import Connector
from gateway.sandboxes.connections import reachable
from gateway.sandboxes.faults import Fault
from gateway.sandboxes.faulty import Faulty
from tests.partners import FOLDERS, keys_of


class Street:
    """Every partner at `/<name>`, with the keys that it accepts."""

    def __init__(self, books: Path, connectors: Mapping[str, Connector] = FOLDERS) -> None:
        self.keys = {name: keys_of(each) for name, each in connectors.items()}
        self.partners: dict[str, Faulty] = {}
        self.address = ""
        for name, each in connectors.items():
            assert each.sandbox is not None
            self.partners[name] = Faulty(each.sandbox(books, self.keys[name]), each.faults)

    def settings(self, name: str) -> dict[str, str]:
        """What leads to a partner."""
        return {**self.keys[name], "url": f"{self.address}/{name}"}

    def tell(self, partner: str, fault: str, **how: Any) -> None:
        """Put a fault in force."""
        found = self.partners[partner]
        found.tell(Fault.told({"fault": fault, **how}, found.known))

    def struck(self, partner: str) -> int:
        """How many calls to a partner were struck."""
        return sum(each.struck for each in self.partners[partner].told)

    def forget(self) -> None:
        """All behave well again."""
        for each in self.partners.values():
            each.forget()

    def stalls(self) -> float | None:
        """How long a TLS handshake is left unanswered, as any of them was told."""
        return next(filter(None, (each.stalls() for each in self.partners.values())), None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on to the partner whose name begins the path."""
        _, name, path = scope["path"].split("/", 2)
        own = {**scope, "path": f"/{path}", "raw_path": f"/{path}".encode()}
        await self.partners[name](own, receive, send)


@contextmanager
def street(books: Path) -> Iterator[Street]:
    """The partners at work; they end with the block."""
    found = Street(books)
    config = reachable(uvicorn.Config(found, log_config=None, access_log=False, ws="none", lifespan="off"))
    config.timeout_graceful_shutdown = 0
    server = uvicorn.Server(config)
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        found.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        up = threading.Event()
        thread = threading.Thread(target=_serve, args=(server, listening, up))
        thread.start()
        try:
            assert up.wait(10)
            yield found
        finally:
            server.should_exit = server.force_exit = True
            thread.join(10)


def _serve(server: uvicorn.Server, listening: socket.socket, up: threading.Event) -> None:
    async def serve() -> None:
        task = asyncio.create_task(server._serve([listening]))
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        up.set()
        await task

    asyncio.run(serve())
