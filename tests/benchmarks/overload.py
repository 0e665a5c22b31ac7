"""`python -m tests.benchmarks.overload`: five times the load that the gateway sustains, and two applications of which
one floods it. The gateway is served as always, by one worker, with budgets far above what it can do.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import orjson
import psutil
import uvloop
from rich.console import Console
from rich.table import Table

from gateway.oauth.keys import signing_keys
from gateway.oauth.tokens import issue
from gateway.settings import Settings
from tests.benchmarks.__main__ import data
from tests.benchmarks.contenders import CALLER
from tests.benchmarks.load import IN_TIME, Outcome, Stream, arriving, pressing
from tests.benchmarks.operations import Q1, Q2

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0

FACTOR = 5

CONNECTIONS = 16
"""Of who asks all the time, to find out what is sustained."""

_NO_LIMIT = {"GATEWAY_COST_PER_MINUTE": "1000000000000", "GATEWAY_CONCURRENCY": "1000000"}


@dataclass(frozen=True)
class Served:
    """A gateway that is served, and the token of each application."""

    settings: Settings
    process: psutil.Process
    client: str

    @property
    def port(self) -> int:
        """Where it is."""
        return int(self.settings.origin.rpartition(":")[2])

    def stream(self, application: str, rate: float, body: bytes) -> Stream:
        """An application that asks so many times a second."""
        return Stream(application, rate, _token(self.settings, application), [body])

    def seconds(self) -> float:
        """CPU time that it has had."""
        each = [self.process, *self.process.children(recursive=True)]
        return sum(sum(process.cpu_times()[:2]) for process in each)


def _token(settings: Settings, application: str) -> str:
    caller = replace(CALLER, application=application, expires=time.time() + 3600)
    return issue(caller, signing_keys(settings.state), settings.issuer, settings.audience, int(time.time()))


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[Served]:
    """The gateway in a process of its own, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    found = replace(settings, origin=f"http://127.0.0.1:{port}")
    environ = os.environ | _NO_LIMIT | {"GATEWAY_STATE": str(found.state), "GATEWAY_ORIGIN": found.origin}
    command = ("-m", "gateway", "serve", "--port", str(port))
    server = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=environ, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield Served(found, psutil.Process(server.pid), await _busy_client(found))
    finally:
        with suppress(ProcessLookupError):
            server.terminate()
        await server.wait()


async def _busy_client(settings: Settings) -> str:
    """Of some clients the one with most orders, when the gateway is up."""
    body = {"query": "{ clients(first: 3) { nodes { id orders { totalCount } } } }"}
    headers = {"Authorization": f"Bearer {_token(settings, 'any')}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for _ in range(300):
            try:
                async with session.post(settings.audience, json=body) as response:
                    nodes = (await response.json())["data"]["clients"]["nodes"]
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)
            else:
                found: str = max(nodes, key=lambda each: each["orders"]["totalCount"])["id"]
                return found
    raise TimeoutError("the server did not come up")


class Figures:
    """A table of what became of each load."""

    def __init__(self, title: str, gateway: Served) -> None:
        self._gateway = gateway
        self.table = Table(title=title, title_justify="left")
        headings = (
            "load",
            "application",
            "asked/s",
            "good/s",
            "503",
            "late",
            "other",
            "p50 ms",
            "p99 ms",
            "good/CPU s",
        )
        for heading in headings:
            self.table.add_column(heading, justify="left" if heading in ("load", "application") else "right")

    async def measure(
        self, name: str, load: Coroutine[Any, Any, Mapping[str, Outcome]]
    ) -> tuple[float, float]:
        """Bring a load to bear; what was answered in time, by the second and by the second of CPU."""
        before = self._gateway.seconds()
        found = await load
        spent = self._gateway.seconds() - before
        good = sum(outcome.good for outcome in found.values())
        for application, each in found.items():
            counts = each.statuses
            other = counts.total() - counts["200"] - counts["503"] - counts["late"]
            asked, answered = counts.total() / SECONDS, each.good / SECONDS
            row = (f"{asked:.0f}", f"{answered:.1f}", counts["503"], counts["late"], other)
            p50, p99 = each.percentiles
            self.table.add_row(
                name, application, *map(str, row), f"{p50:.0f}", f"{p99:.0f}", f"{good / spent:.0f}"
            )
        return good / SECONDS, good / spent


async def experiment(console: Console, gateway: Served, name: str, body: bytes, light: bytes) -> None:
    """One operation under all loads."""
    figures, stream, port = Figures(f"{name}, {SECONDS:g} s each", gateway), gateway.stream, gateway.port
    await pressing(port, stream("shop", 0, body), 4, 1)
    pressed = pressing(port, stream("shop", 0, body), CONNECTIONS, SECONDS)
    sustained, by_cpu = await figures.measure("sustained", pressed)
    flood = stream("shop", FACTOR * sustained, body)
    good, good_by_cpu = await figures.measure(f"{FACTOR} times", arriving(port, [flood], SECONDS))
    guest = stream("stall", sustained / 4, body)
    await figures.measure("a guest alone", arriving(port, [guest], SECONDS))
    await figures.measure("a guest in the flood", arriving(port, [flood, guest], SECONDS))
    light_guest = stream("stall", 10, light)
    await figures.measure("a guest with Q1", arriving(port, [flood, light_guest], SECONDS))
    console.print(figures.table)
    console.print(
        f"{name}: of what is sustained, {good / sustained:.0%} is answered within {IN_TIME:g} s at {FACTOR} times the "
        f"load by the clock, {good_by_cpu / by_cpu:.0%} by the gateway's CPU time.\n",
        soft_wrap=True,
    )


async def main() -> None:
    """The tables of Q2 and of Q1."""
    console = Console(width=120)
    settings = await data(console)
    async with served(settings) as gateway:
        bodies = {
            "Q2": orjson.dumps({"query": Q2}),
            "Q1": orjson.dumps({"query": Q1, "variables": {"id": gateway.client}}),
        }
        for name, body in bodies.items():
            await experiment(console, gateway, name, body, bodies["Q1"])


if __name__ == "__main__":
    uvloop.run(main())
