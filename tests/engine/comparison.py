"""The oracle: an operation under the engine and under graphql-core, and what must be equal.

Data must be the same text, keys in the same order. Where a null went up from a field that may not be null, the
specification lets an executor report any of the errors below; so errors are compared twice. graphql-core also runs
each operation with error propagation switched off, and then reports all errors there are: those the engine must
report, no more and no fewer. And each error that graphql-core reports in an ordinary run must be among them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    NameNode,
    OperationDefinitionNode,
    parse,
)

from gateway.engine.documents import InvalidDocument, Limits
from gateway.engine.engine import Engine
from gateway.engine.plan import View
from gateway.engine.run import Reach, Result
from tests.engine.operations import Operation
from tests.reference import Reference

LIMITS = Limits(tokens=20_000, depth=60)

_SHOW_ALL = DirectiveNode(name=NameNode(value="experimental_disableErrorPropagation"), arguments=())

_OWN_WORDS = [
    # What the gateway masks anyway is told in words of its own where graphql-core's tell less or more.
    (re.compile(r"^(Abstract type|Runtime Object type|unhashable type).*", re.S), "no such type here"),
    (re.compile(r"gave \d+ values for \d+ parents"), "gave too many or too few"),
    (re.compile(r"^(Expected `.*` to return non-nullable value|the serializer of ).*", re.S), "serialized to null"),
]


@dataclass
class Oracle:
    """An engine and a reference over the same schema."""

    view: View
    reference: Reference
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = Engine(self.view.schema, LIMITS)

    async def compare(self, operation: Operation, reach: Reach) -> Result:
        """The engine's answer to a valid operation. Raises AssertionError where the reference's is another."""
        tree = parse(operation.text)
        expected = await self.reference.run(tree, reach, operation.variables, operation.name)
        try:
            prepared = self.engine.prepare(self.view, operation.text, operation.variables, operation.name)
        except InvalidDocument as invalid:
            if invalid.code == "GRAPHQL_VALIDATION_FAILED":
                raise
            assert expected.data is None
            assert told(invalid.errors) == told(expected.errors or [])
            return Result(None, invalid.errors)
        result = await prepared.run(reach, 60)
        assert text(result.data) == text(expected.data)
        complete = await self.reference.run(
            without_propagation(tree), reach, operation.variables, operation.name
        )
        assert told(result.errors) == told(complete.errors or [])
        assert set(told(expected.errors or [])) <= set(told(result.errors))
        await self._compare_repeated(operation, reach, result)
        return result

    async def _compare_repeated(self, operation: Operation, reach: Reach, first: Result) -> None:
        """A plan that is used again gives the same answer."""
        prepared = self.engine.prepare(self.view, operation.text, operation.variables, operation.name)
        again = await prepared.run(reach, 60)
        assert text(again.data) == text(first.data)
        assert told(again.errors) == told(first.errors)


def text(data: Mapping[str, Any] | None) -> str:
    """An answer's data as JSON, keys in their order."""
    return json.dumps(data, indent=1)


def told(errors: list[GraphQLError]) -> list[tuple[str, str]]:
    """Where the errors are and what they say, in an order of their own."""
    return sorted((json.dumps(each.path), _in_our_words(each.message)) for each in errors)


def _in_our_words(message: str) -> str:
    for pattern, words in _OWN_WORDS:
        message = pattern.sub(words, message)
    return message


def without_propagation(tree: DocumentNode) -> DocumentNode:
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
