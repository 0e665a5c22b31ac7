"""Documents: a request's text, parsed, validated and measured once, whoever sends it how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    parse,
    validate,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may have: lexical tokens, levels of fields, and fields with all fragments spelled out."""

    tokens: int
    depth: int
    fields: int = 2_000


class InvalidDocument(Exception):
    """What is asked is not valid GraphQL for this schema; `errors` say why."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document. `switches` names, per operation, the variables that `@skip` and `@include` read."""

    operations: Mapping[str | None, OperationDefinitionNode]
    fragments: Mapping[str, FragmentDefinitionNode]
    switches: frozenset[str]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run. Raises `InvalidDocument` where the name does not choose one."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        found = self.operations.get(name) if name is not None else None
        if found is None:
            message = (
                f"There is no operation named {name!r} in the document."
                if name is not None
                else "The document has several operations; say which in `operationName`."
            )
            raise InvalidDocument("OPERATION_RESOLUTION_FAILURE", [GraphQLError(message)])
        return found


def read(schema: GraphQLSchema, text: str, limits: Limits) -> Document:
    """Parse, measure and validate a document. Raises `InvalidDocument`."""
    try:
        tree = parse(text, max_lexical_tokens=limits.tokens, allow_empty_selection_sets=False)
    except GraphQLError as error:
        raise InvalidDocument("GRAPHQL_PARSE_FAILED", [error]) from None
    document = _document(tree)
    extent = _extent(document)
    if extent.levels > limits.depth:
        message = f"The document is {extent.levels} levels deep; {limits.depth} are allowed."
        raise InvalidDocument("DEPTH_LIMIT", [GraphQLError(message)])
    if extent.fields > limits.fields:
        message = (
            f"The document has over {limits.fields} fields, with each fragment counted wherever it is spread."
        )
        raise InvalidDocument("FIELD_LIMIT", [GraphQLError(message)])
    if errors := validate(schema, tree, hide_suggestions=True, allow_empty_selection_sets=False):
        raise InvalidDocument("GRAPHQL_VALIDATION_FAILED", errors)
    return document


def _document(tree: DocumentNode) -> Document:
    operations: dict[str | None, OperationDefinitionNode] = {}
    fragments: dict[str, FragmentDefinitionNode] = {}
    for definition in tree.definitions:
        if isinstance(definition, OperationDefinitionNode):
            operations[definition.name.value if definition.name else None] = definition
        elif isinstance(definition, FragmentDefinitionNode):
            fragments[definition.name.value] = definition
    sets = [each.selection_set for each in (*operations.values(), *fragments.values())]
    return Document(operations, fragments, frozenset(name for each in sets for name in _switches(each)))


def _switches(selection_set: SelectionSetNode) -> list[str]:
    found: list[str] = []
    pending = [selection_set]
    while pending:
        for selection in pending.pop().selections:
            found += [
                value.name.value
                for value in conditions(selection).values()
                if isinstance(value, VariableNode)
            ]
            inner = getattr(selection, "selection_set", None)
            if inner is not None:
                pending.append(inner)
    return found


def conditions(selection: SelectionNode) -> dict[str, BooleanValueNode | VariableNode]:
    """The `if` of `@skip` and of `@include` on a selection, by the directive's name."""
    return {
        directive.name.value: argument.value
        for directive in selection.directives or ()
        if directive.name.value in ("skip", "include")
        for argument in directive.arguments or ()
        if argument.name.value == "if" and isinstance(argument.value, (BooleanValueNode, VariableNode))
    }


class _Extent(NamedTuple):
    """How large a selection is: levels of fields, and fields."""

    levels: int
    fields: int


class _Part(NamedTuple):
    """A definition without what it spreads; `spreads` has fragments' names, each with the level it stands on."""

    extent: _Extent
    spreads: list[tuple[str, int]]


def _extent(document: Document) -> _Extent:
    """The extent of the operations with all fragments spelled out; each fragment is measured once."""
    parts = {name: _part(fragment.selection_set) for name, fragment in document.fragments.items()}
    known: dict[str, _Extent] = {}
    within = {name: [spread for spread, _ in part.spreads] for name, part in parts.items()}
    try:
        for name in TopologicalSorter(within).static_order():
            known[name] = _whole(parts[name], known) if name in parts else _Extent(0, 0)
    except CycleError:
        # Validation refuses fragments within themselves, and says where.
        return _Extent(0, 0)
    wholes = [_whole(_part(each.selection_set), known) for each in document.operations.values()]
    levels = max((each.levels for each in wholes), default=0)
    return _Extent(levels, max((each.fields for each in wholes), default=0))


def _part(selection_set: SelectionSetNode) -> _Part:
    levels = fields = 0
    spreads: list[tuple[str, int]] = []
    pending = [(selection_set, 0)]
    while pending:
        current, level = pending.pop()
        for selection in current.selections:
            if isinstance(selection, FragmentSpreadNode):
                spreads.append((selection.name.value, level))
                continue
            below = level
            if isinstance(selection, FieldNode):
                fields += 1
                below += 1
                levels = max(levels, below)
            inner = getattr(selection, "selection_set", None)
            if inner is not None:
                pending.append((inner, below))
    return _Part(_Extent(levels, fields), spreads)


def _whole(part: _Part, known: Mapping[str, _Extent]) -> _Extent:
    nothing = _Extent(0, 0)
    spread = [(known.get(name, nothing), level) for name, level in part.spreads]
    return _Extent(
        max([part.extent.levels, *(level + each.levels for each, level in spread)]),
        part.extent.fields + sum(each.fields for each, _ in spread),
    )
