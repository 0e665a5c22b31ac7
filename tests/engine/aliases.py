"""Aliases: the response keys of one operation in the making, chosen so that fields which meet can be merged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLSchema, is_leaf_type

from tests.engine.families import family
from tests.engine.values import Tape

ALIAS_FEATURES = frozenset({"alias", "key of several fields", "key repeated"})
"""What response keys may have."""


@dataclass(slots=True)
class Aliases:
    """What each response key stands for.

    `meanings` has, per family of types and key, the field's name, its arguments and its type.
    """

    tape: Tape
    schema: GraphQLSchema
    features: set[str]
    meanings: dict[tuple[str, str], tuple[str, str, str]] = field(default_factory=dict)
    made: int = 0

    def repeated(self, kind: Any, name: str) -> str | None:
        """A field of this name as it already stands in the operation, or None to make it anew."""
        known = [
            (key, arguments)
            for (each, key), (other, arguments, _) in self.meanings.items()
            if each == family(self.schema, kind) and other == name
        ]
        if not known or not self.tape.happens(50):
            return None
        key, arguments = self.tape.choose(known)
        self.features.add("key repeated")
        return f"{name if key == name else f'{key}: {name}'}{arguments}"

    def alias(self, kind: Any, name: str, arguments: str, output: str) -> str:
        """The alias, as text before the field; none where the name itself is free."""
        among = family(self.schema, kind)
        meaning = (name, arguments, output)
        shared = [
            key
            for (other, key), (_, _, shape) in self.meanings.items()
            if other == among and shape == output and key not in kind.fields
        ]
        if shared and is_leaf_type(self.schema.type_map[output.strip("[]!")]) and self.tape.happens(10):
            # Another field under the same key: allowed where no object has both, which validation decides.
            self.features.add("key of several fields")
            return f"{self.tape.choose(shared)}: "
        key = name if not self.tape.happens(25) else self.tape.choose(["a", "b", "id", "z_9", "_"])
        while self.meanings.get((among, key), meaning) != meaning or (key != name and key in kind.fields):
            self.made += 1
            key = f"{name.strip('_')}{self.made}"
        self.meanings[among, key] = meaning
        if key == name:
            return ""
        self.features.add("alias")
        return f"{key}: "
