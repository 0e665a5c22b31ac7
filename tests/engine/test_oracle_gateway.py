"""The engine answers as graphql-core does, on the gateway's own schema, for callers with all or with few scopes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from gateway.access.request import cursor
from gateway.discovery import discover
from gateway.engine.documents import InvalidDocument
from gateway.engine.run import Reach
from gateway.oauth.tokens import Caller
from gateway.schema import Schema
from tests.engine.comparison import Oracle, locked, written
from tests.engine.conftest import Runs
from tests.engine.operations import Operation, operations, thorough
from tests.engine.reached import opened
from tests.reference import Reference
from tests.world import PEOPLE

Reaches = Callable[[Caller], Reach]

pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")

schema = Schema(discover())
CALLER = Caller("ALIBABA", "oracle", frozenset(schema.scopes), "analytics")

HINTS: dict[str, list[Any]] = {
    "first": [1, 2, 0, 5, 100, -1, 101],
    "last": [1, 2, 0, -1],
    "quarter": ["2017Q1", "2017Q9"],
    "region": ["ADA at ALIBABA", "nowhere"],
    "placedAfter": ["2017-02-01T00:00:00Z", "2017-04-01T02:00:00+03:00"],
    "placedBefore": ["2017-03-01T00:00:00Z"],
    "orders.after": [cursor(["2017-02-01T00:00:00Z", "A"]), "nonsense", cursor(["2016-01-01", ""])],
}
"""Ids are added when the world is there: they are pseudonyms under a secret of its own."""


@pytest.fixture(scope="module")
def reaches(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reaches]:
    opening = opened(tmp_path_factory.mktemp("oracle"))
    world = runs(opening.__aenter__())
    ids = world.secret.hide("ALIBABA", [key for key, _ in PEOPLE.values()])
    HINTS["id"] = [*ids, "AlibabaOrder:ADA", "PandaoOrder:ADA", "PandaoOrder:BORIS", "nobody"]
    HINTS["clients.after"] = HINTS["clients.before"] = [*ids[:4], "nonsense"]
    yield world.reach
    runs(opening.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    view = schema.view(CALLER.scopes)
    return Oracle(view, Reference(Schema(discover()).graphql, view.convert))


@given(operation=operations(schema.graphql, HINTS, depth=6))
@thorough(250)
def test_every_answer_is_graphql_cores(
    operation: Operation, oracle: Oracle, reaches: Reaches, runs: Runs
) -> None:
    try:
        runs(oracle.compare(operation, reaches(CALLER)))
    except InvalidDocument:
        reject()


NARROW = (
    "clients:read",
    "clients:read alibaba:read",
    "clients:read mailru:read clients:pii",
    "clients:read alibaba:read mailru:read",
    "fund:reports",
)


@pytest.fixture(scope="module")
def narrow() -> dict[str, Oracle]:
    """For some sets of scopes the view, and a reference whose resolvers refuse what the view locks."""
    views = {scopes: schema.view(frozenset(scopes.split())) for scopes in NARROW}
    return {
        scopes: Oracle(view, locked(Reference(Schema(discover()).graphql, view.convert), view))
        for scopes, view in views.items()
    }


@given(operation=operations(schema.graphql, HINTS, depth=6), scopes=st.sampled_from(NARROW))
@thorough(150)
def test_what_is_refused_is_null_and_nothing_else_changes(
    operation: Operation, scopes: str, narrow: dict[str, Oracle], reaches: Reaches, runs: Runs
) -> None:
    """The data is what it is when the locked fields' resolvers refuse one by one; so no lock is slipped past."""
    reach = reaches(Caller("ALIBABA", "oracle", frozenset(scopes.split()), "analytics"))

    async def compare() -> None:
        result = await narrow[scopes].answer(operation, reach)
        expected = await narrow[scopes].expected(operation, reach)
        assert written(result.data) == written(expected.data)

    try:
        runs(compare())
    except InvalidDocument:
        reject()
