"""Documents: a request's text, parsed, validated and measured once, whoever sends it how often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    parse,
    validate,
)

from gateway.engine.limits import Definition, Excess, Limits, check

_COMMENTS = 1_000

ERRORS = 20
"""Errors that are told at once; each may take a while to be put into words."""


class InvalidDocument(Exception):
    """What is asked is not valid GraphQL for this schema; `errors` say why. `tree` is what could be parsed."""

    def __init__(self, code: str, errors: list[GraphQLError], tree: DocumentNode | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors
        self.tree = tree


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document. `switches` names the variables that `@skip` and `@include` read.

    `fields` is how many there are, with each fragment counted wherever it is spread.
    """

    operations: Mapping[str | None, OperationDefinitionNode]
    fragments: Mapping[str, FragmentDefinitionNode]
    switches: frozenset[str]
    fields: int = 0

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
    if len(text) > limits.characters:
        message = f"The document may have {limits.characters} characters; send values as variables."
        raise InvalidDocument("DOCUMENT_LIMIT", [GraphQLError(message)])
    try:
        tree = parse(
            text, max_lexical_tokens=limits.tokens, max_comments=_COMMENTS, allow_empty_selection_sets=False
        )
    except GraphQLError as error:
        raise InvalidDocument("GRAPHQL_PARSE_FAILED", [error]) from None
    try:
        extent = check([each for each in tree.definitions if isinstance(each, Definition)], limits)
    except Excess as excess:
        raise InvalidDocument(excess.code, [GraphQLError(str(excess))]) from None
    if errors := _validate(schema, tree):
        raise InvalidDocument("GRAPHQL_VALIDATION_FAILED", errors, tree)
    return _document(tree, extent.fields)


def as_seen(invalid: InvalidDocument, visible: Callable[[], GraphQLSchema]) -> InvalidDocument:
    """The same in words of the schema that the caller is shown, which has nothing of what it may not ask for.

    Else messages would tell of a field whether it is there and of which type; tools make whole schemas of that.
    """
    errors = _validate(visible(), invalid.tree) if invalid.tree is not None else []
    return InvalidDocument(invalid.code, errors) if errors else invalid


def _validate(schema: GraphQLSchema, tree: DocumentNode) -> list[GraphQLError]:
    return validate(schema, tree, max_errors=ERRORS, hide_suggestions=True, allow_empty_selection_sets=False)


def _document(tree: DocumentNode, fields: int) -> Document:
    operations: dict[str | None, OperationDefinitionNode] = {}
    fragments: dict[str, FragmentDefinitionNode] = {}
    for definition in tree.definitions:
        if isinstance(definition, OperationDefinitionNode):
            operations[definition.name.value if definition.name else None] = definition
        elif isinstance(definition, FragmentDefinitionNode):
            fragments[definition.name.value] = definition
    sets = [each.selection_set for each in (*operations.values(), *fragments.values())]
    return Document(
        operations, fragments, frozenset(name for each in sets for name in _switches(each)), fields
    )


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
