"""Completion: what resolvers returned for a level, made into what the answer holds (GraphQL spec, 6.4.3).

A completer takes the values of one field for all parents of a level, as a column, and returns the column of the answer.
A value that failed becomes `FAILED`, and its error is recorded with its path; what stands around it decides whether
that is null there or further up (6.4.4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import compress
from math import isfinite
from operator import eq
from types import NoneType
from typing import Any, Final, Protocol

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLScalarType,
    Undefined,
)
from graphql.pyutils import UndefinedType, is_iterable

from gateway.engine.batch import type_names
from gateway.engine.places import Items, Place, Some


class _Failed:
    def __repr__(self) -> str:
        return "FAILED"


FAILED: Final = _Failed()
"""Stands where a value failed and the null must still find its place."""

Column = Sequence[Any]


class Recorder(Protocol):
    """Where errors go, and what the answer costs."""

    failures: int
    cost: int

    def record(self, error: Exception, site: Site, place: Place, index: int) -> None:
        """Note the error of the value at `index` of the place; counts as one failure."""


class Site:
    """A field as the document asks for it: what errors name."""

    __slots__ = ("_placed", "name", "nodes", "parent")

    def __init__(self, parent: str, name: str, nodes: list[FieldNode]) -> None:
        self.parent = parent
        self.name = name
        self.nodes = nodes
        self._placed: GraphQLError | None = None

    def located(self, error: Exception, path: list[str | int]) -> GraphQLError:
        """The error of a value at a path.

        As graphql-core's `located_error`, but the text is searched for the field's line once and not for each value.
        """
        if isinstance(error, GraphQLError) and error.path is not None:
            return error
        if self._placed is None:
            self._placed = GraphQLError("", self.nodes)
        placed = error if isinstance(error, GraphQLError) and error.nodes else self._placed
        message = error.message if isinstance(error, GraphQLError) else str(error)
        found = GraphQLError(message, path=path, original_error=error)
        found.nodes, found.source = placed.nodes, placed.source
        found.positions, found.locations = placed.positions, placed.locations
        return found

    def null_error(self) -> Exception:
        """The error of a null where none may be."""
        return GraphQLError(f"Cannot return null for non-nullable field {self.parent}.{self.name}.")


class Completer(Protocol):
    """Completes columns of one GraphQL type; `waits` tells whether something below must be awaited."""

    waits: bool

    async def complete(self, run: Any, values: Column, place: Place, required: bool) -> Column:
        """The completed column; with `required`, nulls are failures."""


class LevelSelection(Protocol):
    """What is selected of one object type."""

    waits: bool

    async def run(self, run: Any, parents: Column, place: Place) -> Column:
        """One dict, or FAILED, per parent."""


Trusted = Callable[[Column], bool]


def _int32(values: Column) -> bool:
    return bool(min(values) >= -(2**31) and max(values) < 2**31)


def _int64(values: Column) -> bool:
    return bool(min(values) >= -(2**63) and max(values) < 2**63)


def _finite(values: Column) -> bool:
    return all(map(isfinite, values))


_BUILT_IN: Mapping[str, tuple[type, Trusted | None]] = {
    "String": (str, None),
    "ID": (str, None),
    "Boolean": (bool, None),
    "Int": (int, _int32),
    "Float": (float, _finite),
}


class Leaf:
    """Completes scalars and enums.

    A column whose values are all of the one Python type that a scalar gives out unchanged is taken as is. A scalar of
    our own says so with an attribute `passes` (a type) on its serializer. `weight` is what a value costs.
    """

    waits = False

    def __init__(self, leaf: GraphQLScalarType | GraphQLEnumType, site: Site) -> None:
        self._serialize = leaf.coerce_output_value
        self.leaf = leaf
        self.weight = 0
        self._site = site
        self._known: dict[Any, Any] | None = {} if isinstance(leaf, GraphQLEnumType) else None
        own: type | None = getattr(leaf.coerce_output_value, "passes", None)
        built_in = _BUILT_IN.get(leaf.name, (None, None))
        self._passes: type | None = own or built_in[0]
        # What is written as JSON has 64 bits; a scalar of our own may still have a say in larger numbers.
        self._trusted: Trusted | None = (_int64 if own is int else None) if own else built_in[1]

    async def complete(self, run: Recorder, values: Column, place: Place, required: bool) -> Column:
        """See `Completer`."""
        return self.column(run, values, place, required)

    def column(self, run: Recorder, values: Column, place: Place, required: bool) -> Column:
        """The completed column, at once."""
        if self.weight:
            run.cost += self.weight * sum(value is not None for value in values)
        kinds = set(map(type, values))
        if kinds == {self._passes} and (self._trusted is None or self._trusted(values)):
            return values
        if self._known is not None and kinds == {str}:
            try:
                return list(map(self._known.__getitem__, values))
            except KeyError:
                pass
        return [self._one(run, value, place, index, required) for index, value in enumerate(values)]

    def _one(self, run: Recorder, value: Any, place: Place, index: int, required: bool) -> Any:
        if value is None or value is Undefined:
            return missing(run, self._site, place, index) if required else None
        if value is FAILED:
            return FAILED
        try:
            if isinstance(value, Exception):
                raise value
            result = self._serialize(value)
            if result is None or result is Undefined:
                raise TypeError(f"the serializer of {self.leaf.name} returned null for a value")
        except Exception as error:
            return failed(run, error, self._site, place, index)
        if self._known is not None and type(value) is str:
            self._known[value] = result
        return result


class ListOf:
    """Completes lists: the items of all parents' lists are one level."""

    def __init__(self, item: Completer, item_required: bool, site: Site) -> None:
        self.item = item
        self.item_required = item_required
        self._site = site
        self.waits = item.waits

    async def complete(self, run: Recorder, values: Column, place: Place, required: bool) -> Column:
        """See `Completer`."""
        lists = [self._list(run, value, place, index, required) for index, value in enumerate(values)]
        present = [index for index, value in enumerate(lists) if value is not None and value is not FAILED]
        whole = len(present) == len(lists)
        chosen = lists if whole else [lists[index] for index in present]
        lengths = list(map(len, chosen))
        flat = [item for items in chosen for item in items]
        items_place = Items(place if whole else Some(place, present), lengths)
        before = run.failures
        done = await self.item.complete(run, flat, items_place, self.item_required)
        may_fail = run.failures != before
        start = 0
        for index, length in zip(present, lengths, strict=True):
            lists[index] = self._gather(done[start : start + length], may_fail)
            start += length
        return lists

    def _list(self, run: Recorder, value: Any, place: Place, index: int, required: bool) -> Any:
        if isinstance(value, (list, tuple)):
            return value
        if value is None or value is Undefined:
            return missing(run, self._site, place, index) if required else None
        if value is FAILED:
            return FAILED
        if isinstance(value, Exception):
            return failed(run, value, self._site, place, index)
        try:
            return self._items(value)
        except Exception as error:
            return failed(run, error, self._site, place, index)

    def _items(self, value: Any) -> list[Any]:
        if is_iterable(value):
            return list(value)
        where = f"{self._site.parent}.{self._site.name}"
        raise GraphQLError(f"Expected Iterable, but did not find one for field '{where}'.")

    def _gather(self, items: Column, may_fail: bool) -> Any:
        if not may_fail:
            return list(items)
        if not self.item_required:
            return [None if item is FAILED else item for item in items]
        return FAILED if any(item is FAILED for item in items) else list(items)


