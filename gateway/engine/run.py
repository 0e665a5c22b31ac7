"""Running a plan: variables in, data and errors out, within one deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from graphql import GraphQLError
from graphql.execution.values import VariableValues

from gateway.engine.completion import FAILED, Site
from gateway.engine.places import Place, Root
from gateway.engine.plan import Plan
from gateway.engine.selection import Asked
from gateway.errors import FieldError

Reach = Callable[[Asked], Any]
"""Makes what a batch function gets as its second argument, for what is asked below its field."""


_AT_ONCE = 10_000
"""Values that are worked on at one go."""


_TURNS = 20
"""Batches that one operation has in work at a time."""


class Result(NamedTuple):
    """An answer: `data` is None when the operation itself came to nothing. Errors are unmasked still.

    `cost` is what it cost, counted as it ran, `batches` how many batch functions were called, `estimated` what it was
    thought to cost at most; `late` whether the deadline ended some of it, whose cost was not counted then.
    """

    data: dict[str, Any] | None
    errors: list[GraphQLError]
    cost: int
    batches: int = 0
    estimated: int = 0
    late: bool = False


class Run:
    """One operation at work. `inputs` are the variables as sent, `variables` as coerced."""

    def __init__(
        self, inputs: Mapping[str, Any], variables: VariableValues, reach: Reach, seconds: float
    ) -> None:
        self.inputs = inputs
        self.variables = variables
        self.access = reach
        self.deadline = asyncio.get_running_loop().time() + seconds
        self.errors: list[GraphQLError] = []
        self.failures = 0
        self.cost = 0
        self.batches = 0
        self.overdue = False
        self.turns = asyncio.Semaphore(_TURNS)
        self._at_once = 0
        self._seconds = seconds

    def record(self, error: Exception, site: Site, place: Place, index: int) -> None:
        """Note an error at its path; counts as one failure."""
        self.failures += 1
        self.errors.append(site.located(error, place.path(index)))

    async def pause(self, values: int) -> None:
        """Let others be served, after so many more values, where a good number was worked on at one go."""
        self._at_once += values
        if self._at_once >= _AT_ONCE:
            self._at_once = 0
            await asyncio.sleep(0)

    def is_late(self) -> bool:
        """Whether the deadline is over."""
        return asyncio.get_running_loop().time() >= self.deadline

    def late(self) -> FieldError:
        """The error of a field that the deadline ended."""
        self.overdue = True
        message = f"The operation's {self._seconds:g} seconds were over before this was known. Ask for less at once."
        return FieldError(message, "DEADLINE_EXCEEDED")


async def run_plan(
    plan: Plan, inputs: Mapping[str, Any], variables: VariableValues, reach: Reach, seconds: float
) -> Result:
    """Run a plan; cancelling this stops its database queries and partner calls."""
    run = Run(inputs, variables, reach, seconds)
    [data] = await plan.root.run(run, [None], Root())
    errors = [*plan.refusals, *run.errors]
    return Result(None if data is FAILED else data, errors, run.cost, run.batches, late=run.overdue)
