"""`gateway connector`: for who writes a connector: a folder to begin with, the contract, and what a partner changed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

import connectors
from gateway.access.agreements import CONTRACT
from gateway.authoring.cassettes import Player, Recorder
from gateway.authoring.folders import write_folder
from gateway.authoring.sandboxes import served, stood_in
from gateway.authoring.shapes import Shape, differences, read_shape, shape_of
from gateway.authoring.subjects import furnish_parcels, subjects
from gateway.commands.output import print_rows
from gateway.connector import Connector, Dataset, Upstream
from gateway.discovery import discover
from gateway.errors import SettingsError
from gateway.settings import load

app = typer.Typer(
    name="connector",
    help="For who writes connectors: a folder to begin with, the contract suite, and what a partner changed.",
    no_args_is_help=True,
)

SHAPES = "shapes.json"
SUITE = Path("tests/connectors")

Name = Annotated[str, typer.Argument(help="The connector's name, which is its folder's.", show_default=False)]
Records = Annotated[int, typer.Option(help="Look at so many records of each dataset.", min=1)]


@app.command()
def new(
    name: Name,
    party: Annotated[str, typer.Option(help="Whose data it brings; by default its name in capitals.")] = "",
    folder: Annotated[Path | None, typer.Option(help="Where; by default among the others.")] = None,
) -> None:
    """Write a folder that passes the contract suite, to go on from.

    For example: gateway connector new wallet --party BANK
    """
    root = folder or Path(connectors.__path__[0])
    for path in write_folder(name, (party or name).upper(), root, CONTRACT.owners):
        print(path)
    print(f"\nNext: gateway connector test {name}; then `make schema` shows what it adds to the schema.")


@app.command("test")
def check(
    name: Name,
    options: Annotated[
        list[str] | None, typer.Argument(help="What else pytest is told, behind a --.", show_default=False)
    ] = None,
    cassette: Annotated[
        Path | None, typer.Option(help="Play this recording in the sandbox's place.", exists=True)
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Record the partner that the settings name, instead of testing.")
    ] = None,
) -> None:
    """Run the contract suite against the connector's sandbox, or against what its partner once answered.

    For example: gateway connector test bank
    """
    if record is not None:
        answers = asyncio.run(_recorded(_connector(name), record))
        print(f"{answers} answers are in {record}, as secret as they are")
        return
    if not name.isidentifier() or find_spec(f"connectors.{name}") is None:
        raise _unknown(name)
    if cassette is not None:
        Player(cassette)
    raise typer.Exit(_run_suite(name, cassette, options or []))


def _run_suite(name: str, cassette: Path | None, options: list[str]) -> int:
    """pytest's exit code. A cassette refuses no key and furnishes nothing: it is pulled and read, and that is all."""
    root = Path(__file__).parents[2]
    suite = sorted(root.joinpath(SUITE).glob("test_contract*.py"))
    if not suite:
        raise SettingsError("the contract suite is not here: run this in a checkout, with the extra `test`")
    environment = {**os.environ, "GATEWAY_CONTRACT_OF": name}
    chosen = [str(path) for path in suite]
    if cassette is not None:
        environment["GATEWAY_CASSETTE"] = str(cassette.resolve())
        chosen = [each for each in chosen if not each.endswith("test_contract.py")]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--rootdir={root}",
        *options,
        *chosen,
    ]
    return subprocess.run(command, env=environment, cwd=root, check=False).returncode  # noqa: S603 - our own words


async def _recorded(connector: Connector, path: Path) -> int:
    recorder = Recorder(_settings(connector)["url"])
    database = load().database
    async with served(recorder) as url, _live(connector, url=url) as upstream:
        for dataset in connector.datasets:
            about = await subjects(dataset, database)
            async with aclosing(dataset.pull(upstream, {}, *about)) as batches:  # type: ignore[type-var]
                async for _ in batches:
                    pass
    recorder.write(path)
    return len(recorder.exchanges)


@app.command()
def drift(
    name: Name,
    declare: Annotated[
        bool, typer.Option("--declare", help="Declare the sandbox's shapes, to compare with from now on.")
    ] = False,
    records: Records = 500,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
) -> None:
    """Compare what the partner answers now with the shapes that the connector declares; exit 1 where they differ.

    For example: gateway connector drift bank
    """
    connector = _connector(name)
    path = Path(str(import_module(f"connectors.{name}").__file__)).with_name(SHAPES)
    if declare:
        path.write_bytes(orjson.dumps(asyncio.run(_declared(connector)), option=orjson.OPT_INDENT_2) + b"\n")
        print(path)
        return
    if not path.exists():
        raise SettingsError(
            f"connectors/{name} declares no shapes: `gateway connector drift {name} --declare`"
        )
    declared = orjson.loads(path.read_bytes())
    found = asyncio.run(_found(connector, records))
    changed = compared(declared, found)
    if json:
        print_rows([{"dataset": dataset, "change": each} for dataset, each in changed], (), as_json=True)
    else:
        lines = [f"{dataset}: {each}" for dataset, each in changed]
        print("\n".join(lines) or f"{connector.name} answers as declared")
    raise typer.Exit(bool(changed))


def compared(declared: Mapping[str, Any], found: Mapping[str, Shape]) -> list[tuple[str, str]]:
    """What is not as declared, each with its dataset."""
    changed = []
    for dataset in sorted(declared.keys() | found.keys()):
        if dataset not in declared or dataset not in found:
            changed.append(
                (dataset, "not declared" if dataset in found else "declared, and no dataset any more")
            )
        elif found[dataset].seen:
            changed += [
                (dataset, each) for each in differences(read_shape(declared[dataset]), found[dataset])
            ]
    return changed


async def _declared(connector: Connector) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder)
        if any(each.about is not None for each in connector.datasets):
            database = await furnish_parcels(discover(), Path(folder))
        async with stood_in(connector, Path(folder)) as upstream:
            return {
                each.name: (await _shape(each, upstream, database, sys.maxsize)).plain()
                for each in connector.datasets
            }


async def _found(connector: Connector, records: int) -> dict[str, Shape]:
    database = load().database
    async with _live(connector) as upstream:
        return {each.name: await _shape(each, upstream, database, records) for each in connector.datasets}


async def _shape(dataset: Dataset, upstream: Upstream, database: Path, records: int) -> Shape:
    """The shape of a dataset's first records; the pull is left behind them."""
    found: list[Any] = []
    about = await subjects(dataset, database)
    async with aclosing(dataset.pull(upstream, {}, *about)) as batches:  # type: ignore[type-var]
        async for batch in batches:
            found += batch.records
            if len(found) >= records:
                break
    return shape_of(found)


@asynccontextmanager
async def _live(connector: Connector, **instead: str) -> AsyncIterator[Upstream]:
    settings = {**_settings(connector), **instead}
    async with Upstream(connector.name, settings, terms=connector.terms) as upstream:
        yield upstream


def _settings(connector: Connector) -> Mapping[str, str]:
    found = load().connectors.get(connector.name)
    if found is None:
        raise SettingsError(f"the settings have no [connectors.{connector.name}]")
    return found


def _connector(name: str) -> Connector:
    found = next((each for each in discover() if each.name == name), None)
    if found is None:
        raise _unknown(name)
    return found


def _unknown(name: str) -> SettingsError:
    return SettingsError(
        f"there is no connector {name}; there are {', '.join(each.name for each in discover())}"
    )
