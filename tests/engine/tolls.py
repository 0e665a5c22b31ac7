"""Tolls: what an operation costs by the words of the specification, worked out as simply as can be.

The weights are read off the printed schema, the operation off its text, and what it did cost off the answer. Nothing of
the gateway's is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    NameNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    parse,
    print_ast,
    value_from_ast_untyped,
)
from graphql.language import Visitor, visit

Locks = Callable[[str, str | None], object]
"""Whether a field of a type, or the type itself, is refused; what is refused costs nothing."""

KIND = "kind__"

_FREE = {"scalar_type_definition": 0, "enum_type_definition": 0, "object_type_definition": 1}
_OPERATIONS = {"query": 0, "mutation": 10, "subscription": 0}


def marked(text: str) -> str:
    """A document that also asks every object for its type, which costs nothing."""

    class Mark(Visitor):
        def leave_selection_set(self, node: SelectionSetNode, *_: Any) -> SelectionSetNode:
            kind = FieldNode(alias=NameNode(value=KIND), name=NameNode(value="__typename"))
            return SelectionSetNode(selections=(*node.selections, kind))

    tree: DocumentNode = visit(parse(text), Mark())
    return print_ast(tree)


@dataclass
class Tolls:
    """The tolls of one operation; `schema` is built of its printed text, `variables` are coerced."""

    schema: GraphQLSchema
    text: str
    name: str | None
    variables: Mapping[str, Any]
    locks: Locks = lambda kind, field: None

    def __post_init__(self) -> None:
        definitions = parse(self.text).definitions
        self.fragments = {
            each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)
        }
        [self.operation] = [
            each
            for each in definitions
            if isinstance(each, OperationDefinitionNode)
            and (self.name is None or (each.name and each.name.value == self.name))
        ]
        self.root = self.schema.get_root_type(self.operation.operation)

    def estimated(self) -> int:
        """What it costs where every list is as long as it may be, and every value of the dearest type."""
        return self._own() + self._below(self.root, [self.operation.selection_set], {})

    def counted(self, data: Mapping[str, Any]) -> int:
        """What is in an answer, the document being marked."""
        return self._own() + self._within(self.root, [self.operation.selection_set], data)

    def _own(self) -> int:
        return _OPERATIONS[self.operation.operation.value]

    def _below(self, kind: Any, sets: Sequence[SelectionSetNode], sized: Mapping[str, int]) -> int:
        total = 0
        for nodes in self._collected(kind, sets).values():
            definition = self._open(kind, nodes[0])
            if definition is None:
                continue
            size = self._size(definition, nodes[0])
            lists: Sequence[str] = _directive(definition, "listSize").get("sizedFields") or ()
            own = sized.get(nodes[0].name.value, 1_000 if size is None or lists else size)
            below = dict.fromkeys(lists, size or 0)
            total += self._price(definition, nodes[0]) + self._value(definition.type, nodes, own, below)
        return total

    def _value(self, kind: Any, nodes: list[FieldNode], size: int, sized: Mapping[str, int]) -> int:
        if isinstance(kind, GraphQLNonNull):
            return self._value(kind.of_type, nodes, size, sized)
        if isinstance(kind, GraphQLList):
            return size * self._value(kind.of_type, nodes, size, sized)
        options = self.schema.get_possible_types(kind) if isinstance(kind, GraphQLInterfaceType) else [kind]
        open_to_us = [each for each in options if not self.locks(each.name, None)]
        return max((_weight(each) + self._below(each, _sets(nodes), sized) for each in open_to_us), default=0)

    def _within(self, kind: Any, sets: Sequence[SelectionSetNode], value: Mapping[str, Any]) -> int:
        total = 0
        for key, nodes in self._collected(kind, sets).items():
            definition = self._open(kind, nodes[0])
            if definition is not None:
                total += self._price(definition, nodes[0]) + self._found(definition.type, nodes, value[key])
        return total

    def _found(self, kind: Any, nodes: list[FieldNode], value: Any) -> int:
        if value is None:
            return 0
        if isinstance(value, list):
            return sum(self._found(kind, nodes, each) for each in value)
        named: Any = get_named_type(kind)
        if not isinstance(named, (GraphQLObjectType, GraphQLInterfaceType)):
            return _weight(named)
        concrete = self.schema.type_map[value[KIND]]
        return _weight(concrete) + self._within(concrete, _sets(nodes), value)

    def _open(self, kind: Any, node: FieldNode) -> GraphQLField | None:
        definition: GraphQLField | None = kind.fields.get(node.name.value)
        if definition is None or self.locks(kind.name, node.name.value):
            return None
        return None if self.locks(get_named_type(definition.type).name, None) else definition

    def _price(self, definition: GraphQLField, node: FieldNode) -> int:
        price = _weight(definition)
        for each in node.arguments or ():
            argument = definition.args[each.name.value]
            value = value_from_ast_untyped(each.value, dict(self.variables))
            price += _weight(argument) + self._inputs(argument.type, value)
        return max(0, price)

    def _inputs(self, kind: Any, value: Any) -> int:
        if isinstance(value, list):
            return sum(self._inputs(kind, each) for each in value)
        named: Any = get_named_type(kind)
        # A variable that is not sent is no value.
        if not isinstance(value, dict) or not isinstance(named, GraphQLInputObjectType):
            return 0
        return sum(
            _weight(named.fields[name]) + self._inputs(named.fields[name].type, each)
            for name, each in value.items()
        )

    def _size(self, definition: GraphQLField, node: FieldNode) -> int | None:
        declared = _directive(definition, "listSize")
        if not declared:
            return None
        given = {each.name.value: each.value for each in node.arguments or ()}
        sizes = []
        for name in declared.get("slicingArguments") or ():
            default = definition.args[name].ast_node.default_value  # type: ignore[union-attr]
            value = given.get(name, default)
            if isinstance(value, VariableNode):
                absent = value_from_ast_untyped(default) if default else None
                sizes.append(self.variables.get(value.name.value, absent))
            elif value is not None and not isinstance(value, NullValueNode):
                sizes.append(value_from_ast_untyped(value))
        found = [each for each in sizes if each is not None]
        return max(0, max(found)) if found else declared["assumedSize"]

    def _collected(self, kind: Any, sets: Sequence[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        found: dict[str, list[FieldNode]] = {}
        for selection in (each for one in sets for each in one.selections):
            if not self._included(selection):
                continue
            if isinstance(selection, FieldNode):
                found.setdefault((selection.alias or selection.name).value, []).append(selection)
                continue
            fragment: Any = selection
            if isinstance(selection, FragmentSpreadNode):
                fragment = self.fragments[selection.name.value]
            condition = fragment.type_condition and self.schema.type_map[fragment.type_condition.name.value]
            if condition in (None, kind) or self.schema.is_sub_type(condition, kind):
                for key, nodes in self._collected(kind, [fragment.selection_set]).items():
                    found.setdefault(key, []).extend(nodes)
        return found

    def _included(self, selection: Any) -> bool:
        wanted = {"skip": False, "include": True}
        return all(
            value_from_ast_untyped(each.arguments[0].value, dict(self.variables)) is wanted[each.name.value]
            for each in selection.directives or ()
            if each.name.value in wanted
        )


def _sets(nodes: Sequence[FieldNode]) -> list[SelectionSetNode]:
    return [node.selection_set for node in nodes if node.selection_set]


def _directive(part: Any, name: str) -> dict[str, Any]:
    for node in (part.ast_node and part.ast_node.directives) or ():
        if node.name.value == name:
            return {each.name.value: value_from_ast_untyped(each.value) for each in node.arguments or ()}
    return {}


def _weight(part: Any) -> int:
    declared = _directive(part, "cost")
    if declared:
        return int(declared["weight"])
    return 1 if isinstance(part, GraphQLObjectType) else 0
