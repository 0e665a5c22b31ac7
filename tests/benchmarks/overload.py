"""`python -m tests.benchmarks.overload [SECONDS]`: five times the load that the gateway sustains, and two applications,
one of which floods it. The gateway is served as always, by one worker, with budgets far above what it can do; it has a
core to itself, for who makes five times the load needs one too.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, NamedTuple

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
from tests.benchmarks.load import IN_TIME, Outcome, Stream, arriving, pressing, together
from tests.benchmarks.operations import Q1, Q2

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0

ROUNDS = 5

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
        process = psutil.Process(server.pid)
        client = await _busy_client(found)
        _apart(process)
        yield Served(found, process, client)
    finally:
        with suppress(ProcessLookupError):
            server.terminate()
        await server.wait()


def _apart(process: psutil.Process) -> None:
    """Give the gateway the first core, and this process the others."""
    first, *others = sorted(os.sched_getaffinity(0))
    for thread in process.threads():
        os.sched_setaffinity(thread.id, [first])
    os.sched_setaffinity(0, others or [first])


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


class Load(NamedTuple):
    """What became of a load; the seconds until all was answered, and those of CPU time that the gateway had."""

    found: Mapping[str, Outcome]
    took: float
    cpu: float

    @property
    def good(self) -> int:
        """How many requests were answered in time."""
        return sum(outcome.good for outcome in self.found.values())


async def measured(gateway: Served, load: Coroutine[Any, Any, Mapping[str, Outcome]]) -> Load:
    """Bring a load to bear."""
    began, before = time.perf_counter(), gateway.seconds()
    return Load(await load, time.perf_counter() - began, gateway.seconds() - before)


async def rounds(gateway: Served, body: bytes, light: bytes) -> dict[str, list[Load]]:
    """One operation under all loads in turn, again and again: a machine is not as fast at one moment as at another."""
    stream, port = gateway.stream, gateway.port
    loads: dict[str, list[Load]] = {}

    async def bring(name: str, load: Coroutine[Any, Any, Mapping[str, Outcome]]) -> Load:
        found = await measured(gateway, load)
        loads.setdefault(name, []).append(found)
        return found

    await pressing(port, stream("shop", 0, body), 4, 1)
    for _ in range(ROUNDS):
        most = await bring("sustained", pressing(port, stream("shop", 0, body), CONNECTIONS, SECONDS))
        flood = stream("shop", FACTOR * most.good / most.took, body)
        guest, light_guest = stream("stall", most.good / most.took / 4, body), stream("stall", 10, light)
        await bring(f"{FACTOR} times", arriving(port, [flood], SECONDS))
        await bring("a guest alone", arriving(port, [guest], SECONDS))
        await bring("a guest in the flood", arriving(port, [flood, guest], SECONDS))
        await bring("a guest with Q1", arriving(port, [flood, light_guest], SECONDS))
    return loads


HEADINGS = (
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


def table_of(title: str, loads: Mapping[str, Sequence[Load]]) -> Table:
    """What became of each load in all rounds together."""
    table = Table(title=title, title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading in ("load", "application") else "right")
    for name, tries in loads.items():
        by_cpu = sum(each.good for each in tries) / sum(each.cpu for each in tries)
        for application in tries[0].found:
            whole = together([each.found[application] for each in tries])
            table.add_row(
                name, application, *_figures(whole, sum(each.took for each in tries)), f"{by_cpu:.0f}"
            )
    return table


def _figures(outcome: Outcome, seconds: float) -> Sequence[str]:
    counts = outcome.statuses
    other = counts.total() - counts["200"] - counts["503"] - counts["late"]
    rates = (f"{counts.total() / seconds:.0f}", f"{outcome.good / seconds:.1f}")
    numbers = map(str, (counts["503"], counts["late"], other))
    return *rates, *numbers, *(f"{each:.0f}" for each in outcome.percentiles)


async def experiment(console: Console, gateway: Served, name: str, body: bytes, light: bytes) -> None:
    """One operation under all loads, and how much of what is sustained remains in a flood."""
    loads = await rounds(gateway, body, light)
    console.print(table_of(f"{name}, {ROUNDS} rounds of {SECONDS:g} s each", loads))
    pairs = list(zip(loads["sustained"], loads[f"{FACTOR} times"], strict=True))
    clock = median(flood.good / flood.took / (most.good / most.took) for most, flood in pairs)
    cpu = median(flood.good / flood.cpu / (most.good / most.cpu) for most, flood in pairs)
    console.print(
        f"{name}: of what is sustained, {clock:.0%} is answered within {IN_TIME:g} s at {FACTOR} times the load by the "
        f"clock, {cpu:.0%} by the gateway's CPU time (medians of the rounds).\n",
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
