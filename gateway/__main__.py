"""The command line: `gateway demo | serve | schema | sync | sandbox | migrate`, and a group for each noun."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from starlette.applications import Starlette

from gateway import workers
from gateway.access.agreements import CONTRACT
from gateway.app import create_app, prepare, register_graphiql
from gateway.bars import pull_round
from gateway.commands import (
    access,
    agreements,
    applications,
    connectors,
    documents,
    issuers,
    keys,
    sandbox,
    syncs,
    users,
)
from gateway.commands.output import Json
from gateway.demo import run as demo_run
from gateway.demo.setting import sandboxes, write_settings
from gateway.discovery import discover, party_scopes
from gateway.draining import Server
from gateway.endpoint.connections import first
from gateway.errors import PartnerError, SchemaError, SettingsError
from gateway.logs import configure
from gateway.schema import declared_schema
from gateway.settings import Settings, load
from gateway.store.database import writer
from gateway.telemetry import tracing
from gateway.telemetry.exposition import exposed, keep_counts

app = typer.Typer(
    name="gateway",
    help="The Silk Road Gateway: one GraphQL schema over the venture's partners, behind OAuth scopes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(access.app)
app.add_typer(agreements.app)
app.add_typer(applications.app)
app.add_typer(connectors.app)
app.add_typer(documents.app)
app.add_typer(issuers.app)
app.add_typer(keys.app)
app.add_typer(users.app)

Port = Annotated[int, typer.Option(envvar="PORT", help="The loopback port to serve on.")]
Host = Annotated[str, typer.Option(help="The address to listen on.")]
Workers = Annotated[
    int,
    typer.Option(
        "--workers", help="Processes that serve side by side; one per core is plenty.", min=1, max=64
    ),
]
console = Console()


Households = Annotated[
    int | None,
    typer.Option(help="Take this many of the 2,469 households' purchases; all, if not said.", min=1),
]


@app.command()
def demo(port: Port = 8000, households: Households = None) -> None:
    """Run everything: sandboxes of the partners, their real purchases pulled and linked, and the gateway on top."""
    connectors = discover()
    write_settings(load().state, connectors)
    settings = replace(load(), origin=os.environ.get("GATEWAY_ORIGIN", f"http://127.0.0.1:{port}"))
    demo_run.furnish_world(settings, console, households)
    uvloop.run(_demo(settings, port))


async def _demo(settings: Settings, port: int) -> None:
    configure()
    addresses = {name: each["url"] for name, each in settings.connectors.items()}
    workers.settle()
    tracing.start(settings.trace_context)
    with exposed(settings):
        async with sandboxes(addresses, settings.state / "sandboxes.log"):
            await _fill_and_serve(settings, port)


async def _fill_and_serve(settings: Settings, port: int) -> None:
    serving: list[asyncio.Task[None]] = []
    ended = asyncio.Event()

    async def servable() -> None:
        found = await demo_run.callers(settings)
        serving.append(await _serving(create_app(settings), port))
        serving[-1].add_done_callback(lambda _: ended.set())
        demo_run.show(console, settings, found)

    try:
        # A signal ends the server, whatever is still being pulled; and the server, the demo.
        await first(demo_run.fill(settings, console, servable), ended.wait())
    except PartnerError as error:
        console.print(f"[yellow]{error}[/yellow]; start again to go on there")
    await asyncio.gather(*serving)


async def _serving(application: Starlette, port: int) -> asyncio.Task[None]:
    """A server at work beside what comes next. Raises `SettingsError` when it does not come up."""
    server = Server(workers.configuration(application, "127.0.0.1", port))
    running = asyncio.create_task(workers.run(server))
    while not server.started and not running.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.02)
    if running.done():
        await running
    return running


@app.command()
def serve(port: Port = 8000, host: Host = "127.0.0.1", processes: Workers = 1) -> None:
    """Serve the gateway on a database that is brought to the newest form first."""
    configure()
    settings = load()
    asyncio.run(prepare(settings))
    asyncio.run(register_graphiql(settings))
    workers.serve(host, port, processes)


@app.command()
def schema(
    party: Annotated[
        str | None,
        typer.Option(help="Print what this party may ask for, with every scope that the contract gives it."),
    ] = None,
) -> None:
    """Print the schema with its locks, whole or as one party sees it. For example: gateway schema --party rdif"""
    found = declared_schema()
    print(found.sdl if party is None else found.printed(scopes_of(party.upper())), end="")


def scopes_of(party: str) -> frozenset[str]:
    """The scopes that the contract gives a party. Raises `SettingsError` for one that it does not name."""
    if party not in CONTRACT.parties:
        raise SettingsError(f"there is no party {party}; there are {', '.join(CONTRACT.parties)}")
    return party_scopes(discover(), party)


@app.command()
def sync(
    status: Annotated[bool, typer.Option("--status", help="Pull nothing; tell how the pulls fare.")] = False,
    json: Json = False,
) -> None:
    """Pull what is new of every partner that the settings give an address, and link its accounts.

    For example: gateway sync --status
    """
    if status:
        syncs.show(json)
    else:
        uvloop.run(_sync(load()))


async def _sync(settings: Settings) -> None:
    workers.settle()
    await prepare(settings)
    engine = writer(settings.database)
    tracing.start(settings.trace_context)
    try:
        await pull_round(settings, engine, console)
    finally:
        await engine.dispose()
        keep_counts(settings)
        await asyncio.to_thread(tracing.stop)


app.command()(sandbox.sandbox)


@app.command()
def migrate() -> None:
    """Bring the database to the newest form and the agreements to what is declared."""
    asyncio.run(prepare(load()))


def main() -> None:
    """Run the command line; what the operator can mend is said in one line."""
    try:
        app()
    except (SettingsError, SchemaError, PartnerError) as error:
        print(f"gateway: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
