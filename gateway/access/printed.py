"""Schemas as `gateway schema` prints them, read for who may ask for what."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from graphql import (
    DirectiveDefinitionNode,
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    Visitor,
    build_ast_schema,
    parse,
    value_from_ast_untyped,
    visit,
)

from gateway.access.reach import ways
from gateway.access.scopes import Alternatives, both
from gateway.errors import SettingsError

_LOCK = "requiresScopes"
_HARMLESS = frozenset({"cost", "listSize", "deprecated", "specifiedBy", "oneOf"})
"""Directives that have no say in access. Any other might be a lock under another name, and is not passed over."""

Locks = dict[tuple[str, str | None], Alternatives]


def read_ways(text: str) -> Mapping[str, Alternatives]:
    """For each coordinate of a schema that somebody may ask for, the smallest sets of scopes with which one may.

    Raises `SettingsError` for what is no schema, and for any directive that is not known to be harmless.
    """
    try:
        tree = parse(text)
        locks = _locks(tree)
        schema = build_ast_schema(tree)
    except (GraphQLError, TypeError, RecursionError) as error:
        raise SettingsError(f"it is no schema: {getattr(error, 'message', error)}") from None

    def needed(type_name: str, field_name: str | None) -> Alternatives:
        own = locks.get((type_name, None), ())
        return own if field_name is None else both(own, locks.get((type_name, field_name), ()))

    return ways(schema, needed)


class _Directives(Visitor):
    """Counts the locks. Raises `SettingsError` for a directive that could be another."""

    def __init__(self) -> None:
        super().__init__()
        self.locks = 0

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        """See graphql-core's `Visitor`."""
        if node.name.value not in {_LOCK, *_HARMLESS}:
            raise SettingsError(f"@{node.name.value} is not known; it could be a lock")
        self.locks += node.name.value == _LOCK


def _locks(tree: DocumentNode) -> Locks:
    """Raises `SettingsError` for what could bear on access and is not understood."""
    found: Locks = {}
    understood = 0
    for kind in tree.definitions:
        if not isinstance(kind, (TypeDefinitionNode, DirectiveDefinitionNode, SchemaDefinitionNode)):
            raise SettingsError(f"it has a definition of another kind, {kind.kind.replace('_', ' ')}")
        if not isinstance(kind, (ObjectTypeDefinitionNode, InterfaceTypeDefinitionNode)):
            continue
        for name, node in [(None, kind), *((each.name.value, each) for each in kind.fields or ())]:
            locks = [_scopes(each) for each in node.directives or () if each.name.value == _LOCK]
            understood += len(locks)
            found[kind.name.value, name] = reduce(both, locks, ())
    directives = _Directives()
    visit(tree, directives)
    if understood != directives.locks:
        raise SettingsError(f"@{_LOCK} stands where it locks nothing")
    return found


def _scopes(directive: DirectiveNode) -> Alternatives:
    given = {each.name.value: value_from_ast_untyped(each.value) for each in directive.arguments or ()}
    scopes = given.get("scopes")
    sound = isinstance(scopes, list) and all(
        isinstance(one, list) and all(isinstance(scope, str) for scope in one) for one in scopes
    )
    if not sound or not scopes or given.keys() != {"scopes"}:
        raise SettingsError(f"@{_LOCK} must have a list of lists of scopes, and one of them at least")
    return tuple(frozenset(one) for one in scopes)
