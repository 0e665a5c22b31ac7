"""The gateway's door on a real socket, and how a test knocks at it."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from gateway.app import create_app
from gateway.endpoint.media_types import GRAPHQL_JSON, JSON
from gateway.logs import JsonFormatter
from gateway.oauth.keys import signing_keys
from gateway.oauth.tokens import Caller, issue
from gateway.settings import Settings
from gateway.store.database import writer
from gateway.workers import configuration
from tests.conftest import ALL_SCOPES, ORIGIN, empty_database
from tests.world import small_world, write

CALLER = {"query": "{ caller { party } }"}
KINDS = (JSON, GRAPHQL_JSON)
both_kinds = pytest.mark.parametrize("kind", KINDS)


@dataclass
class Door:
    """A gateway that listens on a real socket, and how a test knocks."""

    settings: Settings
    port: int
    client: httpx.Client
    scopes: str = ALL_SCOPES["ALIBABA"]

    def token(self, lifetime: int = 300, **other: Any) -> str:
        """A token of Alibaba's; `other` replaces what is the gateway's own in it."""
        now = int(time.time())
        application = other.get("application", "app")
        caller = Caller("ALIBABA", application, frozenset(self.scopes.split()), "analytics", now + lifetime)
        keys = other.get("keys") or signing_keys(self.settings.state)
        issuer, audience = (
            other.get("issuer", self.settings.issuer),
            other.get("audience", self.settings.audience),
        )
        return issue(caller, keys, issuer, audience, now)

    def post(self, body: Any, **headers: str) -> httpx.Response:
        """POST a body, JSON for anything but bytes, as a caller in good standing unless the headers say otherwise."""
        sent = {"content-type": JSON, "authorization": f"Bearer {self.token()}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(
            "/graphql", content=content, headers={k: v for k, v in sent.items() if v is not None}
        )

    def get(self, parameters: Any, method: str = "GET", **headers: str | None) -> httpx.Response:
        """GET an operation, in parameters or an address that has them, as a caller in good standing."""
        sent = {"authorization": f"Bearer {self.token()}", "accept": "*/*"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}  # type: ignore[misc]
        kept = {k: v for k, v in sent.items() if v is not None}
        if isinstance(parameters, str):
            return self.client.request(method, f"/graphql?{parameters}", headers=kept)
        return self.client.request(method, "/graphql", params=parameters, headers=kept)

    def raw(self, *parts: bytes, pause: float = 0) -> bytes:
        """Send bytes as they are; all that comes back until the gateway closes, or has said nothing for long."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=8) as connection:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
            found = b""
            try:
                while more := connection.recv(65536):
                    found += more
            except TimeoutError:
                pass
            return found

    def head(self, **headers: str) -> bytes:
        """The head of a POST as it is on the wire."""
        sent = {"Host": "gateway", "Content-Type": JSON, "Authorization": f"Bearer {self.token()}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = ["POST /graphql HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"


@contextmanager
def listening(app: ASGIApp) -> Iterator[int]:
    """The port of an app that listens on a loopback socket, in a thread of its own, as `gateway serve` runs it."""
    server = uvicorn.Server(configuration(app, "127.0.0.1", 0))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


async def filled(state: Path, **options: Any) -> Settings:
    """The settings of a gateway over the small world."""
    found = Settings(state=state, origin=ORIGIN, **options)
    await empty_database(found)
    database = writer(found.database)
    async with database.begin() as connection:
        await write(connection, small_world())
    await database.dispose()
    return found


@contextmanager
def opened(app: ASGIApp, used: Settings) -> Iterator[Door]:
    """The door of a gateway."""
    with listening(app) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        yield Door(used, port, client)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """The gateway's own."""
    used = asyncio.run(filled(tmp_path_factory.mktemp("door")))
    with opened(create_app(used), used) as found:
        yield found


def check(response: httpx.Response, status: int, code: str, kind: str = JSON) -> str:
    """A refusal in the form every answer of the door has; its message."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == f"{kind}; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["vary"] == "Authorization, Accept"
    assert response.headers["x-request-id"]
    body = response.json()
    # A request error has no data, not even null (GraphQL specification, 7.1.2).
    assert body.keys() == {"errors"}
    assert body["errors"][0]["extensions"]["code"] == code
    message: str = body["errors"][0]["message"]
    assert message
    return message


class Lines(logging.Handler):
    """The lines that the gateway's log would have."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(self.format(record))


@contextmanager
def logged() -> Iterator[Lines]:
    """Everything that any logger says, at any level."""
    root, found = logging.getLogger(), Lines()
    level = root.level
    root.addHandler(found)
    root.setLevel(logging.DEBUG)
    yield found
    root.removeHandler(found)
    root.setLevel(level)


@pytest.fixture
def log() -> Iterator[Lines]:
    """What is logged during a test."""
    with logged() as found:
        yield found