class ObjectOf:
    """Completes objects of one type."""

    def __init__(self, selection: LevelSelection, site: Site) -> None:
        self.selection = selection
        self._site = site
        self.waits = selection.waits

    async def complete(self, run: Recorder, values: Column, place: Place, required: bool) -> Column:
        """See `Completer`."""
        out, present = split(run, values, self._site, place, required)
        if len(present) == len(values):
            return await self.selection.run(run, values, place)
        chosen = [values[index] for index in present]
        put(out, present, await self.selection.run(run, chosen, Some(place, present)))
        return out


class AbstractOf:
    """Completes objects of an interface: each object type's values together.

    `selections` has what is selected of each possible type; None for a type the caller may not see. Of these,
    `refused` has the errors of those that the document names.
    """

    def __init__(
        self,
        interface: GraphQLInterfaceType,
        selections: Mapping[str, LevelSelection | None],
        site: Site,
        refused: Mapping[str, GraphQLError],
    ) -> None:
        self.interface = interface
        self.selections = selections
        self.refused = refused
        self._site = site
        self.waits = any(selection.waits for selection in selections.values() if selection)

    async def complete(self, run: Recorder, values: Column, place: Place, required: bool) -> Column:
        """See `Completer`."""
        out, present = split(run, values, self._site, place, required)
        by_type = self._by_type(run, values, place, present, out, required)
        if len(by_type) == 1:
            [(selection, indices)] = by_type.values()
            if len(indices) == len(values):
                return await selection.run(run, values, place)
        filling = (
            _fill(run, selection, values, place, indices, out) for selection, indices in by_type.values()
        )
        if self.waits:
            await asyncio.gather(*filling)
        else:
            for each in filling:
                await each
        return out

    def _by_type(
        self, run: Recorder, values: Column, place: Place, present: list[int], out: list[Any], required: bool
    ) -> dict[str, tuple[LevelSelection, list[int]]]:
        chosen = values if len(present) == len(values) else [values[index] for index in present]
        names: Sequence[Any]
        kinds: Sequence[Any]
        try:
            names = type_names(self.interface, chosen)
            if len(names) != len(chosen):
                raise TypeError(f"{self.interface} gave {len(names)} type names for {len(chosen)} values")
            kinds = list(dict.fromkeys(names))
        except Exception as error:
            names, kinds = [error] * len(chosen), [error]
        by_type: dict[str, tuple[LevelSelection, list[int]]] = {}
        for name in kinds if present else ():
            indices = present
            if len(kinds) > 1:
                indices = list(compress(present, map(partial(eq, name), names)))
            selection = self.selections.get(name)
            if selection is not None:
                by_type[name] = (selection, indices)
                continue
            for index in indices:
                out[index] = self._without(run, name, place, index, required)
        return by_type

    def _without(self, run: Recorder, name: Any, place: Place, index: int, required: bool) -> Any:
        """What stands for a value whose type is unknown, or not for this caller to see."""
        if name in self.selections:
            return missing(run, self._site, place, index) if required else None
        error = name
        if not isinstance(name, Exception):
            error = GraphQLError(
                f"Runtime Object type '{name}' is not a possible type for '{self.interface}'."
            )
        return failed(run, error, self._site, place, index)


