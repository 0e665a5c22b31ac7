"""Operations: a hypothesis strategy for valid operations on any schema, with all that the executable language has.

An operation is read off a tape of random bytes, where 0 always is the simplest choice and an ended tape goes on with
zeros; so hypothesis shrinks a failing operation to a small one, and drawing one costs next to nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    OperationType,
    get_named_type,
    is_abstract_type,
)
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.engine.aliases import ALIAS_FEATURES, Aliases
from tests.engine.families import fields, overlapping
from tests.engine.values import VALUE_FEATURES, Hints, Tape, Values

LENGTH = 80
"""How many decisions are on a tape: enough for some twenty fields."""

FEATURES = (
    VALUE_FEATURES
    | ALIAS_FEATURES
    | {
        "fragment in fragment",
        "fragment of object type",
        "fragment of wider type",
        "fragment reused",
        "include literal",
        "include variable",
        "inline fragment",
        "inline fragment of object type",
        "inline fragment of wider type",
        "named fragment",
        "named operation",
        "selection merged",
        "skip and include",
        "skip literal",
        "skip variable",
        "typename",
    }
)
"""All that a drawn operation may have."""


@dataclass(frozen=True)
class Operation:
    """A document with one operation to run, its variables, and what it has of the language."""

    text: str
    variables: Mapping[str, Any]
    name: str | None
    features: frozenset[str]


@dataclass
class Draft:
    """An operation in the making; `fragments` has the type and the text of each by its name."""

    tape: Tape
    schema: GraphQLSchema
    hints: Hints
    fragments: dict[str, tuple[GraphQLNamedType, str]] = field(default_factory=dict)
    features: set[str] = field(default_factory=set)
    values: Values = field(init=False)
    aliases: Aliases = field(init=False)

    def __post_init__(self) -> None:
        self.values = Values(self.tape, self.hints, self.features)
        self.aliases = Aliases(self.tape, self.schema, self.features)

    def operation(self, kind: OperationType, depth: int) -> Operation:
        """The operation; its root has one field at least."""
        root = self.schema.get_root_type(kind)
        assert root is not None
        if kind is OperationType.SUBSCRIPTION:
            # One field is all that such a root may have.
            body = "{ " + self._field(root, depth, 0, [], composite=True) + " }"
        else:
            body = self._selection_set(root, depth, 0)
        name = "Asked" if self.tape.happens(20) else None
        definitions = ", ".join(each.text for each in self.values.definitions)
        head = f"{kind.value} {name or ''}{f'({definitions})' if definitions else ''} {body}"
        parts = [head, *(text for _, text in self.fragments.values())]
        if name is not None:
            self.features.add("named operation")
            parts.append("query Other { __typename }")
        assert self.features <= FEATURES
        return Operation("\n".join(parts), self.values.sent, name, frozenset(self.features))

    def _selection_set(self, kind: Any, depth: int, nested: int) -> str:
        heads: list[tuple[str, Any]] = []
        parts = [
            self._selection(kind, depth, nested, heads) for _ in range(self.tape.choose([1, 2, 3, 4, 5]))
        ]
        return "{ " + " ".join(parts) + " }"

    def _selection(self, kind: Any, depth: int, nested: int, heads: list[tuple[str, Any]]) -> str:
        choice = self.tape.choose("ffffooooomminst")
        if choice == "m" and heads and depth > 0:
            head, output = self.tape.choose(heads)
            self.features.add("selection merged")
            return f"{head}{self._directives()} {self._selection_set(output, depth - 1, nested)}"
        if choice == "i" and nested < 3:
            return self._inline(kind, depth, nested)
        if choice in "ns" and nested < 3:
            return self._spread(kind, depth, nested)
        if choice == "t":
            self.features.add("typename")
            return f"{self.aliases.alias(kind, '__typename', '', 'String!')}__typename{self._directives()}"
        return self._field(kind, depth, nested, heads, composite=choice in "om")

    def _field(
        self, kind: Any, depth: int, nested: int, heads: list[tuple[str, Any]], composite: bool
    ) -> str:
        leaves, objects = fields(kind)
        options = objects if depth > 0 and objects and (composite or not leaves) else leaves
        if not options:
            return "__typename"
        name, definition = self.tape.choose(options)
        head = self._head(kind, name, definition)
        if options is leaves:
            return head + self._directives()
        output = get_named_type(definition.type)
        heads.append((head, output))
        return f"{head}{self._directives()} {self._selection_set(output, depth - 1, nested)}"

    def _head(self, kind: Any, name: str, definition: GraphQLField) -> str:
        """The field with alias and arguments, such that equal keys mean equal fields."""
        repeated = self.aliases.repeated(kind, name)
        if repeated is not None:
            return repeated
        arguments = self.values.arguments(name, definition)
        return f"{self.aliases.alias(kind, name, arguments, str(definition.type))}{name}{arguments}"

    def _directives(self) -> str:
        if not self.tape.happens(14):
            return ""
        names = self.tape.choose([["skip"], ["include"], ["include"], ["include", "skip"]])
        if len(names) == 2:
            self.features.add("skip and include")
        return "".join(f" @{name}(if: {self._switch(name)})" for name in names)

    def _switch(self, name: str) -> str:
        if self.tape.happens(50):
            self.features.add(f"{name} variable")
            return self.values.variable(GraphQLNonNull(self.schema.type_map["Boolean"]), False, switch=True)
        self.features.add(f"{name} literal")
        return self.tape.choose(["false", "true"])

    def _inline(self, kind: Any, depth: int, nested: int) -> str:
        condition = self.tape.choose([None, *overlapping(self.schema, kind)])
        self.features.add("inline fragment")
        if condition is None:
            return f"...{self._directives()} {self._selection_set(kind, depth, nested + 1)}"
        wider = "wider" if is_abstract_type(condition) else "object"
        self.features.add(f"inline fragment of {wider} type")
        body = self._selection_set(condition, depth, nested + 1)
        return f"... on {condition.name}{self._directives()} {body}"

    def _spread(self, kind: Any, depth: int, nested: int) -> str:
        conditions = overlapping(self.schema, kind)
        usable = [name for name, (condition, _) in self.fragments.items() if condition in conditions]
        if usable and (self.tape.happens(50) or len(self.fragments) > 3):
            self.features.add("fragment reused")
            return f"...{self.tape.choose(usable)}{self._directives()}"
        if len(self.fragments) > 3:
            return self._inline(kind, depth, nested)
        condition = self.tape.choose(conditions)
        self.features.add("named fragment")
        if nested:
            self.features.add("fragment in fragment")
        self.features.add(f"fragment of {'wider' if is_abstract_type(condition) else 'object'} type")
        body = self._selection_set(condition, min(depth, 2), nested + 1)
        name = f"F{len(self.fragments)}"
        self.fragments[name] = (condition, f"fragment {name} on {condition.name} {body}")
        return f"...{name}{self._directives()}"


def read(
    data: bytes,
    schema: GraphQLSchema,
    hints: Hints,
    kind: OperationType = OperationType.QUERY,
    depth: int = 4,
) -> Operation:
    """The operation on a tape; most are valid, validation knows which."""
    return Draft(Tape(data), schema, hints).operation(kind, depth)


def operations(
    schema: GraphQLSchema,
    hints: Hints | None = None,
    *,
    kind: OperationType = OperationType.QUERY,
    depth: int = 4,
) -> st.SearchStrategy[Operation]:
    """Operations on a schema."""
    tapes = st.binary(min_size=LENGTH, max_size=LENGTH)
    return tapes.map(lambda data: read(data, schema, hints or {}, kind, depth))


EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "0"))


def thorough(examples: int) -> settings:
    """This many operations, the same in each run; or as many new ones as `ORACLE_EXAMPLES` says."""
    return settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
