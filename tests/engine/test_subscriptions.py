"""Subscriptions: the response stream is graphql-core's, and a source is opened, read and closed as it should be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError, OperationType
from hypothesis import given, reject

from gateway.engine.batch import batch, subscription
from gateway.engine.documents import InvalidDocument
from gateway.engine.plan import View
from gateway.engine.run import Result
from gateway.engine.subscription import Settle
from gateway.errors import FieldError
from tests.engine.comparison import Oracle
from tests.engine.conftest import Runs
from tests.engine.operations import Operation, operations, thorough
from tests.engine.pools import Keys
from tests.engine.stage import Stage, said
from tests.engine.zoo import make_zoo

zoo, _ = make_zoo()


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@given(operation=operations(zoo, {"number": range(1, 97)}, kind=OperationType.SUBSCRIPTION))
@thorough(100)
def test_every_stream_is_graphql_cores(operation: Operation, zoo_oracle: Oracle, runs: Runs) -> None:
    """As many results, in the same order, each with the same data and errors; also where the source breaks off."""
    try:
        runs(zoo_oracle.compare_streams(operation, Keys))
    except InvalidDocument:
        reject()


class Spring:
    """A source under a test's hand, and what became of it."""

    def __init__(self, *levels: Sequence[Any], error: Exception | None = None) -> None:
        self.levels = levels
        self.error = error
        self.closed = 0
        self.calls: list[int] = []

    async def flow(self) -> AsyncGenerator[Sequence[Any], None]:
        try:
            for level in self.levels:
                yield level
            if self.error is not None:
                raise self.error
        finally:
            self.closed += 1


async def springs(spring: Spring, *, size: int = 0) -> AsyncGenerator[Sequence[Any], None]:
    """What the test's source gives."""
    async with aclosing(spring.flow()) as levels:
        async for level in levels:
            yield level


async def doubles(drops: Sequence[Drop], spring: Spring) -> list[int]:
    spring.calls.append(len(drops))
    return [drop.size * 2 for drop in drops]


async def sleepers(drops: Sequence[Drop], spring: Spring) -> list[int]:
    await asyncio.sleep(60)
    return [0 for _ in drops]


@strawberry.type
class Drop:
    size: int
    doubled: int = batch(doubles, needs=["size"])
    secret: int | None = batch(doubles, needs=["size"])
    slow: int | None = batch(sleepers)


@strawberry.type
class Query:
    nothing: int | None


@strawberry.type
class Subscription:
    drops: Drop = subscription(springs)


stage = Stage(Query, subscription=Subscription)


async def results(
    spring: Spring, text: str, view: View | None = None, seconds: float = 10, **variables: Any
) -> list[Result]:
    prepared = stage.engine.prepare(view or stage.view, text, variables, None)
    assert prepared.subscribes
    return [each async for each in prepared.stream(lambda asked: spring, seconds)]


def locking(*coordinates: str) -> View:
    def locks(kind: str, name: str | None) -> GraphQLError | None:
        return GraphQLError("not yours") if f"{kind}.{name}" in coordinates else None

    return replace(stage.view, locks=locks)


async def test_events_that_came_together_are_fetched_together() -> None:
    """One call for all of them, and yet a result each."""
    spring = Spring([Drop(size=1), Drop(size=2), Drop(size=3)], [], [Drop(size=4)])
    found = await results(spring, "subscription { drops { size doubled } }")
    assert [each.data for each in found] == [{"drops": {"size": n, "doubled": 2 * n}} for n in (1, 2, 3, 4)]
    assert spring.calls == [3, 1]


async def test_an_error_is_in_the_result_of_its_event_alone() -> None:
    spring = Spring([Drop(size=1), FieldError("It fell beside.", "BESIDE"), Drop(size=2**40)])
    found = await results(spring, "subscription { wet: drops { size } }")
    assert [each.data for each in found] == [{"wet": {"size": 1}}, None, None]
    assert [said(each.errors) for each in found] == [
        [],
        [(["wet"], "It fell beside.")],
        [(["wet", "size"], f"Int cannot represent non 32-bit signed integer value: {2**40}")],
    ]


