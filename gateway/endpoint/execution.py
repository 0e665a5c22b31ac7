"""Execution: an operation's way from its text to its result, whatever it came by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from graphql import GraphQLError

from gateway.access.pseudonyms import Pseudonyms
from gateway.access.request import Access, Activations, Feed, Partners
from gateway.admission.admission import Admission
from gateway.admission.memory import Held
from gateway.admission.tickets import Ticket, over_budget
from gateway.endpoint.operations import Operation
from gateway.endpoint.persisted import Persisted
from gateway.endpoint.refusals import insufficient_scope, too_dear
from gateway.engine.documents import InvalidDocument
from gateway.engine.engine import Engine, Prepared
from gateway.engine.plan import Plan
from gateway.engine.run import Result
from gateway.engine.selection import Asked
from gateway.engine.subscription import Settle
from gateway.errors import FieldError, Refusal
from gateway.explain.explain import Terms, explain
from gateway.explain.explanation import AccessExplanation
from gateway.oauth.tokens import Caller
from gateway.schema import Schema
from gateway.settings import Settings
from gateway.store.readers import Readers
from gateway.telemetry.metrics import subscriptions
from gateway.telemetry.operations import Recorded
from gateway.telemetry.tracing import phase


class Execution:
    """Prepares and runs operations for their callers: steps 3 and 4 of the path of a request."""

    def __init__(
        self,
        settings: Settings,
        schema: Schema,
        engine: Engine,
        readers: Readers,
        pseudonyms: Pseudonyms,
        admission: Admission,
        feed: Feed,
        persisted: Persisted,
        partners: Partners,
        activations: Activations,
    ) -> None:
        self.admission = admission
        self._settings = settings
        self._schema = schema
        self._engine = engine
        self._readers = readers
        self._pseudonyms = pseudonyms
        self._feed = feed
        self._persisted = persisted
        self._partners = partners
        self._activations = activations

    async def execute(self, caller: Caller, operation: Operation, ticket: Ticket) -> Result:
        """All of an operation's way, as its application's turn comes; cancelling this stops it.

        Raises `Refusal` or `InvalidDocument`.
        """
        _, result = await self._begin(caller, operation, ticket)
        if result is None:
            message = "A subscription is answered by a stream: accept text/event-stream, or open a WebSocket."
            raise Refusal(406, "NOT_ACCEPTABLE", message)
        return result

    @asynccontextmanager
    async def results(
        self, caller: Caller, operation: Operation, ticket: Ticket
    ) -> AsyncIterator[AsyncGenerator[Result, None]]:
        """The results of any operation, as they come: one of a query or a mutation, one an event of a subscription.

        Leaving the block stops it. Raises `Refusal` or `InvalidDocument` at its start.
        """
        prepared, result = await self._begin(caller, operation, ticket)
        if result is not None:
            yield _single(result)
            return
        with self.admission.kept(caller.application, Held.SUBSCRIPTIONS), subscriptions.track_inprogress():
            reach = self._reach(caller)
            admit = partial(self._admit, caller, operation, prepared, reach)
            async with aclosing(prepared.stream(reach, self._settings.deadline, admit)) as found:
                yield found

    async def _begin(
        self, caller: Caller, operation: Operation, ticket: Ticket
    ) -> tuple[Prepared, Result | None]:
        """The operation ready to run, and its result, unless it is a subscription."""
        async with ticket.turn(len(operation.document)):
            prepared = await self.prepare(caller, operation)
            if prepared.subscribes:
                ticket.settle(0)
                return prepared, None
            ticket.reserve(prepared.cost)
            result = await self.run(caller, prepared)
            # What was ended had no time to be counted, as what is cancelled has not.
            ticket.settle(max(prepared.cost, result.cost) if result.late else result.cost)
        return prepared, result

    @asynccontextmanager
    async def _admit(
        self, caller: Caller, operation: Operation, prepared: Prepared, reach: _Reach, events: int
    ) -> AsyncIterator[Settle]:
        """Each level of events is admitted like an operation; while it waits for one, a subscription costs nothing."""
        reach.begin(self._settings.deadline)
        try:
            self._persisted.hold(caller, operation)
            estimated = prepared.cost * events
            async with self.admission.admitted(caller.application, estimated) as ticket:
                with Recorded(caller.party, caller.application, prepared) as recorded:

                    def settle(actual: int) -> None:
                        ticket.settle(actual)
                        recorded.event(estimated, actual)

                    yield settle
        except Refusal as refusal:
            raise FieldError(refusal.message, refusal.code) from None

    async def prepare(self, caller: Caller, asked: Operation) -> Prepared:
        """The operation as its caller may run it. Raises `Refusal` or `InvalidDocument`."""
        with phase("plan"):
            operation = self._persisted.resolve(caller, asked)
            prepared = await self._plan(caller, operation)
        if dear := self._too_dear(prepared):
            raise dear
        self._persisted.keep(caller, asked)
        if rejected := self._reject(caller, prepared.plan):
            raise rejected
        return prepared

    async def _plan(self, caller: Caller, operation: Operation) -> Prepared:
        view = self._schema.view(caller.scopes)
        try:
            await operation.check_method(self._settings.max_tokens)
            return await self._engine.ready(view, operation.document, operation.variables, operation.name)
        except RecursionError:
            message = "The document's fragments or the variables are nested too deeply."
            raise InvalidDocument("DEPTH_LIMIT", [GraphQLError(message)]) from None

    def _too_dear(self, prepared: Prepared) -> InvalidDocument | None:
        """The refusal of an operation that may cost more than any may."""
        limit = self._settings.max_cost
        return too_dear(prepared.cost, limit) if prepared.cost > limit else None

    def _reject(self, caller: Caller, plan: Plan) -> Refusal | None:
        """The refusal of the whole for what of it is unauthorized, where the operator wants that."""
        if plan.refusals and self._settings.unauthorized == "reject":
            return insufficient_scope(caller, plan.refusals)
        return None

    async def run(self, caller: Caller, prepared: Prepared) -> Result:
        """What a query or a mutation gives its caller."""
        with Recorded(caller.party, caller.application, prepared) as recorded:
            reach = self._reach(caller)
            reach.begin(self._settings.deadline)
            result = await prepared.run(reach, self._settings.deadline)
            recorded.result(result)
        return result

    def _reach(self, caller: Caller) -> _Reach:
        return _Reach(
            Access(
                caller,
                self._readers,
                self._pseudonyms,
                self._partners,
                explain=self._explain,
                feed=self._feed,
                activations=self._activations,
            )
        )

    async def _explain(
        self, access: Access, document: str, variables: Mapping[str, Any], name: str | None
    ) -> AccessExplanation:
        """What would become of an operation: asked of all that decides about it when it is run."""
        asked = Operation(document, variables, name)
        budget = self.admission.allowances.of(access.caller.application).cost

        async def prepare(scopes: frozenset[str]) -> Prepared:
            caller = replace(access.caller, scopes=scopes)
            return await self._plan(caller, self._persisted.resolve(caller, asked))

        def refuse(prepared: Prepared) -> InvalidDocument | Refusal | None:
            rejected = self._too_dear(prepared) or self._reject(access.caller, prepared.plan)
            return rejected or over_budget(prepared.cost, budget)

        most = min(budget, self._settings.max_cost)
        return await explain(access, Terms(self._schema.graphql, self._schema.needed, prepare, refuse, most))


class _Reach:
    """Makes what a batch function gets as its second argument; `begin` it with each operation or level of events."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def begin(self, seconds: float) -> None:
        """There are so many seconds from now on."""
        self._access.deadline = asyncio.get_running_loop().time() + seconds

    def __call__(self, asked: Asked) -> Access:
        """The caller's reach, for a batch function below which this is asked."""
        return replace(self._access, asked=asked)


async def _single(result: Result) -> AsyncGenerator[Result, None]:
    yield result
