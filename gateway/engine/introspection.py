"""Introspection: `__schema` and `__type`, answered by graphql-core from the schema that the caller may see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableDefinitionNode,
    execute_sync,
    is_abstract_type,
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
        # In a thread, for it takes longer than all else that is done at one go.
        result = await asyncio.to_thread(self._answer, run.inputs)
        run.errors += result.errors or ()
        found = (result.data or {}).get(self.key)
        if found is None and self.required:
            run.failures += 1
            return [FAILED]
        return [found]

    def _answer(self, inputs: Mapping[str, Any]) -> ExecutionResult:
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
        return execute_sync(schema, document, variable_values=dict(inputs))


def extent(
    nodes: Sequence[FieldNode], fragments: Sequence[FragmentDefinitionNode], schema: GraphQLSchema
) -> int:
    """About how many values these fields of introspection give; spelled out, a document is known to be small by now.

    Lists are taken to be as long as they are on average, but for those of a single type as long as the longest.
    """
    average, longest = _lengths(schema)
    spread = {each.name.value: each for each in fragments}
    found = 0.0
    pending: list[tuple[Any, float, bool]] = [(node, 1.0, False) for node in nodes]
    while pending:
        node, times, listed = pending.pop()
        if isinstance(node, FieldNode):
            found += times
            name = node.name.value
            times *= (average if listed else longest).get(name, 1.0)
            listed = listed or name in average
        inner = spread[node.name.value] if isinstance(node, FragmentSpreadNode) else node
        if inner.selection_set:
            pending += [(each, times, listed) for each in inner.selection_set.selections]
    return round(found)


def most(schema: GraphQLSchema) -> int:
    """The values that introspection may give: some three times those of the query that all tools send."""
    average, _ = _lengths(schema)
    return round(average["types"] * 1_000)


@lru_cache(maxsize=16)
def _lengths(schema: GraphQLSchema) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """How long the lists of introspection are on average, and at most."""
    kinds = list(schema.type_map.values())
    fields = [each for kind in kinds for each in getattr(kind, "fields", {}).values()]
    members = {
        "fields": [len(getattr(kind, "fields", ())) for kind in kinds],
        "inputFields": [len(getattr(kind, "fields", ())) for kind in kinds],
        "enumValues": [len(getattr(kind, "values", ())) for kind in kinds],
        "interfaces": [len(getattr(kind, "interfaces", ())) for kind in kinds],
        "possibleTypes": [len(schema.get_possible_types(kind)) for kind in kinds if is_abstract_type(kind)],
        "args": [len(getattr(each, "args", ())) for each in fields],
        "types": [len(kinds)],
        "directives": [len(schema.directives)],
    }
    average = {name: sum(each) / max(len(each), 1) for name, each in members.items()}
    return average, {name: float(max(each, default=0)) for name, each in members.items()}
