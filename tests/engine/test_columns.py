"""SQL selects the columns that are asked for, and each field of a level is one statement."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.engine.engine import Engine
from gateway.engine.limits import Limits
from gateway.oauth.tokens import Caller
from gateway.schema import declared_schema
from tests.engine.reached import World, opened

schema = declared_schema()
engine = Engine(schema.graphql, Limits(tokens=4_000, depth=15))
CALLER = Caller("ALIBABA", "columns", frozenset(schema.scopes), "analytics")

COLUMNS = ("party", "placed_at_raw", "modified_at", "status", "status_raw", "total_minor", "currency")
"""Of the orders; those by which they are found and sorted are always there."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as each:
        yield each


async def ask(world: World, document: str, **variables: object) -> list[str]:
    """The SQL of an operation without errors."""
    world.sql.clear()
    prepared = engine.prepare(schema.view(CALLER.scopes), document, variables, None)
    answer = await prepared.run(world.reach(CALLER), 10)
    assert not answer.errors
    assert answer.data is not None
    return world.sql


def columns(sql: str) -> set[str]:
    """Which of the orders' columns a statement names."""
    words = set(sql.replace(".", " ").replace(",", " ").replace("(", " ").replace(")", " ").split())
    return words & set(COLUMNS)


ORDERS = "{ clients(first: 5) { nodes { orders { nodes { %s } } } } }"


@pytest.mark.parametrize(
    ("selection", "selected"),
    [
        ("id", set()),
        ("placedAt", set()),
        ("statusRaw", {"status_raw"}),
        ("status party", {"status", "party"}),
        # A batch function names the columns that it needs.
        ("total { currency }", {"total_minor", "currency"}),
        # Fragments count where they apply, whatever they are on.
        ("... on AlibabaOrder { statusRaw } ...F", {"status_raw", "party"}),
        ("s: statusRaw @skip(if: true) id", set()),
        ("s: statusRaw @include(if: true)", {"status_raw"}),
    ],
)
async def test_only_what_is_asked_is_selected(world: World, selection: str, selected: set[str]) -> None:
    fragment = "fragment F on PandaoOrder { party }" if "...F" in selection else ""
    _, orders = await ask(world, ORDERS % selection + fragment)
    assert columns(orders) == selected


async def test_only_what_is_asked_is_selected_on_every_way_to_an_order(world: World) -> None:
    """Edges, an account's orders, and `node`."""
    [_, edges] = await ask(world, "{ clients { nodes { orders { edges { node { statusRaw } } } } } }")
    assert columns(edges) == {"status_raw"}
    *_, account = await ask(world, "{ clients { nodes { alibaba { orders { nodes { status } } } } } }")
    assert columns(account) == {"status", "party"}
    [node] = await ask(world, '{ node(id: "AlibabaOrder:ADA") { ... on Order { status } } }')
    assert columns(node) == {"status"}


async def test_a_count_is_made_only_where_it_is_asked_for(world: World) -> None:
    assert len(await ask(world, "{ clients { nodes { id orders { nodes { id } } } } }")) == 2
    assert len(await ask(world, "{ clients { totalCount nodes { id orders { totalCount } } } }")) == 4
    variables = "query ($count: Boolean!) { clients { totalCount @include(if: $count) nodes { id } } }"
    assert len(await ask(world, variables, count=False)) == 1
    assert len(await ask(world, variables, count=True)) == 2


async def test_a_level_is_one_statement_however_many_clients(world: World) -> None:
    """Five levels with SQL of their own: clients, accounts, orders, lines of each type."""
    document = """{ clients { nodes { alibaba { memberSince } orders { nodes { lines { name } } } } } }"""
    statements = await ask(world, document)
    assert len(statements) == 5
    assert sum("order_lines" in each for each in statements) == 2
