"""The small world that AliExpress's tests share, and the partner at a socket that serves it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import uvicorn
from starlette.types import ASGIApp

from connectors.alibaba.sandbox import furnish
from gateway.connector import Upstream

SETTINGS = {"app_key": "123456", "app_secret": "helloworld", "access_token": "test"}
LAST = datetime(2018, 1, 1, 4, tzinfo=UTC)
TWICE = datetime(2017, 11, 5, 8, 30, tzinfo=UTC)
"""Half past one, for the first time, on the night when Pacific clocks are put back."""


class Member(NamedTuple):
    """As the demo's world has them."""

    account: str
    name: str
    email: str | None
    phone: str | None
    region: str | None
    birth_year: int | None
    since: datetime


class Line(NamedTuple):
    """As the demo's world has them."""

    product: int
    name: str
    category: str
    quantity: int
    cents: int


class Purchase(NamedTuple):
    """As the demo's world has them."""

    number: int
    account: str
    at: datetime
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Books:
    """A world of 70 members with an order every 26 hours of 2017, and two in the hour that is repeated."""

    last: datetime = LAST

    def members(self, party: str) -> list[Member]:
        """Some know more of themselves than others."""
        assert party == "ALIBABA"
        since = datetime(2016, 3, 1, tzinfo=UTC)
        full = [
            Member(
                f"00000{n:05d}", f"Client {n}", f"c{n}@example.org", f"+7 900 {n:07d}", "Tula", 1980, since
            )
            for n in range(69)
        ]
        return [*full, Member("0000099999", "Somebody", None, None, None, None, since)]

    def purchases(self, party: str) -> Iterator[Purchase]:
        """Oldest first."""
        assert party == "ALIBABA"
        moments = [LAST - timedelta(hours=26 * n) for n in range(330)]
        # Received after 14 days, which is when an order last changes.
        moments += [TWICE - timedelta(days=14), TWICE + timedelta(hours=1) - timedelta(days=14)]
        for number, at in enumerate(sorted(moments)):
            lines = tuple(
                Line(1000 + n, f"Tea {n}", "TEA", 1 + n, 1999 * (1 + n)) for n in range(1 + number % 3)
            )
            yield Purchase(31_000_000_000 + number, f"00000{number % 70:05d}", at, lines)


@pytest.fixture(scope="session")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder furnished with the small world."""
    folder = tmp_path_factory.mktemp("alibaba")
    furnish(Books(), folder)  # type: ignore[arg-type]
    return folder


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The address of an app that listens on a loopback socket until the end."""
    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def reached(address: str) -> Upstream:
    """The partner at an address, with the settings it accepts."""
    return Upstream("alibaba", {"url": address, **SETTINGS})
