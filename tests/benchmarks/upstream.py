"""`python -m tests.benchmarks.upstream`: what calls to partners cost, what syncs bring, and what a live field adds.

With `hang`: what the others feel of a partner that hangs for five minutes.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import Any, Self

import aiohttp
import httpx
import orjson
import psutil
import strawberry
import uvloop
from rich.console import Console
from rich.table import Table
from sqlalchemy import delete

from gateway.access.pseudonyms import pseudonyms
from gateway.app import prepare
from gateway.authoring.subjects import subjects
from gateway.connector import (
    Access,
    Answer,
    Connector,
    Dataset,
    Request,
    Rows,
    Terms,
    Upstream,
    batch,
    requires,
)
from gateway.demo.setting import sandboxes
from gateway.discovery import discover
from gateway.engine.engine import Engine
from gateway.engine.limits import Limits
from gateway.schema import Schema
from gateway.settings import Settings
from gateway.store.database import writer
from gateway.store.readers import Readers
from gateway.sync.pull import pull
from gateway.sync.runs import sync_cursors
from tests.benchmarks.contenders import CALLER
from tests.benchmarks.operations import Q3
from tests.benchmarks.partner import partner_process

Call = Callable[[], Awaitable[Any]]

CALLS = 200

_QUERY = {
    "method": "order.get",
    "app_key": "12345678",
    "timestamp": "1511430000000",
    "sign": "0123456789" * 6,
}

_FORM = {"access_token": "50000000abcdef" * 3, "param0": '{"page_size":50,"current_page":1}'}


# What a call costs


async def calls(console: Console, rounds: int) -> None:
    """CPU time of a call with connections kept, one after the other and 16 at a time."""
    table = Table(
        title=f"CPU time of a call to a partner, {rounds} rounds of {CALLS} calls", title_justify="left"
    )
    for heading in ("way", "µs, one at a time", "µs, 16 at a time", "x the upstream"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    async with partner_process() as url, AsyncExitStack() as stack:
        ways = await _ways(stack, url)
        times = {name: ([await _cost(way, 1) for _ in range(rounds)]) for name, way in ways.items()}
        many = {name: ([await _cost(way, 16) for _ in range(rounds)]) for name, way in ways.items()}
    ours = statistics.median(times["upstream"])
    for name in ways:
        one, all_ = statistics.median(times[name]), statistics.median(many[name])
        table.add_row(name, f"{one:.0f}", f"{all_:.0f}", f"{one / ours:.1f}")
    console.print(table)


async def _ways(stack: AsyncExitStack, url: str) -> dict[str, Call]:
    upstream = await stack.enter_async_context(Upstream("bank", {"url": url}, live=True))
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    client = await stack.enter_async_context(httpx.AsyncClient())
    request = Request("POST", "/orders", _QUERY, _FORM, name="orders")

    async def by_aiohttp() -> bytes:
        async with session.post(f"{url}/orders", params=_QUERY, data=_FORM) as response:
            return await response.read()

    async def by_httpx() -> bytes:
        return (await client.post(f"{url}/orders", params=_QUERY, data=_FORM)).content

    return {
        "upstream": lambda: upstream.read(lambda: request, _body),
        "its connections alone": lambda: upstream.send(request),
        "aiohttp": by_aiohttp,
        "httpx": by_httpx,
    }


def _body(answer: Answer) -> bytes:
    return answer.body


async def _cost(call: Call, at_once: int) -> float:
    async def several() -> None:
        for _ in range(CALLS // at_once):
            await call()

    await several()
    began = time.process_time()
    await asyncio.gather(*(several() for _ in range(at_once)))
    return (time.process_time() - began) * 1e6 / (CALLS // at_once * at_once)


# What a sync brings


async def rows(console: Console, settings: Settings, seconds: float) -> None:
    """Rows a second of each dataset, only pulled and then also kept, and how busy sandbox and gateway are meanwhile."""
    table = Table(title=f"Rows a second, {seconds:g} seconds each", title_justify="left")
    for heading in (
        "partner",
        "dataset",
        "pulled",
        "sandbox CPU",
        "gateway CPU",
        "kept",
        "sandbox  ",
        "gateway",
    ):
        table.add_column(heading, justify="left" if heading in ("partner", "dataset") else "right")
    addresses = {name: each["url"] for name, each in settings.connectors.items()}
    async with sandboxes(addresses, settings.state / "sandboxes.log"):
        for connector in discover():
            if connector.name in addresses:
                for dataset in connector.datasets:
                    kept = await _kept(settings, connector, dataset, seconds)
                    pulled = await _pulled(settings, connector, dataset, seconds)
                    each = kept.rows / max(1, kept.records)
                    table.add_row(
                        connector.name,
                        dataset.name,
                        *pulled.told(pulled.records * each),
                        *kept.told(kept.rows),
                    )
    console.print(table, "Where the gateway is busier than the sandbox when rows are kept, SQLite is.", "")


@dataclass
class Pulled:
    """What came of a dataset, in how many seconds, and the seconds of CPU that it took sandbox and gateway."""

    sandbox: psutil.Process
    records: int = 0
    rows: int = 0
    times: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __enter__(self) -> Self:
        self._began = self._now()
        return self

    def __exit__(self, *_: object) -> None:
        self.times = tuple(b - a for a, b in zip(self._began, self._now(), strict=True))  # type: ignore[assignment]

    def _now(self) -> tuple[float, float, float]:
        used = self.sandbox.cpu_times()
        return time.perf_counter(), used.user + used.system, time.process_time()

    def told(self, rows: float) -> Sequence[str]:
        """Rows a second, and how busy both were."""
        taken, theirs, ours = self.times
        return f"{rows / taken:,.0f}", f"{theirs / taken:.0%}", f"{ours / taken:.0%}"


async def _pulled(settings: Settings, connector: Connector, dataset: Dataset, seconds: float) -> Pulled:
    found = Pulled(_sandbox(connector.name))
    about = await subjects(dataset, settings.database)
    async with Upstream(connector.name, settings.connectors[connector.name], connector.terms) as upstream:
        with found, suppress(TimeoutError):
            async with asyncio.timeout(seconds), aclosing(dataset.pull(upstream, {}, *about)) as batches:  # type: ignore[type-var]
                async for batch in batches:
                    found.records += len(batch.records)
    return found


async def _kept(settings: Settings, connector: Connector, dataset: Dataset, seconds: float) -> Pulled:
    found = Pulled(_sandbox(connector.name))

    def read(record: Any) -> Rows:
        read = dataset.read(record)
        found.records += 1
        found.rows += sum(map(len, read.values()))
        return read

    with TemporaryDirectory() as folder:
        own = Settings(state=Path(folder))
        if dataset.about is not None:
            # What it is about must be there; what was pulled of it is pulled again.
            await asyncio.to_thread(copy, settings.database, own.database)
        await prepare(own)
        engine = writer(own.database)
        async with engine.begin() as connection:
            await connection.execute(delete(sync_cursors))
        async with Upstream(connector.name, settings.connectors[connector.name], connector.terms) as upstream:
            with found, suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await pull(engine, upstream, connector.name, replace(dataset, read=read))
        await engine.dispose()
    return found


def _sandbox(name: str) -> psutil.Process:
    """The process of a partner's sandbox: a child of this one."""
    words = ["sandbox", name]
    [found] = [each for each in psutil.Process().children() if words == each.cmdline()[3:5]]
    return found


