"""No subscriber can tell two worlds apart that differ only in what it may not see, whatever changes in them."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import Phase

from gateway.access.pseudonyms import Pseudonyms
from gateway.access.request import Access
from gateway.clients.orders import orders
from gateway.endpoint.answers import execution_result
from gateway.engine import plan
from gateway.engine.batch import Source
from gateway.engine.engine import Engine
from gateway.engine.limits import Limits
from gateway.errors import FieldError
from gateway.oauth.tokens import Caller
from gateway.schema import declared_schema
from gateway.store.readers import Readers
from tests.isolation.gateways import Leak, World
from tests.isolation.operations import ORDER
from tests.isolation.scenarios import Scenario
from tests.test_isolation import try_scenarios

SCHEMA = declared_schema()
DOCUMENT = "subscription { orderChanged { ...N } } fragment N" + ORDER.partition("fragment N")[2]
LIMITS = Limits(tokens=4_000, depth=15)


class EverythingChanges:
    """A feed that tells of each order there is, in an order that is the same in both worlds, and then ends."""

    def __init__(self, path: Path) -> None:
        with closing(sqlite3.connect(path)) as database:
            self._orders = [id for (id,) in database.execute("SELECT id FROM orders ORDER BY id")]

    async def changes(self, party: str | None) -> AsyncGenerator[Sequence[str], None]:
        """All at once."""
        yield self._orders


async def streamed(caller: Caller, world: World) -> list[bytes]:
    """What a subscriber is told, to the byte."""
    readers, feed = Readers(world.path, 1), EverythingChanges(world.path)
    reach = partial(Access, caller, readers, Pseudonyms(b"x" * 32), feed=feed)
    await readers.open()
    try:
        prepared = Engine(SCHEMA.graphql, LIMITS).prepare(SCHEMA.view(caller.scopes), DOCUMENT, {}, None)
        results = prepared.stream(lambda asked: reach(asked=asked), 10)
        return [orjson.dumps(execution_result(each, None)) async for each in results]
    finally:
        await readers.close()


async def follow(scenario: Scenario, worlds: tuple[World, World]) -> None:
    """Raises `Leak` where the streams differ."""
    told = []
    for world, facts in zip(worlds, scenario.worlds, strict=True):
        await world.become(facts)
        told.append(await streamed(scenario.caller, world))
    if told[0] != told[1]:
        raise Leak(f"{scenario.caller} followed orders:\n{told[0]}\n{told[1]}")


def test_what_a_subscriber_may_not_see_changes_nothing_that_it_is_told(tmp_path: Path) -> None:
    """As many events with the same bytes, in the same order, whatever else changed."""
    try_scenarios(tmp_path, follow, 40, Phase.generate, Phase.shrink)


async def gaps(access: Access) -> AsyncGenerator[Sequence[Any], None]:
    """A source that says of each order it may not show that there was one."""
    columns = access.columns(orders, "Order", "id")
    async for changed in access.changes(None):
        found = await access.one(orders, "id", changed, columns)
        yield [FieldError("Gone.", "GONE") if row is None else row for row in found]


async def numbered(access: Access) -> AsyncGenerator[Sequence[Any], None]:
    """A source that tells of nothing where there is too much, hidden orders counted."""
    columns = access.columns(orders, "Order", "id")
    async for changed in access.changes(None):
        found = await access.one(orders, "id", changed, columns)
        yield [row for row in found if row is not None] if len(changed) % 2 else []


@pytest.mark.parametrize("leaking", [gaps, numbered])
def test_a_planted_leak_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaking: Callable[..., Any]
) -> None:
    """So that the test above is known to look."""
    there = plan.source_of
    monkeypatch.setattr(plan, "source_of", lambda field: there(field) and Source(leaking))
    with pytest.raises(Leak):
        try_scenarios(tmp_path, follow, 200, Phase.generate, derandomize=True)
