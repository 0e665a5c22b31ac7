"""The oracle: an operation under the engine and under graphql-core, and what must be equal.

Data must be the same text, keys in the same order. Where a null went up from a field that may not be null, the
specification lets an executor report any of the errors below; so errors are compared twice. graphql-core also runs
each operation with error propagation switched off, and then reports all errors there are: those the engine must
report, no more and no fewer. And each error that graphql-core reports in an ordinary run must be among them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
    parse,
)

from gateway.engine.documents import InvalidDocument
from gateway.engine.engine import Engine
from gateway.engine.limits import Limits
from gateway.engine.plan import View
from gateway.engine.run import Reach, Result
from tests.engine.operations import Operation
from tests.reference import Reference

LIMITS = Limits(tokens=20_000, depth=60, fields=100_000)

_SHOW_ALL = DirectiveNode(name=NameNode(value="experimental_disableErrorPropagation"), arguments=())

_OWN_WORDS = [
    # What the gateway masks anyway is told in words of its own where graphql-core's tell less or more.
    (re.compile(r"^(Abstract type|Runtime Object type).*", re.S), "no such type here"),
    (re.compile(r"gave \d+ values for \d+ parents"), "gave too many or too few"),
    (
        re.compile(r"^(Expected `.*` to return non-nullable value|the serializer of ).*", re.S),
        "serialized to null",
    ),
]


@dataclass
class Oracle:
    """An engine and a reference over the same schema."""

    view: View
    reference: Reference
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = Engine(self.view.schema, LIMITS, size=20)

    async def answer(self, operation: Operation, reach: Reach) -> Result:
        """The engine's answer. Raises `InvalidDocument` for an operation that is not valid."""
        try:
            prepared = self.engine.prepare(self.view, operation.text, operation.variables, operation.name)
        except InvalidDocument as invalid:
            if invalid.code == "GRAPHQL_VALIDATION_FAILED":
                raise
            return Result(None, invalid.errors, 0, 0)
        return await prepared.run(reach, 60)

    async def expected(
        self, operation: Operation, reach: Reach, *, all_errors: bool = False
    ) -> ExecutionResult:
        """The reference's answer, with the errors that it reports or with all that there are."""
        tree = parse(operation.text)
        if all_errors:
            tree = _without_propagation(tree)
        return await self.reference.run(tree, reach, operation.variables, operation.name)

    async def compare(self, operation: Operation, reach: Reach) -> None:
        """Hold the engine's answer to the reference's."""
        result = await self.answer(operation, reach)
        expected = await self.expected(operation, reach)
        assert written(result.data) == written(expected.data)
        assert set(told(expected.errors)) <= set(told(result.errors))
        if expected.errors:
            expected = await self.expected(operation, reach, all_errors=True)
        assert told(result.errors) == told(expected.errors)
        # A plan that is used again gives the same answer.
        again = await self.answer(operation, reach)
        assert written(again.data) == written(result.data)
        assert told(again.errors) == told(result.errors)

    async def compare_streams(self, operation: Operation, reach: Reach) -> int:
        """Hold the engine's results of a subscription to the reference's, one by one; how many there were."""
        ours = await self.results(operation, reach)
        theirs = await self.expected_results(operation, reach)
        everything = await self.expected_results(operation, reach, all_errors=True)
        assert len(ours) == len(theirs) == len(everything)
        for result, expected, shown in zip(ours, theirs, everything, strict=True):
            assert written(result.data) == written(expected.data)
            assert set(told(expected.errors)) <= set(told(result.errors))
            assert told(result.errors) == told(shown.errors if expected.errors else [])
        return len(ours)

    async def results(self, operation: Operation, reach: Reach) -> list[Result]:
        """All results of a subscription. Raises `InvalidDocument` for one that is not valid."""
        try:
            prepared = self.engine.prepare(self.view, operation.text, operation.variables, operation.name)
        except InvalidDocument as invalid:
            if invalid.code == "GRAPHQL_VALIDATION_FAILED":
                raise
            return [Result(None, invalid.errors, 0)]
        return [result async for result in prepared.stream(reach, 60)]

    async def expected_results(
        self, operation: Operation, reach: Reach, *, all_errors: bool = False
    ) -> list[ExecutionResult]:
        """All results of the reference; where the source fails, the last one says so."""
        tree = parse(operation.text)
        if all_errors:
            tree = _without_propagation(tree)
        found: list[ExecutionResult] = []
        try:
            async for each in self.reference.subscribe(tree, reach, operation.variables, operation.name):
                found.append(each)
        except GraphQLError:
            raise
        except Exception as error:
            found.append(ExecutionResult(None, [GraphQLError(str(error), path=_root(tree))]))
        return found


def _root(tree: DocumentNode) -> list[str | int]:
    """The path of a subscription's one field."""
    for each in tree.definitions:
        if isinstance(each, OperationDefinitionNode) and each.operation is OperationType.SUBSCRIPTION:
            [field] = each.selection_set.selections
            assert isinstance(field, FieldNode)
            return [(field.alias or field.name).value]
    raise AssertionError("no subscription")


def written(data: Mapping[str, Any] | None) -> str:
    """An answer's data as JSON, keys in their order."""
    return json.dumps(data, indent=1)


def told(errors: Sequence[GraphQLError] | None) -> list[tuple[str, str]]:
    """Where the errors are and what they say, in an order of their own."""
    return sorted((json.dumps(each.path), _in_our_words(each.message)) for each in errors or ())


def _in_our_words(message: str) -> str:
    for pattern, words in _OWN_WORDS:
        message = pattern.sub(words, message)
    return message


def _without_propagation(tree: DocumentNode) -> DocumentNode:
    """The document with operations in which an error stays where it is, even where null may not be."""
    definitions = tuple(
        OperationDefinitionNode(
            operation=each.operation,
            name=each.name,
            variable_definitions=each.variable_definitions,
            directives=(*(each.directives or ()), _SHOW_ALL),
            selection_set=each.selection_set,
        )
        if isinstance(each, OperationDefinitionNode)
        else each
        for each in tree.definitions
    )
    return DocumentNode(definitions=definitions)


def locked(reference: Reference, view: View) -> Reference:
    """The reference with resolvers that refuse, one by one, what the view locks."""
    for kind in reference.schema.type_map.values():
        if isinstance(kind, GraphQLInterfaceType):
            kind.resolve_type = _only_visible(kind.resolve_type, view)
        elif isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, each in kind.fields.items():
                error = view.locks(kind.name, name) or view.locks(get_named_type(each.type).name, None)
                if error is not None:
                    each.resolve = _refuse(error)
    return reference


def _refuse(error: GraphQLError) -> Callable[..., Any]:
    def resolve(*_: Any, **__: Any) -> Any:
        raise error

    return resolve


def _only_visible(resolve_type: Any, view: View) -> Callable[..., str]:
    def resolve(*arguments: Any) -> str:
        name: str = resolve_type(*arguments)
        error = view.locks(name, None) if isinstance(name, str) else None
        if error is not None:
            raise error
        return name

    return resolve
