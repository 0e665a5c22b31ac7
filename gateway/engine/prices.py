"""Prices: what the arguments of a field make of its weight, and of the length of its list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNamedType,
    IntValueNode,
    VariableNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
    value_from_ast_untyped,
)

from gateway.engine.weights import ListSize, weight_of

Hanging = Callable[[Mapping[str, Any]], int]
"""From the operation's variables, coerced, to a number."""

Size = int | Hanging
"""The length of a list."""

Price = int | Hanging
"""What it costs to ask a field of one object, or all fields."""


def field_price(definition: GraphQLField, node: FieldNode) -> Price:
    """The weight of a field with those of the arguments that it is given; never below 0."""
    fixed = weight_of(definition) or 0
    inputs: list[tuple[GraphQLInputType, Any]] = []
    for each in node.arguments or ():
        argument = definition.args[each.name.value]
        fixed += weight_of(argument) or 0
        if _weighs(get_named_type(argument.type)):
            inputs.append((argument.type, each.value))

    def price(variables: Mapping[str, Any]) -> int:
        values = [(kind, value_from_ast_untyped(value, dict(variables))) for kind, value in inputs]
        return max(0, fixed + sum(_inside(kind, value) for kind, value in values))

    return price if inputs else max(0, fixed)


def together(prices: Sequence[Price]) -> Price:
    """The sum of prices."""
    hanging = [each for each in prices if not isinstance(each, int)]
    fixed = sum(each for each in prices if isinstance(each, int))
    return (lambda variables: fixed + sum(each(variables) for each in hanging)) if hanging else fixed


@lru_cache(maxsize=1_000)
def _weighs(kind: GraphQLNamedType) -> bool:
    """Whether a field of this input type, or of one within it, has a weight."""
    seen: set[GraphQLNamedType] = set()
    pending = [kind]
    while pending:
        each = pending.pop()
        if each in seen or not isinstance(each, GraphQLInputObjectType):
            continue
        seen.add(each)
        if any(weight_of(field) for field in each.fields.values()):
            return True
        pending += [get_named_type(field.type) for field in each.fields.values()]
    return False


def _inside(kind: GraphQLInputType, value: Any) -> int:
    """The weights of the input fields that a value has."""
    if is_non_null_type(kind):
        return _inside(kind.of_type, value)
    if is_list_type(kind):
        items = value if isinstance(value, list) else [value]
        return sum(_inside(kind.of_type, each) for each in items)
    if not isinstance(kind, GraphQLInputObjectType) or not isinstance(value, dict):
        return 0
    given = [(kind.fields[name], each) for name, each in value.items()]
    return sum((weight_of(field) or 0) + _inside(field.type, each) for field, each in given)


def list_length(declared: ListSize, definition: GraphQLField, node: FieldNode) -> Size:
    """How long a list is at most: the largest of its slicing arguments that are given, else its assumed size."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    known: list[int] = []
    names: dict[str, int | None] = {}
    for name in declared.slicing_arguments or ():
        default = _default(definition, name)
        value = given.get(name)
        if isinstance(value, VariableNode):
            names[value.name.value] = default
        elif isinstance(value, IntValueNode):
            known.append(int(value.value))
        elif value is None and default is not None:
            known.append(default)
    assumed = declared.assumed_size or 0

    def size(variables: Mapping[str, Any]) -> int:
        asked = [variables.get(name, default) for name, default in names.items()]
        sizes = [*known, *(each for each in asked if each is not None)]
        return max(0, max(sizes, default=assumed))

    return size if names else size({})


def _default(definition: GraphQLField, name: str) -> int | None:
    default = definition.args[name].default
    value = default.value if default is not None else None
    return value if isinstance(value, int) else None
