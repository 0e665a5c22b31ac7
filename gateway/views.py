"""Views: the schema without what a caller may not ask for; introspection is answered from it."""

from __future__ import annotations

from collections.abc import Iterable

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    FieldDefinitionNode,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    NamedTypeNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    TypeNode,
    build_ast_schema,
    parse,
    print_ast,
    print_schema,
)

Composite = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode


def visible(schema: GraphQLSchema, coordinates: frozenset[str]) -> GraphQLSchema:
    """The part of a schema that these coordinates (`Type.field`) and their arguments make up."""
    return build_ast_schema(_part(parse(print_schema(schema)), coordinates))


def printed(sdl: str, coordinates: frozenset[str]) -> str:
    """The same part of a schema that is given as text, with the directives it has there."""
    return print_ast(_part(parse(sdl), coordinates)) + "\n"


def _part(tree: DocumentNode, coordinates: frozenset[str]) -> DocumentNode:
    kept = [_narrowed(each, coordinates) for each in tree.definitions]
    composite = [each for each in kept if isinstance(each, Composite)]
    used = _used_inputs(tree.definitions, composite)
    names = {each.name.value for each in composite} | used
    definitions = [
        _without_foreign_interfaces(each, names) if isinstance(each, Composite) else each
        for each in kept
        if isinstance(each, DirectiveDefinitionNode)
        or (isinstance(each, TypeDefinitionNode) and each.name.value in names)
    ]
    return DocumentNode(definitions=tuple(definitions))


def _narrowed(definition: DefinitionNode, coordinates: frozenset[str]) -> DefinitionNode | None:
    if not isinstance(definition, Composite):
        return definition
    fields = tuple(
        each
        for each in definition.fields or ()
        if f"{definition.name.value}.{each.name.value}" in coordinates
    )
    return _copy(definition, fields=fields) if fields else None


def _without_foreign_interfaces(definition: Composite, names: set[str]) -> Composite:
    interfaces = tuple(each for each in definition.interfaces or () if each.name.value in names)
    return _copy(definition, interfaces=interfaces)


def _copy(definition: Composite, **changes: object) -> Composite:
    values = {key: getattr(definition, key) for key in definition.keys}
    return type(definition)(**{**values, **changes})


def _used_inputs(definitions: Iterable[DefinitionNode], composite: Iterable[Composite]) -> set[str]:
    """The scalars, enums and inputs that the fields use, and those that these use in turn."""
    inputs = {
        each.name.value: each for each in definitions if isinstance(each, InputObjectTypeDefinitionNode)
    }
    pending = [name for each in composite for field in each.fields or () for name in _named(field)]
    used: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in used:
            used.add(name)
            if name in inputs:
                pending += [_name(each.type) for each in inputs[name].fields or ()]
    return used


def _named(field: FieldDefinitionNode) -> list[str]:
    return [_name(field.type), *(_name(argument.type) for argument in field.arguments or ())]


def _name(node: TypeNode) -> str:
    while not isinstance(node, NamedTypeNode):
        node = node.type  # type: ignore[attr-defined]
    return node.name.value
