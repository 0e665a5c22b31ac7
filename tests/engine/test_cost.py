"""Cost: the estimate is the specification's, what is counted is what is in the answer, and the first bounds the second.

`ORACLE_EXAMPLES=50000` looks at that many new operations of each kind; without it, at the same few every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import strawberry
from graphql import GraphQLSchema, OperationType, build_schema
from hypothesis import given, reject
from hypothesis import strategies as st
from strawberry.schema.config import StrawberryConfig

from gateway.engine.batch import batch
from gateway.engine.cost import MOST
from gateway.engine.documents import InvalidDocument
from gateway.engine.engine import Engine
from gateway.engine.plan import View
from gateway.engine.run import Reach
from gateway.engine.weights import list_size
from gateway.oauth.tokens import Caller
from gateway.schema import declared_schema
from tests.engine.comparison import LIMITS
from tests.engine.conftest import Runs
from tests.engine.operations import Operation, operations, thorough
from tests.engine.pools import SCALARS, Keys
from tests.engine.reached import opened
from tests.engine.stage import Stage, open_view
from tests.engine.tolls import Tolls, marked
from tests.engine.zoo import Fish, Keeper, Lion, Mutation, Parrot, Query, make_zoo
from tests.world import PEOPLE


@dataclass
class Booth:
    """An engine, and the schema as it is printed."""

    view: View
    printed: GraphQLSchema

    def __post_init__(self) -> None:
        self.engine = Engine(self.view.schema, LIMITS, size=20)

    async def check(self, operation: Operation, reach: Reach) -> None:
        """Hold estimate and count to the tolls. Raises `InvalidDocument` for an operation that is not valid."""
        text = marked(operation.text)
        prepared = self.engine.prepare(self.view, text, operation.variables, operation.name)
        variables = prepared.variables.coerced
        tolls = Tolls(self.printed, text, operation.name, variables, self.view.locks)
        assert prepared.cost == min(tolls.estimated(), MOST)
        result = await prepared.run(reach, 60)
        assert result.estimated == prepared.cost
        assert result.cost <= prepared.cost
        counted = tolls.counted(result.data) if result.data is not None else 0
        assert counted <= result.cost
        if not result.errors:
            assert counted == result.cost


def zoo_booth() -> Booth:
    """The zoo's."""
    config = StrawberryConfig(scalar_map=SCALARS)
    printed = strawberry.Schema(Query, Mutation, types=(Lion, Parrot, Fish, Keeper), config=config).as_str()
    return Booth(open_view(*make_zoo()), build_schema(printed))


ZOO = zoo_booth()
HINTS = {"number": range(1, 97), "first": [1, 2, 6, 0, -1, 2**31 - 1]}


@given(operation=operations(ZOO.view.schema, HINTS))
@thorough(100)
def test_a_query_in_the_zoo_costs_what_the_specification_says(operation: Operation, runs: Runs) -> None:
    try:
        runs(ZOO.check(operation, Keys))
    except InvalidDocument:
        reject()


@given(operation=operations(ZOO.view.schema, HINTS, kind=OperationType.MUTATION, depth=2))
@thorough(50)
def test_a_mutation_costs_ten_more(operation: Operation, runs: Runs) -> None:
    try:
        runs(ZOO.check(operation, Keys))
    except InvalidDocument:
        reject()


GATEWAY = declared_schema()
SCOPES = (
    " ".join(GATEWAY.scopes),
    "clients:read alibaba:read",
    "clients:read mailru:read clients:pii",
    "fund:reports",
)
VALUES: dict[str, list[Any]] = {
    "first": [1, 2, 0, 5, 100, -1, 101],
    "last": [1, 2, 0, -1],
    "quarter": ["2017Q1", "2017Q9"],
    "region": ["ADA at ALIBABA", "nowhere"],
    "placedAfter": ["2017-02-01T00:00:00Z"],
    "document": ["{ caller { party } }", "{ clients { nodes { id } } }"],
}


@pytest.fixture(scope="module")
def reaches(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Caller], Reach]]:
    opening = opened(tmp_path_factory.mktemp("cost"))
    world = runs(opening.__aenter__())
    ids = world.secret.hide("ALIBABA", [key for key, _ in PEOPLE.values()])
    VALUES["id"] = [*ids, "AlibabaOrder:ADA", "PandaoOrder:BORIS", "nobody"]
    yield world.reach
    runs(opening.__aexit__(None, None, None))


