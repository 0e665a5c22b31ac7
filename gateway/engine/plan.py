"""Plans: an operation made ready to run for one access view, so that a repeated operation pays for nothing twice.

What the caller may not ask for is settled here, before anything is fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from gateway.engine.asked import asked_below
from gateway.engine.batch import Source, attribute_of, batch_of, source_of
from gateway.engine.collection import Collection
from gateway.engine.completion import Completer, Site
from gateway.engine.cost import Estimate, estimate
from gateway.engine.documents import Document, InvalidDocument
from gateway.engine.introspection import Introspection, Never, extent, most
from gateway.engine.leaves import Leaf
from gateway.engine.lists import ListOf
from gateway.engine.objects import AbstractOf, ObjectOf
from gateway.engine.selection import (
    Arguments,
    Asked,
    Attribute,
    Batched,
    Constant,
    Event,
    Field,
    Refused,
    Selection,
)

Locks = Callable[[str, str | None], GraphQLError | None]
"""The access view: the error for a field of a type (or for the type itself, field None), or None where it is open."""

Convert = Callable[[GraphQLField, dict[str, Any]], Mapping[str, Any]]
"""From a field's coerced GraphQL arguments to its batch function's."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The schema as one set of scopes may use it; `introspection` is the schema those see who ask for the schema.

    A view is equal to itself alone, so that no plan is ever taken for another view's.
    """

    schema: GraphQLSchema
    locks: Locks
    introspection: Callable[[], GraphQLSchema]
    convert: Convert


@dataclass(frozen=True, slots=True)
class Stream:
    """Where a subscription's events come from, and what is asked of them."""

    source: Source
    arguments: Arguments
    asked: Asked


@dataclass(frozen=True, slots=True)
class Plan:
    """An operation ready to run. `refusals` are the errors of what the caller may not ask for, `cost` what it costs.

    `stream` is None unless it is a subscription whose field the caller may ask for; it costs that much an event.
    """

    operation: OperationDefinitionNode
    root: Selection
    refusals: Sequence[GraphQLError]
    cost: Estimate
    stream: Stream | None = None


def make_plan(
    view: View, document: Document, operation: OperationDefinitionNode, switches: Mapping[str, bool]
) -> Plan:
    """The plan of an operation; `switches` has the values of the variables that `@skip` and `@include` read.

    Raises `InvalidDocument` where one of those that decide is null.
    """
    collection = Collection(view.schema, document.fragments, switches)
    planner = _Planner(view, document, operation, collection)
    kind = view.schema.get_root_type(operation.operation)
    if kind is None:
        raise GraphQLError(f"This gateway has no {operation.operation.value}s.", operation)
    root = planner.selection(
        kind, [operation.selection_set], [], operation.operation is OperationType.MUTATION
    )
    if operation.operation is OperationType.MUTATION and _is_hidden(view, kind, root):
        raise GraphQLError("The mutation operation is not supported by the schema.", operation)
    cost = estimate(view.schema, root, operation.operation, document.fragments)
    return Plan(operation, root, list(planner.refusals.values()), cost, planner.stream)


def _is_hidden(view: View, kind: GraphQLObjectType, root: Selection) -> bool:
    """Whether nothing but its name is asked of a type of which the caller is shown no field, and so not the type."""
    named = all(isinstance(each, Constant) for each in root.fields)
    return named and all(view.locks(kind.name, name) is not None for name in kind.fields)


Path = list[str]


