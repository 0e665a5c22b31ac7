"""Selections: what is asked of the objects of a level, field by field, each field once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from inspect import isawaitable
from operator import attrgetter
from typing import Any

from graphql import GraphQLError

from gateway.engine.batch import Batch
from gateway.engine.completion import FAILED, Column, Completer, Site
from gateway.engine.leaves import Leaf
from gateway.engine.places import Place, Under
from gateway.telemetry import tracing
from gateway.telemetry.spans import batch_span, note_failures

Arguments = Callable[[Any], Mapping[str, Any]]
"""From the operation's variables to a batch function's arguments; raises GraphQLError."""

Asked = Mapping[str, frozenset[str]]


@dataclass(slots=True)
class Field:
    """One response key of a selection, and how its column comes about."""

    key: str
    site: Site
    required: bool
    completer: Completer
    waits: bool

    async def column(self, run: Any, parents: Column, place: Place) -> Column:
        """The completed column of this field."""
        values = await self.values(run, parents)
        return await self.finish(run, values, place)

    async def values(self, run: Any, parents: Column) -> Column:
        """What the parents have for this field, before completion; one value or exception each."""
        raise TypeError

    async def finish(self, run: Any, values: Column, place: Place) -> Column:
        """Complete the values; a failure ends here where the field may be null."""
        before = run.failures
        done = await self.completer.complete(run, values, Under(place, self.key), self.required)
        if self.required or run.failures == before:
            return done
        return [None if value is FAILED else value for value in done]


@dataclass(slots=True)
class Attribute(Field):
    """A field that shows an attribute of its parent; nothing is called."""

    attribute: str = ""

    async def values(self, run: Any, parents: Column) -> Column:
        """See `Field`."""
        get = attrgetter(self.attribute)
        try:
            return list(map(get, parents))
        except Exception:
            return [_attempt(get, parent) for parent in parents]


@dataclass(slots=True)
class Batched(Field):
    """A field whose values a batch function gives, in one call for all parents."""

    batch: Batch | None = None
    arguments: Arguments = field(default=lambda _: {})
    asked: Asked = field(default_factory=dict)

    async def column(self, run: Any, parents: Column, place: Place) -> Column:
        """See `Field`."""
        run.batches += 1
        if tracing.tracer is None:
            values = await self.values(run, parents)
        else:
            with batch_span(f"{self.site.parent}.{self.site.name}", len(parents)) as span:
                values = await self.values(run, parents)
                note_failures(span, values)
        return await self.finish(run, values, place)

    async def values(self, run: Any, parents: Column) -> Column:
        """See `Field`."""
        if not parents:
            return []
        assert self.batch is not None
        try:
            arguments = self.arguments(run.variables)
            if self.batch.is_async:
                async with asyncio.timeout_at(run.deadline), run.turns:
                    found = await self._call(run, parents, arguments)
            elif isawaitable(found := self._call(run, parents, arguments)):
                async with asyncio.timeout_at(run.deadline):
                    found = await found
            if len(found) != len(parents):
                raise TypeError(
                    f"{self.batch.function.__name__} gave {len(found)} values for {len(parents)} parents"
                )
        except TimeoutError as error:
            return [run.late() if run.is_late() else error] * len(parents)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody cancelled this operation: it was something inside the batch function, which thereby failed.
            return [RuntimeError(f"{self.batch.function.__name__} was cancelled: {error}")] * len(parents)
        except Exception as error:
            return [error] * len(parents)
        values: Column = found
        return values

    def _call(self, run: Any, parents: Column, arguments: Mapping[str, Any]) -> Any:
        assert self.batch is not None
        return self.batch.function(parents, run.access(self.asked), **arguments)


@dataclass(slots=True)
class Event(Field):
    """The field of a subscription: its parents are the events, and an event is the field's value."""

    async def values(self, run: Any, parents: Column) -> Column:
        """See `Field`."""
        return parents


@dataclass(slots=True)
class Refused(Field):
    """A field the caller may not ask for: null, and nothing is fetched. The plan reports its error."""

    error: GraphQLError | None = None

    async def column(self, run: Any, parents: Column, place: Place) -> Column:
        """Nulls; where the field may not be null, the null goes up as the spec has it."""
        if self.required:
            run.failures += 1
        return [FAILED if self.required else None] * len(parents)


