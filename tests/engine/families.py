"""Families: which types of a schema can meet in one object, and so in one selection."""

from __future__ import annotations

from functools import cache
from typing import Any

from graphql import GraphQLField, GraphQLSchema, get_named_type, is_composite_type, is_interface_type
from graphql.utilities import do_types_overlap

Fields = list[tuple[str, GraphQLField]]


@cache
def fields(kind: Any) -> tuple[Fields, Fields]:
    """The fields of a type: those of leaves, and those below which something must be selected."""
    both: tuple[Fields, Fields] = ([], [])
    for name, each in kind.fields.items():
        both[is_composite_type(get_named_type(each.type))].append((name, each))
    return both


@cache
def overlapping(schema: GraphQLSchema, kind: Any) -> list[Any]:
    """The types that a fragment may be on where this type is, itself among them; object types first."""
    found = [
        each
        for each in schema.type_map.values()
        if is_composite_type(each) and not each.name.startswith("__") and do_types_overlap(schema, kind, each)
    ]
    return sorted(found, key=lambda each: (is_interface_type(each), each.name))


@cache
def family(schema: GraphQLSchema, kind: Any) -> str:
    """The name of all types that can meet in one object, directly or over others."""
    seen: set[str] = set()
    pending = [kind]
    while pending:
        each = pending.pop()
        if each.name not in seen:
            seen.add(each.name)
            pending += overlapping(schema, each)
    return min(seen)