@dataclass(slots=True)
class _Planner:
    view: View
    document: Document
    operation: OperationDefinitionNode
    collection: Collection
    refusals: dict[tuple[str, ...], GraphQLError] = field(default_factory=dict)
    stream: Stream | None = None
    introspected: int = 0

    def selection(
        self, kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], path: Path, serial: bool = False
    ) -> Selection:
        collected = self.collection.fields(kind, sets)
        fields = [self._field(kind, key, nodes, [*path, key]) for key, nodes in collected.items()]
        return Selection([kind.name, *(each.name for each in kind.interfaces)], fields, serial)

    def _field(self, kind: GraphQLObjectType, key: str, nodes: list[FieldNode], path: Path) -> Field:
        name = nodes[0].name.value
        definition = self.view.schema.get_field(kind, name)
        assert definition is not None, "validation has seen to it"
        site = Site(kind.name, name, nodes)
        required = is_non_null_type(definition.type)
        if name == "__typename":
            return Constant(key, site, required, Leaf(_leaf(definition.type), site), False, kind.name)
        if name in ("__schema", "__type"):
            return self._introspection(key, site, required, nodes)
        if error := self._refuse(kind.name, name, definition, nodes, path):
            return Refused(key, site, required, Never(), False, error)
        completer = self._completer(definition.type, site, nodes, path)
        source = source_of(definition)
        if source is not None:
            self.stream = Stream(source, self._arguments(definition, nodes[0]), asked_below(completer))
            return Event(key, site, required, completer, completer.waits)
        batch = batch_of(definition)
        if batch is None:
            return Attribute(key, site, required, completer, completer.waits, attribute_of(definition))
        arguments = self._arguments(definition, nodes[0])
        asked = asked_below(completer)
        return Batched(
            key, site, required, completer, batch.is_async or completer.waits, batch, arguments, asked
        )

    def _refuse(
        self, kind: str, name: str, definition: GraphQLField, nodes: list[FieldNode], path: Path
    ) -> GraphQLError | None:
        named = get_named_type(definition.type)
        error = self.view.locks(kind, name) or self.view.locks(named.name, None)
        if error is not None:
            self._note(error, nodes, [*path, *["@"] * _lists(definition.type)])
        return error

    def _note(self, error: GraphQLError, nodes: Sequence[Any], path: Path) -> None:
        located = GraphQLError(
            error.message, nodes, path=cast("list[str | int]", path), extensions=error.extensions
        )
        self.refusals.setdefault((*path, str(error.extensions)), located)

    def _completer(
        self, output: GraphQLOutputType, site: Site, nodes: list[FieldNode], path: Path
    ) -> Completer:
        if is_non_null_type(output):
            return self._completer(output.of_type, site, nodes, path)
        if is_list_type(output):
            item = self._completer(output.of_type, site, nodes, [*path, "@"])
            return ListOf(item, is_non_null_type(output.of_type), site)
        if is_leaf_type(output):
            return Leaf(output, site)
        sets = [node.selection_set for node in nodes if node.selection_set]
        if isinstance(output, GraphQLInterfaceType):
            refused: dict[str, GraphQLError] = {}
            selections = {
                kind.name: self._possible(kind, sets, path, refused)
                for kind in self.view.schema.get_possible_types(output)
            }
            return AbstractOf(output, selections, site, refused)
        return ObjectOf(self.selection(cast("GraphQLObjectType", output), sets, path), site)

    def _possible(
        self,
        kind: GraphQLObjectType,
        sets: list[SelectionSetNode],
        path: Path,
        refused: dict[str, GraphQLError],
    ) -> Selection | None:
        error = self.view.locks(kind.name, None)
        if error is None:
            return self.selection(kind, sets, path)
        if self.collection.names(kind.name, sets):
            self._note(error, [], path)
            refused[kind.name] = error
        return None

    def _arguments(self, definition: GraphQLField, node: FieldNode) -> Arguments:
        convert = self.view.convert

        def from_variables(variables: VariableValues | None) -> Mapping[str, Any]:
            return convert(
                definition, get_argument_values(definition, node, variables, hide_suggestions=True)
            )

        if any(_has_variable(argument) for argument in node.arguments or ()):
            return from_variables
        try:
            constant = from_variables(None)
        except Exception:
            # The field fails when it runs, if it runs.
            return from_variables
        return lambda _: constant

    def _introspection(self, key: str, site: Site, required: bool, nodes: list[FieldNode]) -> Field:
        defined = self.operation.variable_definitions or ()
        fragments = list(self.document.fragments.values())
        self.introspected += extent(nodes, fragments, self.view.schema)
        if self.introspected > most(self.view.schema):
            message = "The document asks for the schema many times over; ask for it once."
            raise InvalidDocument("INTROSPECTION_LIMIT", [GraphQLError(message, nodes)])
        return Introspection(
            key, site, required, Never(), True, nodes, fragments, defined, self.view.introspection
        )


def _leaf(output: GraphQLOutputType) -> GraphQLScalarType:
    return cast("GraphQLScalarType", get_named_type(output))


def _lists(output: GraphQLOutputType) -> int:
    if is_non_null_type(output):
        return _lists(output.of_type)
    return 1 + _lists(output.of_type) if is_list_type(output) else 0


def _has_variable(node: Any) -> bool:
    pending = [node.value]
    while pending:
        current = pending.pop()
        if isinstance(current, VariableNode):
            return True
        pending += getattr(current, "values", None) or ()
        pending += [each.value for each in getattr(current, "fields", None) or ()]
    return False
