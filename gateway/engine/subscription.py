"""Subscriptions: a source's events, each made into a result by the ordinary engine (GraphQL spec, 6.2.3).

Events that came together are one level: what is selected of them is fetched once for all, and then parted again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any

from graphql import GraphQLError, located_error
from graphql.execution.values import VariableValues

from gateway.engine.completion import FAILED, Site
from gateway.engine.places import Place, Positions
from gateway.engine.plan import Plan, Stream
from gateway.engine.run import Reach, Result, Run
from gateway.errors import FieldError

Settle = Callable[[int], None]
"""Told what it cost."""

Admit = Callable[[int], AbstractAsyncContextManager[Settle]]
"""Lets so many events run; raises `FieldError` where it does not, which is then the result of each."""


@asynccontextmanager
async def freely(events: int) -> AsyncIterator[Settle]:
    """Whatever comes."""
    yield lambda cost: None


class _Level(Run):
    """Events at work together; an error is kept with the event that it is of."""

    def __init__(
        self, inputs: Mapping[str, Any], variables: VariableValues, reach: Reach, seconds: float, size: int
    ) -> None:
        super().__init__(inputs, variables, reach, seconds)
        self.by_event: list[list[GraphQLError]] = [[] for _ in range(size)]

    def record(self, error: Exception, site: Site, place: Place, index: int) -> None:
        """Note an error at its path in its event's result."""
        self.failures += 1
        event, *path = place.path(index)
        assert isinstance(event, int), "a path begins with the event's position"
        self.by_event[event].append(located_error(error, site.nodes, path))


async def run_subscription(
    plan: Plan,
    inputs: Mapping[str, Any],
    variables: VariableValues,
    reach: Reach,
    seconds: float,
    admit: Admit = freely,
) -> AsyncGenerator[Result, None]:
    """The results of a subscription, one an event; each level of events has so many seconds.

    A subscription that the caller may not ask for, and a source that fails, give one result without data and no more.
    """
    if plan.stream is None:
        yield Result(None, [*plan.refusals], 0)
        return

    def make(size: int) -> _Level:
        return _Level(inputs, variables, reach, seconds, size)

    try:
        async with aclosing(_events(plan.stream, variables, reach)) as levels:
            async for events in levels:
                for result in await _results(plan, make, events, admit):
                    yield result
    except Exception as error:
        yield _failure(plan, error)


def _events(stream: Stream, variables: VariableValues, reach: Reach) -> AsyncGenerator[Sequence[Any], None]:
    found: AsyncGenerator[Sequence[Any], None] = stream.source.function(
        reach(stream.asked), **stream.arguments(variables)
    )
    return found


async def _results(
    plan: Plan, make: Callable[[int], _Level], events: Sequence[Any], admit: Admit
) -> list[Result]:
    if not events:
        return []
    level = make(len(events))
    try:
        async with admit(len(events)) as settle:
            found = await plan.root.run(level, events, Positions())
            # What was ended had no time to be counted.
            whole = plan.cost.of(level.variables.coerced) * len(events) if level.overdue else 0
            settle(max(level.cost, whole))
    except FieldError as refused:
        if len(events) == 1:
            return [_failure(plan, refused)]
        # There may be room for some of them.
        return [result for each in events for result in await _results(plan, make, [each], admit)]
    return [
        Result(None if data is FAILED else data, [*plan.refusals, *errors], cost)
        for data, errors, cost in zip(found, level.by_event, _shares(level.cost, len(events)), strict=True)
    ]


def _shares(cost: int, events: int) -> list[int]:
    """What each event of a level is taken to have cost; together they make it up."""
    share, rest = divmod(cost, events)
    return [share + (place < rest) for place in range(events)]


def _failure(plan: Plan, error: Exception) -> Result:
    [field] = plan.root.fields
    return Result(None, [located_error(error, field.site.nodes, [field.key])], 0)
