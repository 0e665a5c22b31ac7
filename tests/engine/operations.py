"""Operations: a hypothesis strategy for valid operations on any schema, with all that the executable language has.

An operation is read off a tape of random bytes, where 0 always is the simplest choice and an ended tape goes on with
zeros; so hypothesis shrinks a failing operation to a small one, and drawing one costs next to nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    OperationType,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_interface_type,
    is_leaf_type,
)
from graphql.utilities import do_types_overlap
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

Hints = Mapping[str, Sequence[Any]]
"""Values for arguments by name, where any value of the type will hardly do: ids that exist, page sizes."""

VALUES: Hints = {
    "Int": [1, 2, 5, 0, -1],
    "Float": [1.5, 2, -0.25],
    "String": ["x", "", 'quo"te', "Ünï"],
    "Boolean": [True, False],
    "ID": ["7", "a", 3],
    "Weight": [1, 2**40],
    "BigInt": [1, 2**60],
    "DateTime": ["2017-03-01T12:00:00Z", "2017-03-01T12:00:00+03:00"],
}

LENGTH = 80
"""How many decisions are on a tape: enough for some twenty fields."""

FEATURES = frozenset(
    {
        "alias",
        "argument",
        "argument null",
        "argument variable",
        "enum value",
        "fragment in fragment",
        "fragment of object type",
        "fragment of wider type",
        "fragment reused",
        "include literal",
        "include variable",
        "inline fragment",
        "inline fragment of object type",
        "inline fragment of wider type",
        "input object",
        "key of several fields",
        "key repeated",
        "list for one item",
        "list value",
        "named fragment",
        "named operation",
        "selection merged",
        "skip and include",
        "skip literal",
        "skip variable",
        "typename",
        "variable absent",
        "variable bad",
        "variable default",
        "variable in value",
        "variable null",
        "variable reused",
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


class Tape:
    """Random bytes as decisions."""

    def __init__(self, data: bytes) -> None:
        self._bytes = iter(data)

    def choose(self, options: Sequence[Any]) -> Any:
        """One of them; the first is the simplest."""
        return options[next(self._bytes, 0) % len(options)]

    def happens(self, percent: int) -> bool:
        """Whether something happens that simple operations do without."""
        return next(self._bytes, 0) >= 256 - percent * 2.56


@dataclass(slots=True)
class Variable:
    """A variable's definition as text, and the type it was made for."""

    name: str
    text: str
    kind: str


