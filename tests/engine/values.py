"""Values: arguments of drawn operations, as literals, as variables, and as literals with variables in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
)

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
    "Date": ["2017-12-31", "0001-01-01"],
    "DateTime": ["2017-03-01T12:00:00Z", "2017-03-01T12:00:00+03:00"],
    "JSON": [{}, None, [1], "x"],
}

VALUE_FEATURES = frozenset(
    {
        "argument",
        "argument null",
        "argument variable",
        "enum value",
        "input object",
        "list for one item",
        "list value",
        "variable absent",
        "variable bad",
        "variable default",
        "variable in value",
        "variable null",
        "variable reused",
    }
)
"""What arguments and variables may have."""


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


@dataclass(slots=True)
class Values:
    """The arguments of one operation in the making, with its variables.

    `definitions` are the variables, `sent` what is sent for them, `features` what of the language was used.
    """

    tape: Tape
    hints: Hints
    features: set[str]
    definitions: list[Variable] = field(default_factory=list)
    sent: dict[str, Any] = field(default_factory=dict)

    def arguments(self, field_name: str, definition: GraphQLField) -> str:
        """The arguments of a field, in brackets; the required ones and some others."""
        parts = []
        for name, argument in definition.args.items():
            has_default = argument.default is not None
            required = isinstance(argument.type, GraphQLNonNull) and not has_default
            if required or self.tape.happens(35):
                hints = self.hints.get(f"{field_name}.{name}") or self.hints.get(name)
                parts.append(f"{name}: {self._value(argument.type, has_default, hints)}")
        if parts:
            self.features.add("argument")
        return f"({', '.join(parts)})" if parts else ""

    def _value(self, kind: Any, has_default: bool = False, hints: Sequence[Any] | None = None) -> str:
        """A literal, in which there may be variables, or a variable."""
        if self.tape.happens(35):
            self.features.add("argument variable")
            return self.variable(kind, has_default, hints)
        if isinstance(kind, GraphQLNonNull):
            return self._literal(kind.of_type, hints)
        if self.tape.happens(10):
            self.features.add("argument null")
            return "null"
        return self._literal(kind, hints)

    def _literal(self, kind: Any, hints: Sequence[Any] | None) -> str:
        if isinstance(kind, GraphQLList):
            return self._list(kind, hints)
        if isinstance(kind, GraphQLInputObjectType):
            self.features.add("input object")
            return self._object(kind)
        if isinstance(kind, GraphQLEnumType):
            self.features.add("enum value")
        return printed(self.tape.choose(_leaves(kind, hints)), kind)

    def _list(self, kind: GraphQLList[Any], hints: Sequence[Any] | None) -> str:
        if self.tape.happens(20) and not isinstance(plain(kind.of_type), GraphQLList):
            self.features.add("list for one item")
            return self._literal(plain(kind.of_type), hints)
        self.features.add("list value")
        before = len(self.definitions)
        items = [self._value(kind.of_type, False, hints) for _ in range(self.tape.choose([0, 1, 2]))]
        if len(self.definitions) > before:
            self.features.add("variable in value")
        return f"[{', '.join(items)}]"

    def _object(self, kind: GraphQLInputObjectType) -> str:
        parts = []
        for name, each in kind.fields.items():
            has_default = each.default is not None
            if (isinstance(each.type, GraphQLNonNull) and not has_default) or self.tape.happens(35):
                parts.append(f"{name}: {self._value(each.type, has_default, self.hints.get(name))}")
        return "{" + ", ".join(parts) + "}"

    def variable(
        self, kind: Any, has_default: bool, hints: Sequence[Any] | None = None, switch: bool = False
    ) -> str:
        """A variable for a place of this type, defined in one of the ways that the place allows."""
        usable = [each for each in self.definitions if each.kind == f"{kind} {has_default} {switch}"]
        if usable and self.tape.happens(40):
            self.features.add("variable reused")
            return f"${self.tape.choose(usable).name}"
        inner = plain(kind)
        way = self.tape.choose(["exact", "default", "narrow", "exact"])
        name = f"v{len(self.definitions)}"
        text = f"${name}: {inner}!"
        nullable = False
        if way == "default":
            self.features.add("variable default")
            text = f"${name}: {inner} = {printed(self._json(inner, hints), inner)}"
            nullable = not switch
        elif way == "exact" and (has_default or inner is kind):
            text = f"${name}: {inner}"
            nullable = True
        self._send(name, inner, nullable, nullable or way == "default", hints)
        self.definitions.append(Variable(name, text, f"{kind} {has_default} {switch}"))
        return f"${name}"

    def _send(
        self, name: str, inner: Any, nullable: bool, optional: bool, hints: Sequence[Any] | None
    ) -> None:
        if optional and self.tape.happens(35):
            self.features.add("variable absent")
        elif nullable and self.tape.happens(20):
            self.features.add("variable null")
            self.sent[name] = None
        elif self.tape.happens(1):
            self.features.add("variable bad")
            self.sent[name] = {"no": ["such", "value"]}
        else:
            self.sent[name] = self._json(inner, hints)

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
    kind = plain(kind)
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


def plain(kind: Any) -> Any:
    """The type without its exclamation mark."""
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind
