"""`gateway sandbox`: one partner's sandbox at work, well or badly behaved."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
import uvloop
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway import workers
from gateway.background import beside
from gateway.connector import Connector
from gateway.demo.setting import WORLD, sandbox_port
from gateway.discovery import discover
from gateway.errors import SettingsError
from gateway.logs import configure
from gateway.sandboxes.connections import reachable
from gateway.sandboxes.faults import Fault, FaultError
from gateway.sandboxes.faulty import Faulty
from gateway.settings import load

console = Console(stderr=True)

Faults = Annotated[
    str,
    typer.Option(
        help="How it misbehaves: names of faults, each with the part of the calls that it strikes, as in "
        "hang=0.1,F09=0.05; without one, every call. `all=0.02` is each fault there is; `list` shows them.",
    ),
]


def sandbox(
    name: Annotated[str, typer.Argument(help="The connector whose partner to stand in for.")],
    port: Annotated[int, typer.Option(help="The loopback port; by default the one in the settings.")] = 0,
    world: Annotated[
        Path | None, typer.Option(help="The folder with what it serves; by default the demo's.")
    ] = None,
    faults: Faults = "",
    seed: Annotated[int, typer.Option(help="The same seed strikes the same calls.")] = 0,
    until_stdin_ends: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Run one partner's sandbox: its protocol as it really is, on loopback, and with faults as it is on a bad day.

    While it runs, POST /_faults tells it more, DELETE forgets all, GET shows what came of it.
    For example: gateway sandbox alibaba --faults hang=0.1,reset=0.05
    """
    connector = next((each for each in discover() if each.name == name), None)
    if connector is None or connector.sandbox is None:
        names = ", ".join(each.name for each in discover() if each.sandbox)
        raise SettingsError(f"there is no sandbox {name}; there are {names}")
    if faults == "list":
        Console().print(listed(connector))
        return
    settings = load()
    accepted = settings.connectors.get(name)
    if accepted is None:
        raise SettingsError(f"the settings have no [connectors.{name}]; `gateway demo` writes them")
    port = port or sandbox_port(name, accepted["url"])
    configure()
    stand_in = Faulty(connector.sandbox(world or settings.state / WORLD, accepted), connector.faults)
    try:
        stand_in.tell(*Fault.written(faults, seed, tuple(stand_in.known)))
    except FaultError as error:
        raise SettingsError(f"--faults: {error}") from None
    uvloop.run(_serve(stand_in, name, port, until_stdin_ends))


async def _serve(stand_in: Faulty, name: str, port: int, until_stdin_ends: bool) -> None:
    workers.settle()
    config = reachable(workers.configuration(stand_in, "127.0.0.1", port))
    # A hanging call is no reason to stay.
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    if until_stdin_ends:
        asyncio.get_running_loop().add_reader(0, setattr, server, "should_exit", True)
        await workers.run(server)
        return
    console.print(f"The sandbox {name} answers on http://127.0.0.1:{port}; Ctrl-C ends it.")
    with _status(stand_in) as status:
        async with beside(_watch(status, stand_in)):
            await workers.run(server)


def listed(connector: Connector) -> Table:
    """The faults that a connector's sandbox can be told, each with what it does."""
    table = Table("fault", "what happens", box=None, header_style="bold")
    for name, sentence in Faulty(_nobody, connector.faults).known.items():
        table.add_row(name, sentence)
    return table


async def _nobody(*_: object) -> None:
    """An application that is never asked."""


@contextmanager
def _status(stand_in: Faulty) -> Iterator[Live]:
    with Live(shown(stand_in), console=console, refresh_per_second=2) as live:
        yield live


async def _watch(live: Live, stand_in: Faulty) -> None:
    while True:
        await asyncio.sleep(0.5)
        live.update(shown(stand_in))


def shown(stand_in: Faulty) -> Group:
    """How many calls there were, and how many of them each fault struck."""
    lines = [Text(f"{stand_in.calls:,} calls")]
    lines += [
        Text(f"  {told.fault.fault:<18} {told.fault.rate:>6.1%}  struck {told.struck:,} of {told.met:,}")
        for told in stand_in.told
    ]
    return Group(*lines)
