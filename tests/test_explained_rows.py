"""The words about rows are true: whose rows an explanation says a caller sees, the database shows it, and no others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import column, text

from gateway.access.agreements import CONTRACT, consents
from gateway.access.request import Access
from gateway.clients.accounts import accounts
from gateway.discovery import dataset_scopes, discover
from gateway.explain.tables import caller_rights, explained_tables
from gateway.oauth.tokens import Caller
from gateway.schema import declared_schema
from gateway.settings import Settings
from gateway.store.database import writer
from gateway.store.queries import Query
from gateway.store.readers import Readers
from gateway.store.tables import NOBODY, metadata
from tests.conftest import empty_database
from tests.world import PEOPLE, consent, speaking_world, write

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWNERS = {
    "accounts": "party",
    "orders": "party",
    "profiles": "party",
    "sync_cursors": "upper(connector)",
    "sync_runs": "party",
    "exchange_rates": "'CBR'",
    "order_lines": "iif(order_id LIKE 'Alibaba%', 'ALIBABA', 'MAILRU')",
    "shipment_orders": "iif(order_id LIKE 'Alibaba%', 'ALIBABA', 'MAILRU')",
    "shipment_numbers": "iif(number LIKE '%.ALIBABA%', 'ALIBABA', 'MAILRU')",
    "shipments": "iif(id LIKE '%.ALIBABA%', 'ALIBABA', 'MAILRU')",
    "trackings": "iif(shipment_id LIKE '%.ALIBABA%', 'ALIBABA', 'MAILRU')",
    "tracking_events": "iif(shipment_id LIKE '%.ALIBABA%', 'ALIBABA', 'MAILRU')",
    **{
        name: f"'{each.party}'"
        for each in discover()
        for name in metadata.tables
        if name.startswith(f"{each.name}_")
    },
}
"""Whose a row is, in SQL."""

SPEAKING = {row["party"] for row in speaking_world()[accounts]}
"""Whose clients there are in this world."""

FILLED = {table.name for table, rows in speaking_world().items() if rows} & OWNERS.keys()

EVERYBODY = [
    consent(client, party, purpose)
    for (client, _), party, purpose in product(PEOPLE.values(), CONTRACT.parties, CONTRACT.purposes)
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worlds(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Readers]]:
    """Everybody's rows twice: where no client consented to anything, and where all did to everything."""
    found = {}
    for name, said in (("none", []), ("all", EVERYBODY)):
        settings = Settings(state=Path(tmp_path_factory.mktemp(name)))
        await empty_database(settings)
        database = writer(settings.database)
        async with database.begin() as connection:
            await write(connection, {**speaking_world(), consents: said})
        await database.dispose()
        found[name] = Readers(settings.database, 1)
        await found[name].open()
    yield found
    for each in found.values():
        await each.close()


async def test_each_table_that_callers_read_is_among_these() -> None:
    """But `clients`, of which a row is nobody's alone."""
    read = {each.name for each in metadata.sorted_tables if each.info["rows"] != NOBODY}
    assert read - {"clients"} == OWNERS.keys()


ALL = frozenset(declared_schema().scopes)
DATASETS = sorted(dataset_scopes(discover()))
NARROWED: list[Any] = [None, frozenset(), frozenset(DATASETS[:3]), frozenset(DATASETS[3:])]


@cache
def _owners(table: str) -> Query:
    query = text(f"SELECT DISTINCT {OWNERS[table]} FROM {table}").columns(column("owner"))
    return Query(query)  # type: ignore[arg-type]


@pytest.mark.parametrize("party", CONTRACT.parties)
@pytest.mark.parametrize("datasets", NARROWED, ids=["whole", "of nothing", "of some", "of others"])
async def test_whose_rows_an_explanation_names_those_are_seen(
    worlds: dict[str, Readers], party: str, datasets: Any
) -> None:
    """All of some without any consent, those of others where all consent; for each purpose, with any scope less."""
    tables = [metadata.tables[name] for name in OWNERS]
    for purpose, lack in product([*CONTRACT.purposes, "curiosity"], [None, *sorted(ALL)]):
        caller = Caller(party, "app", ALL - {lack}, purpose, datasets=datasets)
        rights = await caller_rights(Access(caller, worlds["none"], None))  # type: ignore[arg-type]
        for told in explained_tables(tables, rights, caller):
            if told.name not in FILLED:
                continue
            seen = {
                name: {row.owner for row in await readers.fetch(caller, _owners(told.name))}
                for name, readers in worlds.items()
            }
            # A table that one party alone has rows in may follow one of several parties.
            whose = {OWNERS[told.name].strip("'")} & set(CONTRACT.owners) or SPEAKING
            assert whose & set(told.whole) == seen["none"], (told.name, caller)
            assert whose & set(told.with_consent) == seen["all"] - seen["none"], (told.name, caller)
