"""Reach: what of a schema may be asked for, with which scopes.

A field needs what its type, it itself and the type it returns need together; and its type must be reached first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
)

from gateway.access.scopes import Alternatives, both, missing

Needed = Callable[[str, str | None], Alternatives]
"""The scopes of which one set is needed for a type, or for a field of it with what its type needs."""

Composite = GraphQLObjectType | GraphQLInterfaceType

ANYBODY: Alternatives = (frozenset(),)
"""The ways of what needs no scope; whatever nobody can reach has none."""


def reachable(schema: GraphQLSchema, needed: Needed, scopes: frozenset[str]) -> frozenset[str]:
    """The coordinates (`Type.field`) that a holder of these scopes may ask for."""
    found: set[str] = set()
    pending = _roots(schema)
    seen: set[str] = set()
    while pending:
        kind = pending.pop()
        if kind.name in seen or missing(needed(kind.name, None), scopes):
            continue
        seen.add(kind.name)
        for name, field in _fields(kind):
            if not missing(_lock(kind, name, field, needed), scopes):
                found.add(f"{kind.name}.{name}")
                pending += _below(schema, field)
    return frozenset(found)


def ways(schema: GraphQLSchema, needed: Needed) -> Mapping[str, Alternatives]:
    """For each coordinate that somebody may ask for, the smallest sets of scopes with which one may.

    `reachable` for all sets of scopes at once.
    """
    found: dict[str, Alternatives] = {}
    to_types: dict[str, Alternatives] = {}
    pending: list[tuple[Any, Alternatives]] = [(kind, ANYBODY) for kind in _roots(schema)]
    while pending:
        kind, by = pending.pop()
        known = to_types.get(kind.name, ())
        wider = either((*known, *both(by, needed(kind.name, None))))
        if wider == known:
            continue
        to_types[kind.name] = wider
        for name, field in _fields(kind):
            mine = both(wider, _lock(kind, name, field, needed))
            found[f"{kind.name}.{name}"] = mine
            pending += [(each, mine) for each in _below(schema, field)]
    return found


def either(sets: Iterable[frozenset[str]]) -> Alternatives:
    """The smallest of these sets: whoever holds one of them holds one of those that are left."""
    known = set(sets)
    return tuple(sorted((one for one in known if not any(other < one for other in known)), key=sorted))


def _roots(schema: GraphQLSchema) -> list[Any]:
    return [
        kind
        for kind in (schema.query_type, schema.mutation_type, schema.subscription_type)
        if kind is not None
    ]


def _fields(kind: Any) -> Iterator[tuple[str, GraphQLField]]:
    # A union has none of its own.
    yield from getattr(kind, "fields", {}).items()


def _lock(kind: Composite, name: str, field: GraphQLField, needed: Needed) -> Alternatives:
    return both(needed(kind.name, name), needed(get_named_type(field.type).name, None))


def _below(schema: GraphQLSchema, field: GraphQLField) -> list[Any]:
    named = get_named_type(field.type)
    if is_abstract_type(named):
        return [named, *schema.get_possible_types(named)]
    return [named] if isinstance(named, GraphQLObjectType) else []