async def _fill(
    run: Recorder, selection: LevelSelection, values: Column, place: Place, indices: list[int], out: list[Any]
) -> None:
    chosen = [values[index] for index in indices]
    put(out, indices, await selection.run(run, chosen, Some(place, indices)))


def failed(run: Recorder, error: Exception, site: Site, place: Place, index: int) -> _Failed:
    """Record an error and stand in for the value."""
    run.record(error, site, place, index)
    return FAILED


def missing(run: Recorder, site: Site, place: Place, index: int) -> _Failed:
    """Record a null where none may be."""
    return failed(run, site.null_error(), site, place, index)


def split(
    run: Recorder, values: Column, site: Site, place: Place, required: bool
) -> tuple[list[Any], list[int]]:
    """The column with nulls and failures settled, and the indices of the values that are left."""
    out: list[Any] = [None] * len(values)
    if not any(_odd(kind) for kind in set(map(type, values))):
        return out, list(range(len(values)))
    present: list[int] = []
    for index, value in enumerate(values):
        if value is None or value is Undefined:
            out[index] = missing(run, site, place, index) if required else None
        elif value is FAILED:
            out[index] = FAILED
        elif isinstance(value, Exception):
            out[index] = failed(run, value, site, place, index)
        else:
            present.append(index)
    return out, present


def _odd(kind: type) -> bool:
    return kind in (NoneType, _Failed, UndefinedType) or issubclass(kind, Exception)


def put(out: list[Any], indices: Collection[int], values: Column) -> None:
    """Set the values at the indices."""
    for index, value in zip(indices, values, strict=True):
        out[index] = value
