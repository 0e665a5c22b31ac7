"""Batch functions: how a field that is not a plain attribute gets its values, for a whole level at once.

A subscription's root field gets its from a source instead: a function that gives level after level of events.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry
from graphql import GraphQLField, GraphQLInterfaceType

from gateway.engine import weights
from gateway.engine.weights import ListSize

METADATA = "batch"
_SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Batch:
    """A function from all parents of a level to their values, in order.

    `function(parents, access, **arguments)` returns one value per parent, or an exception in a value's place; it may
    be a coroutine function. `needs` names the attributes of a parent that it reads, which SQL must then select.
    """

    function: Callable[..., Any]
    needs: tuple[str, ...]
    is_async: bool


@dataclass(frozen=True, slots=True)
class Source:
    """A function from nothing to events (the spec's source stream, 6.2.3.1).

    `function(access, **arguments)` is an asynchronous generator of levels: sequences of events that came together, each
    an event or an exception in its place. It ends when there will be no more, and is closed when nobody listens.
    """

    function: Callable[..., Any]


def batch(
    function: Callable[..., Any],
    *,
    needs: Sequence[str] = (),
    requires: object | None = None,
    list_size: ListSize | int | None = None,
    cost: int | None = None,
    name: str | None = None,
    description: str | None = None,
) -> Any:
    """A Strawberry field whose values come from a batch function.

    Its GraphQL arguments are the function's keyword-only parameters, its type is the class's annotation, and its
    description is the function's docstring. `requires` is the field's lock; `list_size` says how long its list is at
    most, `cost` what it weighs to ask it of one parent.
    """
    found = Batch(function, tuple(needs), inspect.iscoroutinefunction(function))
    size = weights.list_size(list_size) if isinstance(list_size, int) else list_size
    return _declared(function, {METADATA: found}, (requires, size, _weighed(cost)), name, description)


def subscription(
    function: Callable[..., Any],
    *,
    requires: object | None = None,
    cost: int | None = None,
    name: str | None = None,
    description: str | None = None,
) -> Any:
    """A Strawberry field of a subscription type, whose events come from a source; all else is as for `batch`."""
    return _declared(function, {_SOURCE: Source(function)}, (requires, _weighed(cost)), name, description)


def _weighed(cost: int | None) -> object | None:
    return weights.cost(cost) if cost is not None else None


def _declared(
    function: Callable[..., Any],
    metadata: Mapping[Any, Any],
    directives: Iterable[object | None],
    name: str | None,
    description: str | None,
) -> Any:
    parameters = inspect.signature(function).parameters.values()
    arguments = [_optional(p) for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)

    def declaration(self: Any, **_: Any) -> Any:
        raise TypeError("fields are resolved a level at a time, by gateway.engine")

    declaration.__signature__ = inspect.Signature([itself, *arguments])  # type: ignore[attr-defined]
    declaration.__name__ = function.__name__
    # Strawberry reads the annotations in the module where they were written.
    declaration.__module__ = function.__module__
    return strawberry.field(
        resolver=declaration,
        name=name,
        description=description or inspect.getdoc(function),
        directives=[each for each in directives if each is not None],
        metadata=metadata,
    )


def _optional(parameter: inspect.Parameter) -> inspect.Parameter:
    """A parameter that defaults to None is an argument without a default: leaving it out says nothing."""
    return parameter.replace(default=strawberry.UNSET) if parameter.default is None else parameter


def batch_of(field: GraphQLField) -> Batch | None:
    """The batch function behind a field of the schema, or None for a plain attribute."""
    definition = field.extensions.get("strawberry-definition")
    found: Batch | None = definition.metadata.get(METADATA) if definition is not None else None
    return found


def source_of(field: GraphQLField) -> Source | None:
    """The source behind a field of the schema, or None for a field that is no subscription."""
    definition = field.extensions.get("strawberry-definition")
    found: Source | None = definition.metadata.get(_SOURCE) if definition is not None else None
    return found


def attribute_of(field: GraphQLField) -> str:
    """The attribute of the parent that a plain field shows."""
    python_name: str = field.extensions["strawberry-definition"].python_name
    return python_name


def type_names(interface: GraphQLInterfaceType, values: Sequence[Any]) -> list[str | Exception]:
    """The names of the object types of an interface's values, or an exception in a name's place.

    An interface says them for a whole level in a static method `type_names`; without one, a value is an instance of
    its Strawberry type.
    """
    definition = interface.extensions.get("strawberry-definition")
    name_all = getattr(definition.origin, "type_names", None) if definition is not None else None
    if name_all is not None:
        names: list[str | Exception] = name_all(values)
        return names
    return [_type_name(value) for value in values]


def _type_name(value: Any) -> str | Exception:
    definition = getattr(type(value), "__strawberry_definition__", None)
    if definition is None:
        return TypeError(f"an instance of {type(value).__name__} is of no type of the schema")
    name: str = definition.name
    return name
