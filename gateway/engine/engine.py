"""The engine: operations in, answers out, each field once per level.

Documents and plans are kept; a repeated operation is neither parsed nor validated, and its access is not decided again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Hashable, Mapping
from contextlib import aclosing
from typing import Any, Generic, TypeVar

from graphql import GraphQLError, GraphQLSchema, OperationType, get_variable_values

from gateway.engine.cost import MOST
from gateway.engine.documents import Document, InvalidDocument, as_seen, read, unknown_types
from gateway.engine.limits import Limits
from gateway.engine.plan import Plan, View, make_plan
from gateway.engine.run import Reach, Result, run_plan
from gateway.engine.subscription import Admit, freely, run_subscription

_LONG = 1_000
"""Characters of a document that takes a while to be read."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A mapping that forgets what was not used for longest."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[K, V] = OrderedDict()

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value of a key, made if it is not there. What `make` raises is not kept."""
        value = self._values.get(key)
        if value is None:
            value = self._values[key] = make()
            if len(self._values) > self._size:
                self._values.popitem(last=False)
        else:
            self._values.move_to_end(key)
        return value


class Prepared:
    """An operation chosen and its variables coerced; `plan` is what the caller's view makes of it.

    `cost` is the estimate of what it costs with these variables.
    """

    __slots__ = ("cost", "inputs", "plan", "variables")

    def __init__(self, plan: Plan, inputs: Mapping[str, Any], variables: Any) -> None:
        self.plan = plan
        self.inputs = inputs
        self.variables = variables
        self.cost = min(plan.cost.of(variables.coerced), MOST)

    @property
    def subscribes(self) -> bool:
        """Whether it is a subscription, of which `stream` gives the results."""
        return self.plan.operation.operation is OperationType.SUBSCRIPTION

    async def run(self, reach: Reach, seconds: float) -> Result:
        """Run a query or a mutation."""
        found = await run_plan(self.plan, self.inputs, self.variables, reach, seconds)
        return found._replace(estimated=self.cost)

    async def stream(
        self, reach: Reach, seconds: float, admit: Admit = freely
    ) -> AsyncGenerator[Result, None]:
        """Run a subscription: a result an event, each within so many seconds. Close it when nobody listens."""
        running = run_subscription(self.plan, self.inputs, self.variables, reach, seconds, admit)
        async with aclosing(running) as results:
            async for result in results:
                yield result._replace(estimated=self.cost)


class Engine:
    """Prepares and runs operations on one schema."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, size: int = 1_000) -> None:
        self._schema = schema
        self._limits = limits
        self._documents: Recent[str, Document] = Recent(size)
        self._plans: Recent[Hashable, Plan] = Recent(size)

    async def learn(self, view: View, text: str) -> None:
        """Read a document that is not known yet, a long one in a thread of its own: others are served meanwhile.

        Raises `InvalidDocument`.
        """
        if text in self._documents:
            return
        try:
            if len(text) > _LONG:
                document = await asyncio.to_thread(read, self._schema, text, self._limits)
            else:
                document = read(self._schema, text, self._limits)
        except InvalidDocument as invalid:
            raise await asyncio.to_thread(as_seen, invalid, view.introspection) from None
        self._documents.get(text, lambda: document)

    def prepare(self, view: View, text: str, inputs: Mapping[str, Any], name: str | None) -> Prepared:
        """The operation ready to run. Raises `InvalidDocument`, also for a name or variables that do not fit."""
        document = self._documents.get(text, lambda: self._read(view, text))
        operation = document.operation(name)
        variables = get_variable_values(
            self._schema,
            operation.variable_definitions or (),
            dict(inputs),
            max_errors=50,
            hide_suggestions=True,
        )
        if isinstance(variables, list):
            if errors := unknown_types(operation.variable_definitions or (), view.introspection):
                raise InvalidDocument("GRAPHQL_VALIDATION_FAILED", errors)
            raise InvalidDocument("BAD_USER_INPUT", variables)
        # Another operation of the document may have a variable of the same name that is no switch.
        coerced = variables.coerced
        switches = {each: coerced[each] for each in document.switches if isinstance(coerced.get(each), bool)}
        key = (text, name, view, tuple(sorted(switches.items())))
        try:
            plan = self._plans.get(key, lambda: make_plan(view, document, operation, switches))
        except GraphQLError as error:
            raise InvalidDocument("GRAPHQL_VALIDATION_FAILED", [error]) from None
        return Prepared(plan, inputs, variables)

    def _read(self, view: View, text: str) -> Document:
        try:
            return read(self._schema, text, self._limits)
        except InvalidDocument as invalid:
            raise as_seen(invalid, view.introspection) from None
