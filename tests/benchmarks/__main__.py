"""`make bench`: ratios, taken side by side in one run, on the demo's data."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Mapping

import uvloop
from rich.console import Console
from rich.table import Table

from gateway.demo.run import fill, furnish_world
from gateway.demo.setting import sandboxes, write_settings
from gateway.discovery import discover
from gateway.settings import Settings, load
from tests.benchmarks.contenders import Answer, contenders
from tests.benchmarks.served import serve_and_time

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 60


async def data(console: Console) -> Settings:
    """The demo's database; filled first where the demo never ran."""
    write_settings(load().state, discover())
    settings = load()
    if not (settings.state / "demo.json").exists():
        furnish_world(settings, console)
        addresses = {name: each["url"] for name, each in settings.connectors.items()}
        async with sandboxes(addresses, settings.state / "sandboxes.log"):
            await fill(settings, console)
    return settings


async def timed(ways: Mapping[str, Answer], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each way's runs; the ways take turns, so that all meet the same weather."""
    found: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, answer in ways.items():
            started = time.perf_counter()
            await answer()
            found[way].append((time.perf_counter() - started) * 1000)
    return found


def show(console: Console, title: str, times: Mapping[str, Mapping[str, list[float]]]) -> None:
    """A table with the median of each way, and how many times the engine's it is."""
    table = Table(title=title, title_justify="left")
    for heading in ("", "way", "median ms", "best ms", "x the engine"):
        table.add_column(heading, justify="left" if heading in ("", "way") else "right")
    for name, ways in times.items():
        ours = ways["engine"]
        for way, each in ways.items():
            ratio = statistics.median(a / b for a, b in zip(each, ours, strict=True))
            table.add_row(name, way, f"{statistics.median(each):.2f}", f"{min(each):.2f}", f"{ratio:.2f}")
        table.add_section()
    console.print(table)


async def main() -> None:
    """Both tables: the engine alone, then whole requests over HTTP."""
    console = Console()
    settings = await data(console)
    async with contenders(settings) as all_ways:
        inside = {name: await timed(ways, ROUNDS) for name, ways in all_ways.answers.items()}
        client = all_ways.client
    show(console, f"In process, {ROUNDS} rounds", inside)
    outside = await serve_and_time(settings, client, ROUNDS)
    show(console, f"Whole requests over HTTP, one connection, {ROUNDS} rounds", outside)


if __name__ == "__main__":
    uvloop.run(main())
    asyncio.set_event_loop(None)
