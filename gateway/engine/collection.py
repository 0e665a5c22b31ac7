"""Collection: the fields that a document asks of an object type, with its fragments spread and its switches settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    is_abstract_type,
)

from gateway.engine.documents import InvalidDocument, conditions


@dataclass(frozen=True, slots=True)
class Collection:
    """CollectFields (GraphQL spec, 6.3.2); `switches` has the values of the variables that `@skip` and `@include` read.

    Each of its methods raises `InvalidDocument` where one of those that decide is null.
    """

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    switches: Mapping[str, bool]

    def fields(
        self, kind: GraphQLObjectType, sets: Sequence[SelectionSetNode]
    ) -> Mapping[str, list[FieldNode]]:
        """What is asked of a type, by response key."""
        grouped: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for selection_set in sets:
            self._collect(kind, selection_set, grouped, seen)
        return grouped

    def names(self, kind: str, sets: Sequence[SelectionSetNode]) -> bool:
        """Whether a fragment among these selections is on just this type."""
        for selection in (each for one in sets for each in one.selections if self._included(each)):
            if isinstance(selection, FieldNode):
                continue
            fragment: Any = selection
            if isinstance(selection, FragmentSpreadNode):
                fragment = self.fragments[selection.name.value]
            condition = fragment.type_condition
            if condition is not None and condition.name.value == kind:
                return True
            if self.names(kind, [fragment.selection_set]):
                return True
        return False

    def _collect(
        self,
        kind: GraphQLObjectType,
        selection_set: SelectionSetNode,
        grouped: dict[str, list[FieldNode]],
        seen: set[str],
    ) -> None:
        for selection in selection_set.selections:
            if not self._included(selection):
                continue
            if isinstance(selection, FieldNode):
                key = (selection.alias or selection.name).value
                grouped.setdefault(key, []).append(selection)
                continue
            fragment: Any = selection
            if isinstance(selection, FragmentSpreadNode):
                if selection.name.value in seen:
                    continue
                seen.add(selection.name.value)
                fragment = self.fragments[selection.name.value]
            if self._applies(kind, fragment):
                self._collect(kind, fragment.selection_set, grouped, seen)

    def _included(self, selection: SelectionNode) -> bool:
        return all(
            self._switch(name, value) is (name == "include") for name, value in conditions(selection).items()
        )

    def _switch(self, name: str, value: BooleanValueNode | VariableNode) -> bool:
        if isinstance(value, BooleanValueNode):
            return value.value
        found = self.switches.get(value.name.value)
        if found is None:
            message = f"Variable '${value.name.value}' is null, where @{name} needs true or false."
            raise InvalidDocument("BAD_USER_INPUT", [GraphQLError(message, value)])
        return found

    def _applies(self, kind: GraphQLObjectType, fragment: Any) -> bool:
        condition = fragment.type_condition
        if condition is None or condition.name.value == kind.name:
            return True
        wider = self.schema.get_type(condition.name.value)
        return is_abstract_type(wider) and self.schema.is_sub_type(wider, kind)
