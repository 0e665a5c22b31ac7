"""Introspection: `__schema` and `__type`, answered by graphql-core from the schema that the caller may see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableDefinitionNode,
    execute_sync,
    type_from_ast,
)

from gateway.engine.completion import FAILED
from gateway.engine.selection import Field


class Never:
    """The completer of a field that brings its column ready-made."""

    waits = False

    async def complete(self, run: Any, values: Any, place: Any, required: bool) -> Any:
        """See `Completer`."""
        raise TypeError("nothing to complete")


@dataclass(slots=True)
class Introspection(Field):
    """A field of introspection; `nodes`, `fragments` and `defined` variables are those of its operation."""

    nodes: Sequence[FieldNode] = ()
    fragments: Sequence[FragmentDefinitionNode] = ()
    defined: Sequence[VariableDefinitionNode] = ()
    schema: Callable[[], GraphQLSchema] | None = field(default=None)

    async def column(self, run: Any, parents: Sequence[Any], place: Any) -> Sequence[Any]:
        """See `Field`."""
        assert self.schema is not None
        schema = self.schema()
        operation = OperationDefinitionNode(
            operation=OperationType.QUERY,
            # Introspection takes no variables but of types that the caller sees.
            variable_definitions=tuple(
                each for each in self.defined if type_from_ast(schema, each.type) is not None
            ),
            selection_set=SelectionSetNode(selections=tuple(self.nodes)),
        )
        document = DocumentNode(definitions=(operation, *self.fragments))
        result = execute_sync(schema, document, variable_values=run.inputs)
        run.errors += result.errors or ()
        found = (result.data or {}).get(self.key)
        if found is None and self.required:
            run.failures += 1
            return [FAILED]
        return [found]