@given(operation=operations(GATEWAY.graphql, VALUES, depth=6), scopes=st.sampled_from(SCOPES))
@thorough(100)
def test_on_the_gateways_schema_it_does_too_for_callers_who_may_not_ask_for_all(
    operation: Operation, scopes: str, reaches: Callable[[Caller], Reach], runs: Runs
) -> None:
    """What is refused costs nothing."""
    held = frozenset(scopes.split())
    booth = Booth(GATEWAY.view(held), build_schema(GATEWAY.sdl))
    try:
        runs(booth.check(operation, reaches(Caller("ALIBABA", "cost", held, "analytics"))))
    except InvalidDocument:
        reject()


@strawberry.type
class Leaf:
    name: str = "leaf"


def saplings(trees: Sequence[Any], access: Any, *, first: int | None = None) -> list[list[Tree]]:
    """One, however many were asked for."""
    return [[Tree()] for _ in trees]


@strawberry.type
class Tree:
    leaves: list[Leaf] = batch(lambda trees, access: [[Leaf()] * 2 for _ in trees])
    trees: list[Tree] = batch(saplings, list_size=list_size(2, slicing=["first"]))


def wood(
    roots: Any, access: Any, *, first: int | None = None, last: int | None = None, filter: str | None = None
) -> list[Tree]:
    """Some trees."""
    return [Tree() for _ in roots]


@strawberry.type
class Forest:
    wood: Tree = batch(wood, list_size=list_size(20, slicing=["first", "last"], sized=["leaves"]))
    counted: int = batch(lambda roots, access: [7], cost=10)


FOREST = Stage(Forest)
VARYING = "query ($n: Int) { wood(first: $n) { leaves { name } } }"
LONGEST = 2**31 - 1


@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        pytest.param("{ wood { leaves { name } } }", {}, 1 + 20, id="the assumed size"),
        pytest.param("{ wood(first: 3) { leaves { name } } }", {}, 1 + 3, id="an argument says it"),
        pytest.param("{ wood(first: 3, last: 5) { leaves { name } } }", {}, 1 + 5, id="the largest of two"),
        pytest.param("{ wood(first: -3) { leaves { name } } }", {}, 1, id="never below nothing"),
        pytest.param("{ wood(first: null) { leaves { name } } }", {}, 1 + 20, id="null says nothing"),
        pytest.param(VARYING, {"n": 4}, 1 + 4, id="a variable says it"),
        pytest.param(VARYING, {"n": -4}, 1, id="nor by a variable"),
        pytest.param(VARYING, {"n": None}, 1 + 20, id="a null variable"),
        pytest.param(VARYING, {}, 1 + 20, id="a variable that is not sent"),
        pytest.param("{ a: counted b: counted }", {}, 20, id="a field's weight, each time"),
        pytest.param(
            "{ wood { trees(first: 2) { trees(first: 3) { __typename } } } }", {}, 1 + 2 + 6, id="nested"
        ),
        pytest.param("{ wood { trees(first: 2) { leaves { name } } } }", {}, 1 + 2 + 2_000, id="no size"),
        pytest.param(
            "{ wood " + 5 * f"{{ trees(first: {LONGEST}) " + "{ __typename }" + 5 * "}" + "}",
            {},
            MOST,
            id="beyond all numbers",
        ),
        pytest.param("{ __schema { queryType { name } } __typename }", {}, 30, id="introspection"),
        pytest.param(
            '{ __type(name: "Tree") { ...T ...T } } fragment T on __Type { name }', {}, 30, id="spread"
        ),
    ],
)
def test_an_operation_is_estimated(text: str, variables: dict[str, Any], expected: int) -> None:
    assert FOREST.engine.prepare(FOREST.view, text, variables, None).cost == expected


def test_each_request_is_estimated_with_its_own_variables() -> None:
    """The plan is one and the same."""
    few, many = (FOREST.engine.prepare(FOREST.view, VARYING, {"n": n}, None) for n in (1, 100))
    assert few.plan is many.plan
    assert (few.cost, many.cost) == (2, 101)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{ wood { leaves { name } } }", 1 + 2, id="what came, not what might have"),
        pytest.param("{ __schema { queryType { name } } }", 30, id="introspection"),
        pytest.param("{ counted }", 10, id="a field"),
    ],
)
async def test_what_it_cost_is_what_came_of_it(text: str, expected: int) -> None:
    assert (await FOREST.ask(text)).cost == expected