@dataclass
class Draft:
    """An operation in the making.

    `meanings` has, per family of types and response key, what the key stands for, so that fields which meet can be
    merged.
    """

    tape: Tape
    schema: GraphQLSchema
    hints: Hints
    meanings: dict[tuple[str, str], tuple[str, str, str]] = field(default_factory=dict)
    variables: list[Variable] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    fragments: dict[str, tuple[GraphQLNamedType, str]] = field(default_factory=dict)
    features: set[str] = field(default_factory=set)
    made: int = 0

    def operation(self, kind: OperationType, depth: int) -> Operation:
        """The operation; its root has one field at least."""
        root = self.schema.get_root_type(kind)
        assert root is not None
        body = self._selection_set(root, depth, 0)
        name = "Asked" if self.tape.happens(20) else None
        definitions = ", ".join(each.text for each in self.variables)
        head = f"{kind.value} {name or ''}{f'({definitions})' if definitions else ''} {body}"
        parts = [head, *(text for _, text in self.fragments.values())]
        if name is not None:
            self._has("named operation")
            parts.append("query Other { __typename }")
        return Operation("\n".join(parts), self.values, name, frozenset(self.features))

    def _has(self, feature: str) -> None:
        assert feature in FEATURES, feature
        self.features.add(feature)

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
            self._has("selection merged")
            return f"{head}{self._directives()} {self._selection_set(output, depth - 1, nested)}"
        if choice == "i" and nested < 3:
            return self._inline(kind, depth, nested)
        if choice in "ns" and nested < 3:
            return self._spread(kind, depth, nested)
        if choice == "t":
            self._has("typename")
            return f"{self._key(kind, '__typename', '', 'String!')}__typename{self._directives()}"
        return self._field(kind, depth, nested, heads, composite=choice in "om")

    def _field(
        self, kind: Any, depth: int, nested: int, heads: list[tuple[str, Any]], composite: bool
    ) -> str:
        leaves, objects = _fields(kind)
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
        output = str(definition.type)
        known = [
            (key, arguments)
            for (family, key), (other, arguments, _) in self.meanings.items()
            if family == _family(self.schema, kind) and other == name
        ]
        if known and self.tape.happens(50):
            key, arguments = self.tape.choose(known)
            self._has("key repeated")
            return f"{name if key == name else f'{key}: {name}'}{arguments}"
        arguments = self._arguments(name, definition)
        return f"{self._key(kind, name, arguments, output)}{name}{arguments}"

    def _key(self, kind: Any, name: str, arguments: str, output: str) -> str:
        """The alias, as text before the field; none where the name itself is free."""
        family = _family(self.schema, kind)
        meaning = (name, arguments, output)
        shared = [
            key
            for (other, key), (_, _, shape) in self.meanings.items()
            if other == family and shape == output and not kind_has(kind, key)
        ]
        if is_leaf_type(_leaf(self.schema, output)) and shared and self.tape.happens(10):
            # Another field under the same key: allowed where no object has both, which validation decides.
            self._has("key of several fields")
            return f"{self.tape.choose(shared)}: "
        key = name if not self.tape.happens(25) else self.tape.choose(["a", "b", "id", "z_9", "_"])
        while self.meanings.get((family, key), meaning) != meaning or (key != name and kind_has(kind, key)):
            self.made += 1
            key = f"{name.strip('_')}{self.made}"
        self.meanings[family, key] = meaning
        if key == name:
            return ""
        self._has("alias")
        return f"{key}: "

    def _directives(self) -> str:
        if not self.tape.happens(14):
            return ""
        names = self.tape.choose([["skip"], ["include"], ["include"], ["include", "skip"]])
        if len(names) == 2:
            self._has("skip and include")
        return "".join(f" @{name}(if: {self._switch(name)})" for name in names)

    def _switch(self, name: str) -> str:
        if self.tape.happens(50):
            self._has(f"{name} variable")
            return self._variable(GraphQLNonNull(self.schema.type_map["Boolean"]), False, switch=True)
        self._has(f"{name} literal")
        return self.tape.choose(["false", "true"])

    def _inline(self, kind: Any, depth: int, nested: int) -> str:
        condition = self.tape.choose([None, *_overlapping(self.schema, kind)])
        self._has("inline fragment")
        if condition is None:
            return f"...{self._directives()} {self._selection_set(kind, depth, nested + 1)}"
        wider = "wider" if is_abstract_type(condition) else "object"
        self._has(f"inline fragment of {wider} type")
        body = self._selection_set(condition, depth, nested + 1)
        return f"... on {condition.name}{self._directives()} {body}"

    def _spread(self, kind: Any, depth: int, nested: int) -> str:
        overlapping = _overlapping(self.schema, kind)
        usable = [name for name, (condition, _) in self.fragments.items() if condition in overlapping]
        if usable and (self.tape.happens(50) or len(self.fragments) > 3):
            self._has("fragment reused")
            return f"...{self.tape.choose(usable)}{self._directives()}"
        if len(self.fragments) > 3:
            return self._inline(kind, depth, nested)
        condition = self.tape.choose(overlapping)
        self._has("named fragment")
        if nested:
            self._has("fragment in fragment")
        self._has(f"fragment of {'wider' if is_abstract_type(condition) else 'object'} type")
        body = self._selection_set(condition, min(depth, 2), nested + 1)
        name = f"F{len(self.fragments)}"
        self.fragments[name] = (condition, f"fragment {name} on {condition.name} {body}")
        return f"...{name}{self._directives()}"

    def _arguments(self, field_name: str, definition: GraphQLField) -> str:
        parts = []
        for name, argument in definition.args.items():
            has_default = argument.default is not None
            required = isinstance(argument.type, GraphQLNonNull) and not has_default
            if required or self.tape.happens(35):
                hints = self.hints.get(f"{field_name}.{name}") or self.hints.get(name)
                parts.append(f"{name}: {self._value(argument.type, has_default, hints)}")
        if parts:
            self._has("argument")
        return f"({', '.join(parts)})" if parts else ""

    def _value(self, kind: Any, has_default: bool = False, hints: Sequence[Any] | None = None) -> str:
        """A literal, in which there may be variables, or a variable."""
        if self.tape.happens(35):
            self._has("argument variable")
            return self._variable(kind, has_default, hints)
        if isinstance(kind, GraphQLNonNull):
            return self._literal(kind.of_type, hints)
        if self.tape.happens(10):
            self._has("argument null")
            return "null"
        return self._literal(kind, hints)

    def _literal(self, kind: Any, hints: Sequence[Any] | None) -> str:
        if isinstance(kind, GraphQLList):
            return self._list(kind, hints)
        if isinstance(kind, GraphQLInputObjectType):
            self._has("input object")
            return self._object(kind)
        if isinstance(kind, GraphQLEnumType):
            self._has("enum value")
        return printed(self.tape.choose(_leaves(kind, hints)), kind)

    def _list(self, kind: GraphQLList[Any], hints: Sequence[Any] | None) -> str:
        if self.tape.happens(20) and not isinstance(_nullable(kind.of_type), GraphQLList):
            self._has("list for one item")
            return self._literal(_nullable(kind.of_type), hints)
        self._has("list value")
        before = len(self.variables)
        items = [self._value(kind.of_type, False, hints) for _ in range(self.tape.choose([0, 1, 2]))]
        if len(self.variables) > before:
            self._has("variable in value")
        return f"[{', '.join(items)}]"

    def _object(self, kind: GraphQLInputObjectType) -> str:
        parts = []
        for name, each in kind.fields.items():
            has_default = each.default is not None
            if (isinstance(each.type, GraphQLNonNull) and not has_default) or self.tape.happens(35):
                parts.append(f"{name}: {self._value(each.type, has_default, self.hints.get(name))}")
        return "{" + ", ".join(parts) + "}"

    def _variable(
        self, kind: Any, has_default: bool, hints: Sequence[Any] | None = None, switch: bool = False
    ) -> str:
        """A variable for a place of this type, defined in one of the ways that the place allows."""
        usable = [each for each in self.variables if each.kind == f"{kind} {has_default} {switch}"]
        if usable and self.tape.happens(40):
            self._has("variable reused")
            return f"${self.tape.choose(usable).name}"
        inner = _nullable(kind)
        way = self.tape.choose(["exact", "default", "narrow", "exact"])
        name = f"v{len(self.variables)}"
        text = f"${name}: {inner}!"
        nullable = False
        if way == "default":
            self._has("variable default")
            text = f"${name}: {inner} = {printed(self._json(inner, hints), inner)}"
            nullable = not switch
        elif way == "exact" and (has_default or inner is kind):
            text = f"${name}: {inner}"
            nullable = True
        self._send(name, inner, nullable, nullable or way == "default", hints)
        self.variables.append(Variable(name, text, f"{kind} {has_default} {switch}"))
        return f"${name}"

    def _send(
        self, name: str, inner: Any, nullable: bool, optional: bool, hints: Sequence[Any] | None
    ) -> None:
        if optional and self.tape.happens(35):
            self._has("variable absent")
        elif nullable and self.tape.happens(20):
            self._has("variable null")
            self.values[name] = None
        elif self.tape.happens(1):
            self._has("variable bad")
            self.values[name] = {"no": ["such", "value"]}
        else:
            self.values[name] = self._json(inner, hints)

    def _json(self, kind: Any, hints: Sequence[Any] | None) -> Any:
        if isinstance(kind, GraphQLNonNull):
            return self._json(kind.of_type, hints)
        if isinstance(kind, GraphQLList):
            if self.tape.happens(20):
                return self._json(kind.of_type, hints)
            return [self._json(kind.of_type, hints) for _ in range(self.tape.choose([0, 1, 2]))]
        if isinstance(kind, GraphQLInputObjectType):
            return {
                name: self._json(each.type, self.hints.get(name))
                for name, each in kind.fields.items()
                if isinstance(each.type, GraphQLNonNull) or self.tape.happens(30)
            }
        return self.tape.choose(_leaves(kind, hints))


