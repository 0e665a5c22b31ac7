"""Leaves: scalars and enums completed, a column at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from graphql import GraphQLEnumType, GraphQLScalarType, Undefined

from gateway.engine.completion import FAILED, Column, Recorder, Site, failed, missing
from gateway.engine.places import Place

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
