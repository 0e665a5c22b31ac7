"""The engine answers as graphql-core does, on a zoo where everything goes wrong.

`ORACLE_EXAMPLES=50000` looks at that many new operations of each kind; without it, at the same few every time.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from graphql import GraphQLError, OperationType
from hypothesis import given, reject
from hypothesis import strategies as st

from gateway.engine.documents import InvalidDocument
from gateway.engine.plan import View
from gateway.engine.run import Reach, Result
from tests.engine.comparison import Oracle, locked, told, written
from tests.engine.conftest import Runs
from tests.engine.operations import FEATURES, LENGTH, Operation, operations, read, thorough
from tests.engine.pools import Keys
from tests.engine.stage import open_view
from tests.engine.zoo import make_zoo
from tests.reference import Reference

# graphql-core drops the coroutines of fields whose parent has become null.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")

zoo, _ = make_zoo()
HINTS = {"number": range(1, 97)}


@given(operation=operations(zoo, HINTS))
@thorough(400)
def test_every_answer_is_graphql_cores(operation: Operation, zoo_oracle: Oracle, runs: Runs) -> None:
    try:
        runs(zoo_oracle.compare(operation, Keys))
    except InvalidDocument:
        reject()


@given(operation=operations(zoo, HINTS, kind=OperationType.MUTATION, depth=2))
@thorough(150)
def test_mutations_are_done_one_after_the_other(operation: Operation, zoo_oracle: Oracle, runs: Runs) -> None:
    """The same is done in the same order, up to the same failure, and the answers are equal."""
    ours, theirs = Keys({}), Keys({})

    def reach(keys: Keys) -> Reach:
        return lambda asked: Keys(asked, keys.log)

    async def compare() -> None:
        result = await zoo_oracle.answer(operation, reach(ours))
        expected = await zoo_oracle.expected(operation, reach(theirs))
        assert written(result.data) == written(expected.data)
        assert set(told(expected.errors)) <= set(told(result.errors))
        assert ours.log == theirs.log

    try:
        runs(compare())
    except InvalidDocument:
        reject()


LOCKS = (
    frozenset({"Fish"}),
    frozenset({"Lion", "Cage.number", "Firm"}),
    frozenset({"Cage.twin", "Cage.label", "Animal.mood", "Lion.mood", "Parrot.words", "Leaves"}),
)
"""Types and fields that some callers may not ask for."""


def _view(locks: frozenset[str]) -> View:
    def lock(kind: str, name: str | None) -> GraphQLError | None:
        coordinate = f"{kind}.{name}" if name else kind
        return GraphQLError(f"locked: {coordinate}") if coordinate in locks else None

    return replace(open_view(*make_zoo()), locks=lock)


@pytest.fixture(scope="module")
def locked_oracles() -> list[Oracle]:
    views = [_view(locks) for locks in LOCKS]
    return [Oracle(view, locked(Reference(*make_zoo()), view)) for view in views]


@given(operation=operations(zoo, HINTS), place=st.integers(0, len(LOCKS) - 1))
@thorough(150)
def test_what_is_refused_is_null_and_nothing_else_changes(
    operation: Operation, place: int, locked_oracles: list[Oracle], runs: Runs
) -> None:
    """The data is what it is when the locked fields' resolvers refuse one by one; so no lock is slipped past."""
    oracle = locked_oracles[place]

    async def compare() -> None:
        result = await oracle.answer(operation, Keys)
        expected = await oracle.expected(operation, Keys)
        shown = await oracle.expected(operation, Keys, all_errors=True)
        assert written(result.data) == written(expected.data)
        assert _others(result.errors) == _others(shown.errors)

    try:
        runs(compare())
    except InvalidDocument:
        reject()


def _others(errors: Sequence[GraphQLError] | None) -> list[tuple[str, str]]:
    """Errors that do not come of a refusal, which the engine tells once and graphql-core at every place."""
    return [
        (path, said) for path, said in told(errors) if not said.startswith(("locked", "Cannot return null"))
    ]


def test_operations_have_all_of_the_language_and_answers_go_wrong_in_every_way(
    zoo_oracle: Oracle, runs: Runs
) -> None:
    """Should the strategy lose its bite, this says which tooth."""
    tapes = random.Random(7)
    seen: Counter[str] = Counter()
    everything = FEATURES | FAILURES.keys()
    while seen["drawn"] < 1_500 and not (seen["drawn"] >= 300 and everything <= seen.keys()):
        seen["drawn"] += 1
        operation = read(tapes.randbytes(LENGTH), zoo, HINTS)
        seen.update(operation.features)
        try:
            seen.update(_kinds(runs(zoo_oracle.answer(operation, Keys))))
        except InvalidDocument:
            seen["invalid"] += 1
    assert everything <= seen.keys()
    assert seen["invalid"] < seen["drawn"] * 0.05
    assert seen["filled"] > seen["drawn"] * 0.6
    assert seen["errors"] > seen["drawn"] * 0.3
    assert seen["no errors"] > seen["drawn"] * 0.2


FAILURES = {
    "a batch function fails": "the keeper is ill",
    "a batch function says why": "Come back tomorrow.",
    "a value is an exception": "the wall is down",
    "a list breaks off": "the list broke off",
    "an attribute fails": "no text in",
    "an attribute is missing": "has no attribute",
    "too many values": "gave too many or too few",
    "no values": "has no len()",
    "no list": "Expected Iterable",
    "no such type": "no such type here",
    "null where none may be": "Cannot return null",
    "no Int": "Int cannot represent",
    "no Float": "Float cannot represent",
    "no String": "String cannot represent",
    "no Boolean": "Boolean cannot represent",
    "no ID": "ID cannot represent",
    "no enum value": "Enum 'Mood' cannot represent",
    "no Weight": "Weight cannot represent",
    "serialized to null": "serialized to null",
    "a null argument": "Argument",
    "a bad variable": "Variable",
}
"""What goes wrong in the zoo, by what is said of it."""


def _kinds(result: Result) -> set[str]:
    messages = " ".join(message for _, message in told(result.errors))
    found = {name for name, words in FAILURES.items() if words in messages}
    found.add("errors" if result.errors else "no errors")
    if result.data and any(_filled(value) for value in result.data.values()):
        found.add("filled")
    return found


def _filled(value: Any) -> bool:
    return value not in (None, [], {})
