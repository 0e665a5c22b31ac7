"""A plan is made once per document, switches and view; a repeated operation is neither parsed nor planned again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError

from gateway.engine.batch import batch
from gateway.engine.documents import InvalidDocument
from gateway.engine.engine import Engine
from gateway.engine.limits import Limits
from gateway.engine.plan import View
from tests.engine.stage import Stage


def echo(
    parents: Sequence[Any], access: Any, *, number: int | None = None, numbers: list[int] | None = None
) -> list[str]:
    return [repr((number, numbers)) for _ in parents]


@strawberry.type
class Query:
    echo: str = batch(echo)
    number: int = batch(lambda parents, access: [7])
    secret: int | None = batch(lambda parents, access: [42])


stage = Stage(Query)
DOCUMENT = "query ($b: Boolean = true) { number @include(if: $b) secret }"


def locking(*coordinates: str) -> View:
    """The view of one who may not ask for some fields."""

    def locks(kind: str, name: str | None) -> GraphQLError | None:
        return GraphQLError("not yours") if f"{kind}.{name}" in coordinates else None

    return replace(stage.view, locks=locks)


def test_a_repeated_operation_has_its_plan_already() -> None:
    first = stage.engine.prepare(stage.view, DOCUMENT, {"b": True}, None)
    again = stage.engine.prepare(stage.view, DOCUMENT, {}, None)
    assert again.plan is first.plan


def test_another_switch_makes_another_plan() -> None:
    first = stage.engine.prepare(stage.view, DOCUMENT, {"b": True}, None)
    other = stage.engine.prepare(stage.view, DOCUMENT, {"b": False}, None)
    assert other.plan is not first.plan
    assert other.plan.operation is first.plan.operation, "which was parsed once"


def test_variables_that_are_no_switches_share_a_plan() -> None:
    document = "query ($n: Int!) { echo(number: $n) }"
    first = stage.engine.prepare(stage.view, document, {"n": 1}, None)
    assert stage.engine.prepare(stage.view, document, {"n": 2}, None).plan is first.plan


async def test_a_plan_takes_the_variables_of_each_run() -> None:
    """Also where the same document names a variable twice: as a switch of one operation, as a list of the other."""
    document = "query A($x: Boolean!) { number @skip(if: $x) } query B($x: [Int!]) { echo(numbers: $x) }"
    for variables in ({"x": [1]}, {"x": [2, 3]}):
        answer = await stage.ask(document, variables, "B")
        assert answer.data == {"echo": repr((None, variables["x"]))}
    assert (await stage.ask(document, {"x": True}, "A")).data == {}


async def test_views_never_share_a_plan() -> None:
    """Whatever one caller's plan allows is decided for that caller's scopes alone."""
    locked = locking("Query.secret")
    ours = stage.engine.prepare(stage.view, DOCUMENT, {}, None)
    theirs = stage.engine.prepare(locked, DOCUMENT, {}, None)
    assert (await ours.run(dict, 1)).data == {"number": 7, "secret": 42}
    assert (await theirs.run(dict, 1)).data == {"number": 7, "secret": None}
    assert [error.path for error in theirs.plan.refusals] == [["secret"]]


def test_a_plan_outlives_no_view() -> None:
    """A view that is gone leaves nothing to one that takes its place in memory."""
    for _ in range(50):
        view = locking("Query.secret")
        assert stage.engine.prepare(view, DOCUMENT, {}, None).plan.refusals
        del view
        view = locking()
        assert not stage.engine.prepare(view, DOCUMENT, {}, None).plan.refusals
        del view


def test_the_oldest_plan_is_forgotten() -> None:
    engine = Engine(stage.view.schema, Limits(tokens=100, depth=5), size=2)
    first = engine.prepare(stage.view, "{ number }", {}, None)
    for name in ("a", "b"):
        engine.prepare(stage.view, f"{{ {name}: number }}", {}, None)
    assert engine.prepare(stage.view, "{ number }", {}, None).plan is not first.plan


def test_what_is_kept_is_no_larger_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short text may have a large plan; a thousand of those would be gigabytes."""
    monkeypatch.setattr("gateway.engine.engine.FIELDS", 5)
    engine = Engine(stage.view.schema, Limits(tokens=100, depth=5))

    def plan(document: str) -> Any:
        return engine.prepare(stage.view, document, {}, None).plan

    small, large = "{ number }", "{ ...F } fragment F on Query { a: number b: number c: number }"
    both = plan(small), plan(large)
    assert (plan(small), plan(large)) == both
    plan(f"query Q {large}")
    assert plan(small) is not both[0]
    assert plan(large) is not both[1]
    huge = "{ a: number b: number c: number d: number e: number f: number }"
    assert plan(huge) is not plan(huge)


def test_what_is_kept_is_no_longer_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor are texts."""
    monkeypatch.setattr("gateway.engine.engine.TEXTS", 25)
    engine = Engine(stage.view.schema, Limits(tokens=100, depth=5))

    def read(text: str = "{ number }") -> Any:
        # For a view of its own, there is no plan of it yet.
        return engine.prepare(locking(), text, {}, None).plan.operation

    first = read()
    assert read() is first
    read("{ number secret }")
    assert read() is not first


def test_the_operation_is_the_one_that_is_named() -> None:
    document = "query A { number } query B { secret }"
    prepared = stage.engine.prepare(stage.view, document, {}, "B")
    assert [each.key for each in prepared.plan.root.fields] == ["secret"]


@pytest.mark.parametrize(
    ("document", "name", "message"),
    [
        ("query A { number } query B { secret }", None, "The document has several operations"),
        ("query A { number } query B { secret }", "C", "There is no operation named 'C'"),
        ("{ number }", "A", "There is no operation named 'A'"),
        ("{ number }", "", "There is no operation named ''"),
    ],
)
def test_a_name_that_chooses_no_operation_is_refused(document: str, name: str | None, message: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        stage.engine.prepare(stage.view, document, {}, name)
    assert caught.value.code == "OPERATION_RESOLUTION_FAILURE"
    [error] = caught.value.errors
    assert message in error.message
