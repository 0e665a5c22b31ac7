"""Documents: a request's text, parsed, validated and measured once, whoever sends it how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    BooleanValueNode,
    DocumentNode,
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

from gateway.errors import Refusal


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may be: lexical tokens, and levels of fields."""

    tokens: int
    depth: int


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document. `switches` names, per operation, the variables that `@skip` and `@include` read."""

    operations: Mapping[str | None, OperationDefinitionNode]
    fragments: Mapping[str, FragmentDefinitionNode]
    switches: frozenset[str]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run. Raises `Refusal` where the name does not choose one."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        found = self.operations.get(name) if name is not None else None
        if found is None:
            message = (
                f"There is no operation named {name!r} in the document."
                if name is not None
                else "The document has several operations; say which in `operationName`."
            )
            raise Refusal(400, "OPERATION_RESOLUTION_FAILURE", message)
        return found


class InvalidDocument(Exception):
    """The document is not valid GraphQL for this schema; `errors` say why."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors


def read(schema: GraphQLSchema, text: str, limits: Limits) -> Document:
    """Parse, measure and validate a document. Raises `InvalidDocument`."""
    try:
        tree = parse(text, max_lexical_tokens=limits.tokens, allow_empty_selection_sets=False)
    except GraphQLError as error:
        raise InvalidDocument("GRAPHQL_PARSE_FAILED", [error]) from None
    document = _document(tree)
    depth = max(
        (_Depth(document.fragments).of(op.selection_set) for op in document.operations.values()), default=0
    )
    if depth > limits.depth:
        message = f"The document is {depth} levels deep; {limits.depth} are allowed."
        raise InvalidDocument("DEPTH_LIMIT", [GraphQLError(message)])
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


class _Depth:
    """Levels of fields, each fragment measured once; so the time is linear in the document."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, int] = {}

    def of(self, selection_set: SelectionSetNode | None) -> int:
        if selection_set is None:
            return 0
        return max((self._of_one(selection) for selection in selection_set.selections), default=0)

    def _of_one(self, selection: SelectionNode) -> int:
        if isinstance(selection, FragmentSpreadNode):
            return self._of_fragment(selection.name.value)
        inner = self.of(getattr(selection, "selection_set", None))
        return inner + (selection.kind == "field")

    def _of_fragment(self, name: str) -> int:
        if name not in self._known:
            # A fragment within itself is refused by validation; here it must only end.
            self._known[name] = 0
            fragment = self._fragments.get(name)
            self._known[name] = self.of(fragment.selection_set) if fragment else 0
        return self._known[name]