# What a live field adds

LIVE = Q3.replace("    nodes {\n      id\n", "    nodes {\n      id standing\n")
EACH = Q3.replace("    nodes {\n      id\n", "    nodes {\n      id limit\n")

_MS = "0"


async def _answered(access: Access) -> str:
    request = Request("GET", "/standing", {"ms": _MS}, name="standing")
    found = await access.partner("bank").read(lambda: request, lambda answer: answer.json())
    return str(len(found["result"]))


async def standings(rows: Sequence[Any], access: Access) -> list[str]:
    """What the bank says of all clients of a level, in one call."""
    return [await _answered(access)] * len(rows)


async def limits(rows: Sequence[Any], access: Access) -> list[str]:
    """What it says of each, in a call of its own, all at the same time."""
    return list(await asyncio.gather(*(_answered(access) for _ in rows)))


@strawberry.type
class BankClient:
    """What a bank knows live of a client."""

    standing: str | None = batch(standings, requires=requires("bank:read"))
    limit: str | None = batch(limits, requires=requires("bank:read"))


BANK = Connector("bank", "ALIBABA", {"bank:read": "What a bank says."}, client=BankClient)


@asynccontextmanager
async def _asking(settings: Settings, url: str) -> AsyncIterator[Callable[[str], Awaitable[bytes]]]:
    """The engine over the demo's data and a schema with the bank's fields."""
    schema = Schema((*discover(), BANK))
    engine = Engine(schema.graphql, Limits(settings.max_tokens, settings.max_depth))
    view = schema.view(CALLER.scopes | {"bank:read"})
    readers, secret = Readers(settings.database, settings.readers), pseudonyms(settings.state)
    await readers.open()
    try:
        async with Upstream("bank", {"url": url}, Terms(concurrency=32), live=True) as bank:

            def reach(asked: Any) -> Access:
                until = asyncio.get_running_loop().time() + settings.deadline
                return Access(CALLER, readers, secret, {"bank": bank}, asked=asked, deadline=until)

            async def ask(text: str) -> bytes:
                result = await engine.prepare(view, text, {}, None).run(reach, settings.deadline)
                assert not result.errors, result.errors
                return orjson.dumps(result.data)

            yield ask
    finally:
        await readers.close()


