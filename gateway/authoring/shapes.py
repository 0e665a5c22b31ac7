"""Shapes: what records are made of, as a connector declares it and as a partner sends it now.

A shape says of which types a value is, and what is in it: the members of an object, and what the items of a list have
in common. It is kept as JSON beside the connector, one for each dataset.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

TYPES = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "text"}


@dataclass(slots=True)
class Shape:
    """What values at one place are; `seen` counts them, a member that is seen less often is not always there."""

    types: set[str] = field(default_factory=set)
    members: dict[str, Shape] = field(default_factory=dict)
    items: Shape | None = None
    seen: int = 0
    optional: bool = False

    def add(self, value: Any) -> None:
        """Take one more value into account."""
        self.seen += 1
        if isinstance(value, Mapping):
            self.types.add("object")
            for name, member in value.items():
                self.members.setdefault(str(name), Shape()).add(member)
        elif isinstance(value, list | tuple):
            self.types.add("list")
            for item in value:
                self.items = self.items or Shape()
                self.items.add(item)
        else:
            self.types.add(TYPES.get(type(value), type(value).__name__))

    def settle(self, objects: int | None = None) -> Self:
        """Note which members were not always there."""
        self.optional = objects is not None and self.seen < objects
        for member in self.members.values():
            member.settle(self.seen)
        if self.items is not None:
            self.items.settle()
        return self

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        found: dict[str, Any] = {"types": sorted(self.types)}
        if self.optional:
            found["optional"] = True
        if self.members:
            found["members"] = {name: self.members[name].plain() for name in sorted(self.members)}
        if self.items is not None:
            found["items"] = self.items.plain()
        return found


def shape_of(records: Iterable[Any]) -> Shape:
    """What the records have in common."""
    found = Shape()
    for record in records:
        found.add(record)
    return found.settle()


def read_shape(plain: Mapping[str, Any]) -> Shape:
    """A shape out of JSON."""
    items = plain.get("items")
    return Shape(
        set(plain["types"]),
        {name: read_shape(member) for name, member in plain.get("members", {}).items()},
        read_shape(items) if items is not None else None,
        optional=plain.get("optional", False),
    )


def differences(declared: Shape, found: Shape, path: str = "") -> Iterator[str]:
    """What is not as declared, each in words that name places and types and no value."""
    if extra := sorted(found.types - declared.types):
        yield f"{path or 'record'}: {' or '.join(extra)}, declared as {' or '.join(sorted(declared.types))}"
    for name in sorted(declared.members.keys() | found.members.keys()):
        place = f"{path}.{name}" if path else name
        known, now = declared.members.get(name), found.members.get(name)
        if known is None and now is not None:
            yield f"{place}: new, {' or '.join(sorted(now.types))}"
        elif known is not None and now is not None:
            if now.optional and not known.optional:
                yield f"{place}: not always there any more"
            yield from differences(known, now, place)
        elif known is not None and not known.optional and "object" in found.types:
            yield f"{place}: gone"
    if declared.items is not None and found.items is not None:
        yield from differences(declared.items, found.items, f"{path}[]")
