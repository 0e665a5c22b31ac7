"""Forms that do not come: whoever opens connections and forgets them holds none of the token service's, nor its log."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from gateway.oauth.forms import PATIENCE
from tests.door import Door, Lines, door, log

__all__ = ["door", "log"]

ENDPOINTS = ("token", "introspect", "revoke", "sign-in", "sign-out", "authorize")


def begun(door: Door, endpoint: str) -> socket.socket:
    """A connection on which a form was announced, and begun."""
    lines = (
        f"POST /oauth/{endpoint} HTTP/1.1",
        "Host: gateway",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Length: 100",
    )
    connection = socket.create_connection(("127.0.0.1", door.port), timeout=PATIENCE + 15)
    connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\ngrant_type=")
    return connection


@pytest.fixture
def waiting(door: Door) -> Iterator[dict[str, socket.socket]]:
    """One at each endpoint."""
    with ExitStack() as connections:
        yield {name: connections.enter_context(begun(door, name)) for name in ENDPOINTS}


def test_a_form_that_does_not_come_is_not_waited_for(waiting: dict[str, socket.socket]) -> None:
    """All at once, for each takes its time: an answer, and the end of the connection."""
    started = time.monotonic()
    for connection in waiting.values():
        found = b""
        while more := connection.recv(65536):
            found += more
        assert found.startswith(b"HTTP/1.1 408 ")
    assert PATIENCE - 1 < time.monotonic() - started < PATIENCE + 12


def test_who_hangs_up_is_let_go_without_a_word(door: Door, log: Lines) -> None:
    """Nobody is there to be answered, and anybody could fill the log with what looks like failures."""
    for name in ENDPOINTS:
        begun(door, name).close()
    answer = door.client.get("/healthz")
    time.sleep(0.5)
    assert answer.status_code == 200
    assert log.lines
    assert not [line for line in log.lines if "ClientDisconnect" in line or '"level":"error"' in line.lower()]
