"""Subjects: what a carrier is asked about while one works on its connector, for it lists nothing by itself.

They are parcels: those in a gateway's database, or, where there is only a sandbox, those of the marketplaces' own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.authoring.sandboxes import stood_in
from gateway.connector import Connector, Dataset, Unreadable, shipment_numbers, shipments
from gateway.store.database import migrate, writer

_TABLES = (shipments, shipment_numbers)


async def subjects(dataset: Dataset, database: Path) -> list[Any]:
    """What a pull takes as its one argument more, out of a database; nothing for a dataset that lists by itself.

    Where there is no database there is nothing to ask about.
    """
    if dataset.about is None:
        return []
    if not await asyncio.to_thread(database.exists):
        return [[]]
    async with _opened(database) as engine, engine.connect() as connection:
        return [(await connection.execute(dataset.about)).all()]


async def furnish_parcels(connectors: Iterable[Connector], folder: Path) -> Path:
    """A database in the folder with the parcels that the marketplaces' sandboxes tell of."""
    database = folder / "parcels.db"
    migrate(database)
    async with _opened(database) as engine:
        for each in connectors:
            brought = [found for found in each.datasets if "orders" in found.covers and found.about is None]
            if each.party and each.sandbox and brought:
                async with stood_in(each, folder) as upstream:
                    for dataset in brought:
                        async for batch in dataset.pull(upstream, {}):
                            await _keep(engine, dataset, batch.records)
    return database


async def _keep(engine: AsyncEngine, dataset: Dataset, records: Iterable[Any]) -> None:
    async with engine.begin() as connection:
        for record in records:
            try:
                rows = dataset.read(record)
            except Unreadable:
                continue
            for table in _TABLES:
                if rows.get(table):
                    await connection.execute(insert(table).prefix_with("OR REPLACE"), list(rows[table]))


@asynccontextmanager
async def _opened(database: Path) -> AsyncIterator[AsyncEngine]:
    engine = writer(database)
    try:
        yield engine
    finally:
        await engine.dispose()
