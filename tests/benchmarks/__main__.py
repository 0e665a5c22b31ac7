"""`make bench`: ratios, taken side by side in one run, on the demo's data."""

from __future__ import annotations

import asyncio
import platform
import statistics
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version

import uvloop
from rich.console import Console
from rich.table import Table

from gateway.demo.run import fill, furnish_world
from gateway.demo.setting import sandboxes, write_settings
from gateway.discovery import discover
from gateway.settings import Settings, load
from tests.benchmarks.contenders import BY_HAND, CALLER, ENGINE, KEEPING, STRAWBERRY, contenders
from tests.benchmarks.door import door
from tests.benchmarks.served import serve_and_time
from tests.benchmarks.timing import Times, ratio, timed
from tests.benchmarks.tokens import tokens
from tests.benchmarks.upstream import upstream

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


def show(console: Console, title: str, times: Mapping[str, Times], answers: Mapping[str, bytes]) -> None:
    """The times of each way, what was measured, and what follows from it."""
    table = Table(title=title, title_justify="left")
    for heading in ("", "way", "median ms", "best ms", "x the engine"):
        table.add_column(heading, justify="left" if heading in ("", "way") else "right")
    for name, ways in times.items():
        for way, each in ways.items():
            figures = (statistics.median(each), min(each), ratio(each, ways[ENGINE]))
            table.add_row(name, way, *(f"{figure:.2f}" for figure in figures))
        table.add_section()
    console.print(table)
    console.print(measured(answers), *map(verdict, times, times.values()), "", sep="\n", soft_wrap=True)


def measured(answers: Mapping[str, bytes]) -> str:
    """Who asked, how long the answers were, and what ran."""
    sizes = ", ".join(f"{name} {len(answer):,}" for name, answer in answers.items())
    return (
        f"Asked by {CALLER.application} of {CALLER.party} for {CALLER.purpose}; bytes of the answers: {sizes}; "
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"Strawberry {version('strawberry-graphql')}, graphql-core {version('graphql-core')}."
    )


def verdict(name: str, ways: Times) -> str:
    """How the engine compares, for one operation."""
    plain, kept = (ratio(ways[way], ways[ENGINE]) for way in (STRAWBERRY, KEEPING))
    by_hand = ratio(ways[ENGINE], ways[BY_HAND])
    return (
        f"{name}: the engine is {plain:.1f} times as fast as Strawberry, {kept:.1f} times where that keeps its "
        f"documents, and takes {by_hand:.2f} times as long as the code written by hand."
    )


async def main() -> None:
    """The tables: the engine alone, then whole requests over HTTP, then tokens, the door, and partners."""
    console = Console()
    settings = await data(console)
    async with contenders(settings) as found:
        # CPU time, the readers' threads included: on a busy machine it is not the neighbours that are timed.
        inside = {name: await timed(ways, ROUNDS, time.process_time) for name, ways in found.ways.items()}
    show(console, f"In process, CPU time, {ROUNDS} rounds", inside, found.answers)
    outside = await serve_and_time(settings, found.client, ROUNDS)
    show(console, f"Whole requests over HTTP, one connection, {ROUNDS} rounds", outside, found.answers)
    await tokens(console)
    await asyncio.to_thread(door, ROUNDS)
    await upstream(console, settings, ROUNDS)


if __name__ == "__main__":
    uvloop.run(main())
    asyncio.set_event_loop(None)
