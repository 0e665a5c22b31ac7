"""The engine: operations in, answers out, each field once per level.

Documents and plans are kept; a repeated operation is neither parsed nor validated, and its access is not decided again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Hashable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, NamedTuple

from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, OperationType
from graphql.execution.values import VariableValues

from gateway.engine.cost import MOST
from gateway.engine.documents import Document, InvalidDocument, as_seen, read
from gateway.engine.limits import Limits
from gateway.engine.plan import Plan, View, make_plan
from gateway.engine.recent import Recent
from gateway.engine.run import Reach, Result, run_plan
from gateway.engine.subscription import Admit, freely, run_subscription
from gateway.engine.variables import coerce

_LONG, _LARGE = 1_000, 100
"""Characters of a document that takes a while to be read; fields, fragments spelled out, of one that takes as long to
be planned."""

TEXTS, FIELDS = 500_000, 50_000
"""Characters of the documents that are kept, and fields of the plans: a hundred megabytes each, at worst."""


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
        self._documents: Recent[str, Document] = Recent(size, TEXTS)
        self._plans: Recent[Hashable, Plan] = Recent(size, FIELDS)

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
        self._documents.get(text, lambda: document, len(text))

    async def ready(self, view: View, text: str, inputs: Mapping[str, Any], name: str | None) -> Prepared:
        """As `prepare`, but a large document is also planned in a thread of its own."""
        await self.learn(view, text)
        chosen = self._choose(view, text, inputs, name)
        if chosen.document.fields > _LARGE and chosen.key not in self._plans:
            plan = await asyncio.to_thread(self._plan, view, chosen)
        else:
            plan = self._plan(view, chosen)
        return Prepared(plan, inputs, chosen.variables)

    def prepare(self, view: View, text: str, inputs: Mapping[str, Any], name: str | None) -> Prepared:
        """The operation ready to run. Raises `InvalidDocument`, also for a name or variables that do not fit."""
        chosen = self._choose(view, text, inputs, name)
        return Prepared(self._plan(view, chosen), inputs, chosen.variables)

    def _choose(self, view: View, text: str, inputs: Mapping[str, Any], name: str | None) -> _Chosen:
        document = self._documents.get(text, lambda: self._read(view, text), len(text))
        operation = document.operation(name)
        variables = coerce(self._schema, operation, inputs, self._limits, view.introspection)
        # Another operation of the document may have a variable of the same name that is no switch.
        coerced = variables.coerced
        switches = {each: coerced[each] for each in document.switches if isinstance(coerced.get(each), bool)}
        key = (text, name, view, tuple(sorted(switches.items())))
        return _Chosen(document, operation, variables, switches, key)

    def _plan(self, view: View, chosen: _Chosen) -> Plan:
        document, operation, _, switches, key = chosen
        try:
            make = partial(make_plan, view, document, operation, switches)
            return self._plans.get(key, make, document.fields)
        except GraphQLError as error:
            raise InvalidDocument("GRAPHQL_VALIDATION_FAILED", [error]) from None

    def _read(self, view: View, text: str) -> Document:
        try:
            return read(self._schema, text, self._limits)
        except InvalidDocument as invalid:
            raise as_seen(invalid, view.introspection) from None


class _Chosen(NamedTuple):
    """An operation of a document with its variables; under `key` its plan is kept."""

    document: Document
    operation: OperationDefinitionNode
    variables: VariableValues
    switches: Mapping[str, bool]
    key: Hashable
