"""Rehearsal: a plan at work on rows that are made up, to see what it would ask of whom.

Its batch functions are called as they are when it runs, with the operation's own arguments and level by level, but
their statements are noted where they would be run, and partners are not called. What a function makes of its answers
decides what is asked below; where it cannot do with what was made up, that is not known without real rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import lru_cache
from typing import Any

from graphql import GraphQLError, OperationType
from sqlalchemy import Column as TableColumn
from sqlalchemy import Table, select
from sqlalchemy.sql import visitors

from gateway.access.request import Access, Partners
from gateway.activations.activations import activations
from gateway.engine.batch import type_names
from gateway.engine.completion import Column, Completer
from gateway.engine.engine import Prepared
from gateway.engine.leaves import Leaf
from gateway.engine.lists import ListOf
from gateway.engine.objects import AbstractOf, ObjectOf
from gateway.engine.plan import Stream
from gateway.engine.run import Run
from gateway.engine.selection import Asked, Attribute, Batched, Event, Field
from gateway.errors import FieldError
from gateway.explain.explanation import (
    ExplainedCall,
    ExplainedLevel,
    ExplainedPartnerCall,
    ExplainedStatement,
)
from gateway.explain.stand_ins import stand_ins
from gateway.explain.tables import caller_rights, readable
from gateway.oauth.tokens import Caller
from gateway.store.queries import Query, Row
from gateway.upstream.http import Answer, Request
from gateway.upstream.tokens import Token
from gateway.upstream.upstream import Upstream

Path = list[str]

_SECONDS = 60

[_ACTIVATION] = stand_ins(Query(select(activations)), {})


class Unknown(Exception):
    """What only real rows, or a partner, can tell."""


class Recorder:
    """Stands where the database, the partners and the feed are, and keeps what is asked of them."""

    def __init__(self) -> None:
        self.queries: list[Query] = []
        self.partner_calls: list[ExplainedPartnerCall] = []

    async def fetch(self, caller: Caller, query: Query, **values: Any) -> list[Row]:
        """See `Reader`: rows that could be the answer."""
        self.queries.append(query)
        return stand_ins(query, values)

    async def changes(self, party: str | None) -> AsyncGenerator[Sequence[str], None]:
        """See `Feed`: one change."""
        yield [""]

    async def start(self, *_: Any) -> Row:
        """See `Activations`: in rehearsal nothing is sent."""
        raise Unknown

    async def find(self, caller: Caller, connector: str, activation: str) -> Row | None:
        """See `Activations`: one that was made up."""
        return _ACTIVATION

    async def follow(
        self, caller: Caller, connector: str, activation: str
    ) -> AsyncGenerator[Sequence[Row], None]:
        """See `Activations`: one change of one."""
        yield [_ACTIVATION]

    async def explain(
        self, access: Access, document: str, variables: Mapping[str, Any], name: str | None
    ) -> Any:
        """See `Explain`: an explanation within an explanation reads the caller's rights, as any does."""
        await caller_rights(access)
        raise Unknown

    def taken(self) -> tuple[list[Query], list[ExplainedPartnerCall]]:
        """What was asked since this was called last."""
        found = self.queries, self.partner_calls
        self.queries, self.partner_calls = [], []
        return found


class _Partners:
    """See `Partners`: those that there are, in rehearsal."""

    def __init__(self, real: Partners | None, recorder: Recorder) -> None:
        self._real = real
        self._recorder = recorder

    def get(self, name: str) -> Upstream | None:
        """See `Partners`."""
        found = self._real.get(name) if self._real is not None else None
        return _Partner(found, self._recorder) if found is not None else None


class _Partner(Upstream):
    """A partner of which every call is noted, and none made."""

    def __init__(self, real: Upstream, recorder: Recorder) -> None:
        super().__init__(real.partner, real.settings, real.terms)
        self._recorder = recorder

    async def read(
        self, prepare: Callable[[], Request], accept: Callable[[Answer], Any], key: object = None
    ) -> Any:
        """See `Upstream`."""
        await self.send(prepare())

    async def write(self, prepare: Callable[[], Request], accept: Callable[[Answer], Any]) -> Any:
        """See `Upstream`."""
        await self.send(prepare())

    async def send(self, request: Request) -> Answer:
        """See `Upstream`; what the partner would say nobody knows."""
        found = ExplainedPartnerCall(connector=self.partner, name=request.name)
        self._recorder.partner_calls.append(found)
        raise Unknown

    async def token(self, *_: Any, **__: Any) -> Token:
        """See `Upstream`: one that was made up."""
        return Token("")