async def live(console: Console, settings: Settings, rounds: int) -> None:
    """Q3 without a live field, and with one whose partner takes 5, 50 and 500 ms."""
    global _MS
    table = Table(
        title=f"Q3 (20 clients) with a live field, in process, {rounds} rounds", title_justify="left"
    )
    for heading in ("partner takes, ms", "Q3, ms", "one call a level, ms", "added", "20 calls, ms", "added "):
        table.add_column(heading, justify="right")
    async with partner_process() as url, _asking(settings, url) as ask:
        for latency in (5, 50, 500):
            _MS = str(latency)
            found = await _medians(ask, max(5, rounds // (latency // 5)))
            plain, one, each = (found[text] for text in (Q3, LIVE, EACH))
            table.add_row(
                f"{latency}",
                f"{plain:.1f}",
                f"{one:.1f}",
                f"{one - latency:.1f}",
                f"{each:.1f}",
                f"{each - latency:.1f}",
            )
    console.print(table, "`added` is what the whole answer takes beyond the partner's own time.", "")


async def _medians(ask: Callable[[str], Awaitable[bytes]], rounds: int) -> Mapping[str, float]:
    times: dict[str, list[float]] = {Q3: [], LIVE: [], EACH: []}
    for turn in range(rounds + 2):
        for text, found in times.items():
            began = time.perf_counter()
            await ask(text)
            if turn >= 2:
                found.append((time.perf_counter() - began) * 1000)
    return {text: statistics.median(found) for text, found in times.items()}


# What one partner's trouble costs the others


WELL, HANGS = ("all are well", "/orders"), ("one hangs", "/hang")


async def isolation(console: Console, seconds: float, stretches: Sequence[tuple[str, str]]) -> None:
    """Three partners, each asked all the time, in stretches of so many seconds: all are well, or one of them hangs."""
    table = Table(title=f"One of three partners hangs, {seconds:g} seconds each", title_justify="left")
    for heading in ("", "calls of the others", "p50 ms", "p99 ms", "the hanging one heard", "memory MB"):
        table.add_column(heading, justify="left" if not heading else "right")
    async with partner_process() as url, AsyncExitStack() as stack:
        terms = Terms(live=1.0, patience=0.3)
        partners = [
            await stack.enter_async_context(Upstream(name, {"url": url}, terms, live=True))
            for name in ("first", "second", "third")
        ]
        for title, path in stretches:
            table.add_row(title, *await _pressed(partners, path, seconds))
    console.print(table)


async def _pressed(partners: Sequence[Upstream], path: str, seconds: float) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    times: list[float] = []
    heard = [0]

    async def ask(upstream: Upstream, to: str, note: Callable[[float], None]) -> None:
        def request() -> Request:
            return Request("GET", to, {"ms": "5"}, name="orders")

        while loop.time() < end:
            began = loop.time()
            try:
                await upstream.until(loop.time() + 1).read(request, _body)
                note((loop.time() - began) * 1000)
            except Exception:
                await asyncio.sleep(0.01)

    def count(_: float) -> None:
        heard[0] += 1

    well = [ask(each, "/orders", times.append) for each in partners[:2] for _ in range(8)]
    await asyncio.gather(*well, *(ask(partners[2], path, count) for _ in range(8)))
    cuts = statistics.quantiles(times, n=100)
    memory = psutil.Process().memory_info().rss / 2**20
    return f"{len(times):,}", f"{cuts[49]:.1f}", f"{cuts[98]:.1f}", str(heard[0]), f"{memory:.0f}"


async def upstream(console: Console, settings: Settings, rounds: int) -> None:
    """All of it."""
    await calls(console, max(3, rounds // 10))
    await rows(console, settings, 4.0)
    await live(console, settings, rounds)
    await isolation(console, 4.0, (WELL, HANGS) * 2)


async def _main() -> None:
    console = Console()
    if sys.argv[1:] == ["hang"]:
        await isolation(console, 60.0, (WELL, *[HANGS] * 5, WELL))
        return
    from tests.benchmarks.__main__ import ROUNDS, data

    await upstream(console, await data(console), ROUNDS)


if __name__ == "__main__":
    uvloop.run(_main())