@dataclass(slots=True)
class Constant(Field):
    """`__typename`: the same for all parents."""

    value: str = ""

    async def column(self, run: Any, parents: Column, place: Place) -> Column:
        """The value, for each."""
        return [self.value] * len(parents)


class Selection:
    """What is selected of one object type; `names` are its own and its interfaces'.

    `price` is what one object costs, without the objects below it. `serial` runs the fields one after the other, as
    mutations' roots must.
    """

    def __init__(self, names: Sequence[str], fields: Sequence[Field], serial: bool = False) -> None:
        self.names = names
        self.fields = fields
        self.price: Any = 0
        self.waits = any(each.waits for each in fields)
        self._serial = serial
        self._build = _builder(tuple(each.key for each in fields))
        self._required = [place for place, each in enumerate(fields) if each.required]
        self._attributes = [
            (place, each, each.completer)
            for place, each in enumerate(fields)
            if isinstance(each, Attribute) and isinstance(each.completer, Leaf)
        ]
        plain = {place for place, _, _ in self._attributes}
        rest = [(place, each) for place, each in enumerate(fields) if place not in plain]
        self._quick = [(place, each) for place, each in rest if not each.waits or serial]
        self._slow = [(place, each) for place, each in rest if each.waits and not serial]

    async def run(self, run: Any, parents: Column, place: Place) -> Column:
        """One dict, or FAILED, per parent."""
        run.cost += len(parents) * (
            self.price if type(self.price) is int else self.price(run.variables.coerced)
        )
        before = run.failures
        columns: list[Column] = [()] * len(self.fields)
        if parents and self._attributes:
            await self._read_attributes(run, parents, place, columns)
        for index, each in self._quick:
            columns[index] = await each.column(run, parents, place)
            await run.pause(len(parents))
            if self._serial and columns[index][0] is FAILED:
                # The answer is null already; what comes after the failure is not done.
                return [FAILED]
        if len(self._slow) == 1:
            [(index, each)] = self._slow
            columns[index] = await each.column(run, parents, place)
        elif self._slow:
            found = await asyncio.gather(*(each.column(run, parents, place) for _, each in self._slow))
            for (index, _), column in zip(self._slow, found, strict=True):
                columns[index] = column
        if not self.fields:
            return [{} for _ in parents]
        await run.pause(len(parents) * len(self.fields))
        objects = self._build(*columns)
        return objects if run.failures == before else self._fail(objects, columns)

    async def _read_attributes(self, run: Any, parents: Column, place: Place, columns: list[Column]) -> None:
        """Columns of plain leaves. Rows of one query are turned into columns in one go."""
        kind = type(parents[0])
        names = getattr(kind, "_fields", None)
        by_name: dict[str, Column] = {}
        if names is not None and len(set(map(type, parents))) == 1:
            by_name = dict(zip(names, zip(*parents, strict=True), strict=True))
        for index, each, leaf in self._attributes:
            values = by_name.get(each.attribute)
            if values is None:
                get = attrgetter(each.attribute)
                values = [_attempt(get, parent) for parent in parents]
            before = run.failures
            done = leaf.column(run, values, Under(place, each.key), each.required)
            if not each.required and run.failures != before:
                done = [None if value is FAILED else value for value in done]
            columns[index] = done
            await run.pause(len(parents))

    def _fail(self, objects: list[Any], columns: Sequence[Column]) -> Column:
        """An object whose required field failed has failed itself."""
        for index in self._required:
            for row, value in enumerate(columns[index]):
                if value is FAILED:
                    objects[row] = FAILED
        return objects


def _attempt(get: Callable[[Any], Any], parent: Any) -> Any:
    try:
        return get(parent)
    except Exception as error:
        return error


@lru_cache(maxsize=4_096)
def _builder(keys: tuple[str, ...]) -> Callable[..., list[Any]]:
    """A function from columns to dicts with these keys, compiled: a dict display is the fastest there is."""
    names = [f"v{index}" for index in range(len(keys))]
    items = ", ".join(f"{key!r}: {name}" for key, name in zip(keys, names, strict=True))
    source = f"lambda *columns: [{{{items}}} for {', '.join(names) or '_'}, in zip(*columns)]"
    # Keys are GraphQL names, letters, digits and underscores, and written as literals.
    build: Callable[..., list[Any]] = eval(source, {"__builtins__": {"zip": zip}})  # noqa: S307
    return build