async def test_a_subscription_that_is_refused_is_never_opened() -> None:
    """One result says so, and that is all."""
    spring = Spring([Drop(size=1)])
    [only] = await results(spring, "subscription { drops { size } }", locking("Subscription.drops"))
    assert (only.data, said(only.errors)) == (None, [(["drops"], "not yours")])
    assert spring.closed == 0


async def test_a_refused_field_is_null_in_each_event() -> None:
    """And the error is told each time, as the answer to a query would."""
    spring = Spring([Drop(size=1)], [Drop(size=2)])
    found = await results(spring, "subscription { drops { size secret } }", locking("Drop.secret"))
    assert [each.data for each in found] == [{"drops": {"size": n, "secret": None}} for n in (1, 2)]
    assert [said(each.errors) for each in found] == [[(["drops", "secret"], "not yours")]] * 2
    assert spring.calls == []


async def test_a_source_that_fails_ends_the_stream_with_its_error() -> None:
    spring = Spring([Drop(size=1)], error=FieldError("The well is dry.", "DRY"))
    first, last = await results(spring, "subscription { drops { size } }")
    assert first.data == {"drops": {"size": 1}}
    assert (last.data, said(last.errors)) == (None, [(["drops"], "The well is dry.")])
    assert spring.closed == 1


async def test_an_argument_that_does_not_fit_ends_it_before_it_begins() -> None:
    spring = Spring([Drop(size=1)])
    text = "subscription ($n: Int = 1) { drops(size: $n) { size } }"
    [only] = await results(spring, text, n=None)
    assert only.data is None
    assert only.errors[0].path == ["drops"]


async def test_each_level_has_the_deadline_to_itself() -> None:
    """A stream is as long as it is; what is asked of an event is not."""
    spring = Spring([Drop(size=1)], [Drop(size=2)])
    found = await results(spring, "subscription { drops { size slow } }", seconds=0.05)
    assert [each.data for each in found] == [{"drops": {"size": n, "slow": None}} for n in (1, 2)]
    assert all("seconds were over" in each.errors[0].message for each in found)


async def test_each_event_is_admitted_or_its_result_says_why_not() -> None:
    """Levels are admitted as such, or else their events one by one; what they cost is settled, and shared out."""
    spring = Spring([Drop(size=1), Drop(size=2)], [Drop(size=3), Drop(size=4)], [Drop(size=5)])
    asked, settled = [], []

    @asynccontextmanager
    async def admit(events: int) -> AsyncIterator[Settle]:
        asked.append(events)
        if len(asked) in (2, 4):
            raise FieldError("Not now.", "BUDGET_EXCEEDED")
        yield settled.append

    prepared = stage.engine.prepare(stage.view, "subscription { drops { size } }", {}, None)
    found = [each async for each in prepared.stream(lambda _: spring, 10, admit)]
    assert asked == [2, 2, 1, 1, 1]
    assert [each.data and each.data["drops"]["size"] for each in found] == [1, 2, 3, None, 5]
    assert said(found[3].errors) == [(["drops"], "Not now.")]
    assert settled == [sum(each.cost for each in found[:2]), found[2].cost, found[4].cost]
    assert prepared.cost == found[0].cost > 0


async def test_whoever_stops_listening_closes_the_source() -> None:
    """At once, with events still to come."""
    spring = Spring([Drop(size=1), Drop(size=2)], [Drop(size=3)])
    prepared = stage.engine.prepare(stage.view, "subscription { drops { size } }", {}, None)
    async with aclosing(prepared.stream(lambda asked: spring, 10)) as stream:
        assert (await anext(stream)).data == {"drops": {"size": 1}}
        assert spring.closed == 0
    assert spring.closed == 1


async def test_cancelling_closes_the_source() -> None:
    """While it waits for an event, or for what is asked of one."""
    spring = Spring([Drop(size=1)])
    task = asyncio.ensure_future(results(spring, "subscription { drops { slow } }"))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert spring.closed == 1


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("subscription { drops { size } other: drops { size } }", "must select only one top level field"),
        ("subscription { __typename }", "must not select an introspection"),
        ("subscription { drops @skip(if: false) { size } }", "must not use `@skip` or `@include`"),
    ],
)
def test_a_subscription_has_one_field(document: str, says: str) -> None:
    with pytest.raises(InvalidDocument) as raised:
        stage.engine.prepare(stage.view, document, {}, None)
    assert says in raised.value.errors[0].message