def printed(value: Any, kind: Any) -> str:
    """A JSON value as a literal."""
    kind = _nullable(kind)
    if isinstance(kind, GraphQLList):
        items = value if isinstance(value, list) else None
        if items is None:
            return printed(value, kind.of_type)
        return f"[{', '.join(printed(item, kind.of_type) for item in items)}]"
    if isinstance(kind, GraphQLInputObjectType):
        inner = [f"{name}: {printed(each, kind.fields[name].type)}" for name, each in value.items()]
        return "{" + ", ".join(inner) + "}"
    if isinstance(kind, GraphQLEnumType):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _leaves(kind: Any, hints: Sequence[Any] | None) -> Sequence[Any]:
    if isinstance(kind, GraphQLEnumType):
        return list(kind.values)
    return hints or VALUES[kind.name]


def _nullable(kind: Any) -> Any:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def kind_has(kind: Any, name: str) -> bool:
    """Whether a type has a field of this name, which then is no good alias."""
    return name in kind.fields


def _leaf(schema: GraphQLSchema, output: str) -> Any:
    return schema.type_map[output.strip("[]!")]


@cache
def _fields(kind: Any) -> tuple[list[tuple[str, GraphQLField]], list[tuple[str, GraphQLField]]]:
    both: tuple[list[tuple[str, GraphQLField]], list[tuple[str, GraphQLField]]] = ([], [])
    for name, each in kind.fields.items():
        both[is_composite_type(get_named_type(each.type))].append((name, each))
    return both


@cache
def _overlapping(schema: GraphQLSchema, kind: Any) -> list[Any]:
    found = [
        each
        for each in schema.type_map.values()
        if is_composite_type(each) and not each.name.startswith("__") and do_types_overlap(schema, kind, each)
    ]
    return sorted(found, key=lambda each: (is_interface_type(each), each.name))


@cache
def _family(schema: GraphQLSchema, kind: Any) -> str:
    """The name of all types that can meet in one object, directly or over others."""
    seen: set[str] = set()
    pending = [kind]
    while pending:
        each = pending.pop()
        if each.name not in seen:
            seen.add(each.name)
            pending += _overlapping(schema, each)
    return min(seen)


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