class Rehearsal:
    """A rehearsal of one prepared operation for one caller; `hold` it, and `levels` has what it would ask."""

    def __init__(self, prepared: Prepared, access: Access, rights: Sequence[Row]) -> None:
        self.levels: list[ExplainedLevel] = []
        self.tables: set[Table] = set()
        self._plan = prepared.plan
        self._access = access
        self._rights = rights
        self._recorder = Recorder()
        self._run = Run(prepared.inputs, prepared.variables, self._reach, _SECONDS)

    def _reach(self, asked: Asked) -> Access:
        return replace(
            self._access,
            readers=self._recorder,
            partners=_Partners(self._access.partners, self._recorder),
            asked=asked,
            explain=self._recorder.explain,
            feed=self._recorder,
            activations=self._recorder,
        )

    async def hold(self) -> None:
        """Go through the plan; a mutation is not, for what a function changes might be real."""
        if self._plan.operation.operation is OperationType.MUTATION:
            return
        if self._plan.stream is None:
            await self._selection(self._plan.root, [None], [], 0)
        else:
            events = await self._events(self._plan.stream)
            await self._selection(self._plan.root, events, [], 1)

    async def _selection(self, selection: Any, parents: Column, path: Path, level: int) -> None:
        for each in selection.fields:
            await self._field(each, parents, [*path, each.key], level)

    async def _field(self, field: Field, parents: Column, path: Path, level: int) -> None:
        if isinstance(field, Batched) and field.batch is not None and field.batch.is_async:
            values = await field.values(self._run, parents)
            self._note(field, field.batch.function, path, level, bool(parents), values)
            level += 1
            # Others are served meanwhile.
            await asyncio.sleep(0)
        elif isinstance(field, (Attribute, Batched, Event)) and not isinstance(field.completer, Leaf):
            values = await field.values(self._run, parents)
        else:
            return
        await self._below(field.completer, values, path, level)

    async def _below(self, completer: Completer, values: Column, path: Path, level: int) -> None:
        present = [each for each in values if each is not None and not isinstance(each, Exception)]
        if isinstance(completer, ListOf):
            items = [item for each in present if isinstance(each, Iterable) for item in each]
            await self._below(completer.item, items, [*path, "@"], level)
        elif isinstance(completer, ObjectOf):
            await self._selection(completer.selection, present, path, level)
        elif isinstance(completer, AbstractOf):
            names = _names(completer, present)
            for name, selection in completer.selections.items():
                if selection is not None:
                    fitting = [
                        each for each, found in zip(present, names, strict=True) if found in (name, None)
                    ]
                    await self._selection(selection, fitting, path, level)

    async def _events(self, stream: Stream) -> Column:
        """The first level of events of a subscription."""
        [field] = self._plan.root.fields
        try:
            source = stream.source.function(
                self._reach(stream.asked), **stream.arguments(self._run.variables)
            )
            async with aclosing(source):
                events: Column = await anext(source, [])
        except Exception as error:
            events = [error]
        self._note(field, stream.source.function, [field.key], 0, True, events)
        return [each for each in events if not isinstance(each, Exception)]

    def _note(
        self,
        field: Field,
        function: Callable[..., Any],
        path: Path,
        level: int,
        reached: bool,
        values: Column,
    ) -> None:
        asked, partner_calls = self._recorder.taken()
        queries = [each for each in asked if self._is_shown(field, each)]
        self.tables.update(*map(_tables, queries))
        failures = [each for each in values if isinstance(each, Exception)]
        told = next((each.message for each in failures if isinstance(each, FieldError | GraphQLError)), None)
        call = ExplainedCall(
            path=path,
            coordinate=f"{field.site.parent}.{field.site.name}",
            function=function.__name__,
            reached=reached,
            complete=reached and (not failures or told is not None) and queries == asked,
            statements=list(map(_statement, queries)),
            partner_calls=partner_calls,
            error=told,
        )
        while len(self.levels) <= level:
            self.levels.append(ExplainedLevel(calls=[]))
        self.levels[level].calls.append(call)

    def _is_shown(self, field: Field, query: Query) -> bool:
        """Not what is looked for among things of types that the caller may not ask for, where none is for it."""
        completer = field.completer
        if not isinstance(completer, AbstractOf) or all(completer.selections.values()):
            return True
        return all(readable(table, self._rights) for table in _tables(query))


def _names(completer: AbstractOf, values: Sequence[Any]) -> Sequence[str | None]:
    """The type of each value; None for one that was made up so that it could be of any."""
    try:
        names = type_names(completer.interface, values)
    except Exception:
        return [None] * len(values)
    return [name if isinstance(name, str) and name in completer.selections else None for name in names]


@lru_cache(maxsize=1_000)
def _tables(query: Query) -> Sequence[Table]:
    """The tables that a statement names."""
    found = {each for each in visitors.iterate(query.statement) if isinstance(each, Table)}
    return sorted(found, key=lambda each: each.name)


@lru_cache(maxsize=1_000)
def _statement(query: Query) -> ExplainedStatement:
    tables = _tables(query)
    named = {each for each in visitors.iterate(query.statement) if isinstance(each, TableColumn)}
    return ExplainedStatement(
        sql=query.sql,
        tables=[each.name for each in tables],
        columns=[f"{table.name}.{each.name}" for table in tables for each in table.c if each in named],
    )
