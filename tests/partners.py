"""The partners: every connector's sandbox at work over books of the demo's world."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import uvicorn
from sqlalchemy import Table, create_engine, insert
from starlette.types import ASGIApp

from gateway.authoring.cassettes import Player
from gateway.connector import Batch, Connector, Dataset, Upstream, shipment_numbers, shipments
from gateway.demo.world import World
from gateway.discovery import discover
from gateway.store.tables import metadata

ONE = os.environ.get("GATEWAY_CONTRACT_OF")
"""The one connector to be tested, if it is one: see `gateway connector test`."""

CASSETTE = os.environ.get("GATEWAY_CASSETTE")
"""What is played in its sandbox's place."""

FOLDERS = {each.name: each for each in discover() if ONE in (None, each.name)}
PULLED = [(each.name, dataset.name) for each in FOLDERS.values() for dataset in each.datasets]

every_connector = pytest.mark.parametrize("name", FOLDERS)
every_dataset = pytest.mark.parametrize(("name", "dataset"), PULLED)


@cache
def small_purchases(households: int = 20) -> World:
    """The demo's world with a few of its households: enough for lists of several pages."""
    return World.complete_journey(households=households)


def keys_of(connector: Connector) -> dict[str, str]:
    """Values for all that the operator must set, made for this run."""
    return {name: secrets.token_urlsafe(12) for name in connector.settings}


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """The app behind a real socket; its address."""
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    server.force_exit = True
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        # Without the server's own loop, which looks at its signals ten times a second.
        await server.startup([listening])
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            await server.shutdown([listening])
            await server.lifespan.shutdown()


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every partner's sandbox finds what it serves."""
    folder = tmp_path_factory.mktemp("books")
    for each in FOLDERS.values() if CASSETTE is None else ():
        assert each.furnish is not None
        each.furnish(small_purchases(), folder)
    return folder


@asynccontextmanager
async def partner(name: str, folder: Path, **wrong: str) -> AsyncIterator[Upstream]:
    """The partner's sandbox at work, and the way to it with the settings that the connector names, or wrong ones."""
    connector = FOLDERS[name]
    keys = keys_of(connector)
    assert connector.sandbox is not None
    stand_in = connector.sandbox(folder, keys) if CASSETTE is None else Player(Path(CASSETTE))
    async with (
        served(stand_in) as url,
        Upstream(name, {**keys, **wrong, "url": url}) as upstream,
    ):
        yield upstream


def dataset_of(name: str, dataset: str) -> Dataset:
    """A dataset by its connector's name and its own."""
    [found] = [each for each in FOLDERS[name].datasets if each.name == dataset]
    return found


async def batches_of(
    dataset: Dataset, upstream: Upstream, cursor: Mapping[str, Any] | None = None
) -> list[Batch]:
    """All batches of a pull."""
    subjects = await subjects_of(dataset)
    return [batch async for batch in dataset.pull(upstream, cursor or {}, *subjects)]


_ROWS: list[tuple[Table, dict[str, Any]]] = []


async def subjects_of(dataset: Dataset) -> list[Any]:
    """What a dataset's pull is to be asked about, as its one argument more; nothing where it lists by itself."""
    if dataset.about is None:
        return []
    if not _ROWS:
        with TemporaryDirectory() as folder:
            _ROWS.extend([row async for row in _parcels(Path(folder))])
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        for table, row in _ROWS:
            connection.execute(insert(table).prefix_with("OR REPLACE"), row)
        found = connection.execute(dataset.about).all()
    engine.dispose()
    return [found]


def rows_of_parcels() -> list[tuple[Table, dict[str, Any]]]:
    """The rows of shipments that the last `subjects_of` was about."""
    return _ROWS


async def _parcels(folder: Path) -> AsyncIterator[tuple[Table, dict[str, Any]]]:
    """The shipments that the marketplaces bring of the small world."""
    for each in (one for one in discover() if one.party):
        assert each.furnish is not None
        each.furnish(small_purchases(), folder)
        for found in (one for one in each.datasets if "orders" in one.covers and one.about is None):
            async with partner(each.name, folder) as upstream:
                for batch in await batches_of(found, upstream):
                    for rows in map(found.read, batch.records):
                        for table in filter(rows.__contains__, (shipments, shipment_numbers)):
                            for row in rows[table]:
                                yield table, dict(row)
