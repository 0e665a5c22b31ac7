"""What a schema declares of costs, held to the rules of the specification (section 9), and to one of the gateway's own:
there is no list whose size nobody says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from gateway.engine.weights import ListSize, list_size_of, weight_of
from gateway.errors import SchemaError

Composite = GraphQLObjectType | GraphQLInterfaceType


def check_costs(schema: GraphQLSchema) -> None:
    """Raises `SchemaError` for a weight or list size that cannot be, and for lists without a size."""
    for kind in schema.type_map.values():
        _check_weights(kind)
        _check_sizes(kind)
    composite = list(_composite(schema))
    fields = [field for kind in composite for field in kind.fields.values()]
    for kind in composite:
        for name, field in kind.fields.items():
            where = f"{kind.name}.{name}"
            if _is_list(field.type) and not _is_sized(name, field, _giving(kind, fields)):
                raise SchemaError(
                    f"nothing says how long {where} is: declare list_size(…) on it, or `sized` on all that give it"
                )


def _composite(schema: GraphQLSchema) -> Iterator[Composite]:
    for kind in schema.type_map.values():
        if isinstance(kind, Composite) and not kind.name.startswith("__"):
            yield kind


def _giving(kind: Composite, fields: Iterable[GraphQLField]) -> list[GraphQLField]:
    """The fields whose value can be of a type."""
    names = {kind.name, *(each.name for each in kind.interfaces)}
    return [field for field in fields if get_named_type(field.type).name in names]


def _is_sized(name: str, field: GraphQLField, giving: Iterable[GraphQLField]) -> bool:
    own = list_size_of(field)
    if own is not None and not own.sized_fields:
        return True
    sizes = [list_size_of(each) for each in giving]
    return bool(sizes) and all(size is not None and name in (size.sized_fields or ()) for size in sizes)


def _is_list(output: GraphQLOutputType) -> bool:
    return is_list_type(get_nullable_type(output))


def _check_weights(kind: Any) -> None:
    fields = getattr(kind, "fields", {})
    below = [kind.name] if (weight_of(kind) or 0) < 0 else []
    for name, field in fields.items():
        weight = weight_of(field)
        for argument in getattr(field, "args", {}).values():
            weight_of(argument)
        if weight is not None and isinstance(kind, GraphQLInterfaceType):
            raise SchemaError(
                f"@cost is on {kind.name}.{name}, where only the types of an interface may have it"
            )
        if weight is not None and weight < 0 and not isinstance(kind, GraphQLInputObjectType):
            below.append(f"{kind.name}.{name}")
    if below:
        raise SchemaError(f"the weight of {', '.join(below)} is below 0")


def _check_sizes(kind: Any) -> None:
    for name, field in kind.fields.items() if isinstance(kind, Composite) else ():
        if (declared := list_size_of(field)) is not None:
            _check_size(f"{kind.name}.{name}", field, declared)


def _check_size(where: str, field: GraphQLField, declared: ListSize) -> None:
    slicing = declared.slicing_arguments or ()
    if not isinstance(declared.assumed_size, int) or declared.assumed_size < 0:
        raise SchemaError(f"@listSize on {where} assumes no size")
    if slicing and declared.require_one_slicing_argument is not False:
        raise SchemaError(f"@listSize on {where} cannot assume a size and require an argument")
    for name in slicing:
        argument = field.args.get(name)
        if (
            argument is None
            or get_nullable_type(argument.type) is not GraphQLInt
            or argument.default is not None
        ):
            raise SchemaError(f"{name} of @listSize on {where} is no argument of Int without a default")
    lists = getattr(get_named_type(field.type), "fields", {})
    for name in declared.sized_fields or ():
        if name not in lists or not _is_list(lists[name].type):
            raise SchemaError(f"{name} of @listSize on {where} is no list in {field.type}")
    if not declared.sized_fields and not _is_list(field.type):
        raise SchemaError(f"@listSize is on {where}, which is no list")
