"""Limits: how large a document may be, with every fragment spelled out, though each is looked at once.

What a document costs to validate grows with its fields, and with the square of those that share a name at one place; so
it is measured, in time that grows with its text alone, before anything else looks at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may have.

    `characters` and lexical `tokens` are of its text, `definitions` its operations and fragments. Levels (`depth`),
    `fields`, `aliases`, `directives`, `literals` (values written as arguments) and `variables` are of all operations
    together, with their fragments spelled out; `stacked` are directives at one place. `repeats` are pairs of fields
    that share a name at one place and so must be compared. `values` are those of the variables as sent, with all that
    is in them.
    """

    tokens: int
    depth: int
    characters: int = 100_000
    definitions: int = 200
    fields: int = 1_000
    aliases: int = 300
    root_fields: int = 50
    directives: int = 100
    stacked: int = 5
    literals: int = 300
    variables: int = 100
    repeats: int = 5_000
    values: int = 2_000


class Excess(Exception):
    """A document is larger than it may be, or without end; `code` and the message say in what."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Extent(NamedTuple):
    """How large a selection is."""

    levels: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    literals: int = 0
    variables: int = 0

    def with_(self, other: Extent, level: int = 0) -> Extent:
        """The extent of both, `other` standing at `level`."""
        levels = max(self.levels, level + other.levels)
        return Extent(levels, *(mine + its for mine, its in zip(self[1:], other[1:], strict=True)))


_COUNTS = {
    "fields": "FIELD_LIMIT",
    "aliases": "ALIAS_LIMIT",
    "directives": "DIRECTIVE_LIMIT",
    "literals": "LITERAL_LIMIT",
    "variables": "VARIABLE_LIMIT",
}

Definition = OperationDefinitionNode | FragmentDefinitionNode
Sets = Mapping[str, SelectionSetNode]


def check(definitions: Sequence[Definition], limits: Limits) -> Extent:
    """Hold a document to the limits; how large it is. Raises `Excess`, also for fragments within themselves."""
    if len(definitions) > limits.definitions:
        raise _excess("DEFINITION_LIMIT", limits.definitions, "operations and fragments")
    parts = [_part(each, limits) for each in definitions]
    named = {name: part for part in parts if (name := part.fragment) is not None}
    known = _fragments(named)
    spread = {name for part in parts for name, _ in part.spreads}
    # A fragment that nothing spreads is refused later, but not before it was looked at.
    roots = [
        part for part in parts if part is not named.get(part.fragment or "") or part.fragment not in spread
    ]
    extent = Extent()
    for root in roots:
        extent = extent.with_(_whole(root, known))
    _check_extent(extent, limits)
    sets = {name: part.selection_set for name, part in named.items()}
    for root in roots:
        _check_places(root.selection_set, sets, limits)
    return extent


def _check_extent(extent: Extent, limits: Limits) -> None:
    if extent.levels > limits.depth:
        raise Excess(
            "DEPTH_LIMIT", f"The document is {extent.levels} levels deep; {limits.depth} are allowed."
        )
    for count, code in _COUNTS.items():
        if getattr(extent, count) > getattr(limits, count):
            raise _excess(code, getattr(limits, count), count)


def _excess(code: str, limit: int, what: str) -> Excess:
    counted = "with each fragment counted wherever it is spread"
    return Excess(code, f"The document has over {limit} {what}, {counted}.")


class _Part(NamedTuple):
    """A definition without what it spreads; `spreads` has fragments' names, each with the level it stands on.

    `fragment` is its name if it is one.
    """

    fragment: str | None
    selection_set: SelectionSetNode
    extent: Extent
    spreads: list[tuple[str, int]]


def _fragments(parts: Mapping[str, _Part]) -> dict[str, Extent]:
    """The extent of each fragment, made of those it spreads."""
    within = {name: [spread for spread, _ in part.spreads] for name, part in parts.items()}
    known: dict[str, Extent] = {}
    try:
        for name in TopologicalSorter(within).static_order():
            known[name] = _whole(parts[name], known) if name in parts else Extent()
    except CycleError as error:
        name, *via = error.args[1][:-1]
        others = f" via {', '.join(repr(each) for each in via)}" if via else ""
        message = f"Cannot spread fragment {name!r} within itself{others}."
        raise Excess("GRAPHQL_VALIDATION_FAILED", message) from None
    return known


def _whole(part: _Part, known: Mapping[str, Extent]) -> Extent:
    whole = part.extent
    for name, level in part.spreads:
        whole = whole.with_(known.get(name, Extent()), level)
    return whole


def _part(definition: Definition, limits: Limits) -> _Part:
    levels = fields = aliases = 0
    variables = definition.variable_definitions or ()
    directives, literals = _decoration([definition, *variables], limits)
    spreads: list[tuple[str, int]] = []
    pending = [(definition.selection_set, 0)]
    while pending:
        current, level = pending.pop()
        more_directives, more_literals = _decoration(current.selections, limits)
        directives, literals = directives + more_directives, literals + more_literals
        for selection in current.selections:
            if isinstance(selection, FragmentSpreadNode):
                spreads.append((selection.name.value, level))
                continue
            below = level
            if isinstance(selection, FieldNode):
                fields += 1
                aliases += selection.alias is not None
                below += 1
                levels = max(levels, below)
            inner = getattr(selection, "selection_set", None)
            if inner is not None:
                pending.append((inner, below))
    name = definition.name.value if isinstance(definition, FragmentDefinitionNode) else None
    return _Part(
        name,
        definition.selection_set,
        Extent(levels, fields, aliases, directives, literals, len(variables)),
        spreads,
    )


def _decoration(nodes: Sequence[Any], limits: Limits) -> tuple[int, int]:
    """How many directives these nodes have, and how many literals their and the directives' arguments.

    Raises `Excess` where one of them has very many: each, known or not, would be looked at and complained of.
    """
    if any(len(node.directives or ()) > limits.stacked for node in nodes):
        raise Excess("DIRECTIVE_LIMIT", f"The document has over {limits.stacked} directives at one place.")
    directives = [directive for node in nodes for directive in node.directives or ()]
    arguments = [each for node in (*nodes, *directives) for each in getattr(node, "arguments", None) or ()]
    return len(directives), sum(1 for each in arguments for _ in _literals(each.value))


def _literals(value: Any) -> Iterator[Any]:
    pending = [value]
    while pending:
        current = pending.pop()
        yield current
        pending += getattr(current, "values", None) or ()
        pending += [each.value for each in getattr(current, "fields", None) or ()]


def _check_places(selection_set: SelectionSetNode, fragments: Sets, limits: Limits) -> None:
    """Count the fields at the root, and the pairs that share a response name at one place.

    Spelled out, the document is known to be small by now. Type conditions are not looked at: more is counted than is
    compared.
    """
    pairs = 0
    pending = [[selection_set]]
    while pending:
        level = pending.pop()
        named: dict[str, list[FieldNode]] = {}
        for node in _fields(level, fragments):
            named.setdefault((node.alias or node.name).value, []).append(node)
        if level == [selection_set] and len(named) > limits.root_fields:
            raise _excess("ROOT_FIELD_LIMIT", limits.root_fields, "fields at its root")
        pairs += sum(len(nodes) * (len(nodes) - 1) // 2 for nodes in named.values())
        if pairs > limits.repeats:
            raise _excess("REPEAT_LIMIT", limits.repeats, "pairs of fields of one name at one place")
        for nodes in named.values():
            if below := [node.selection_set for node in nodes if node.selection_set]:
                pending.append(below)


def _fields(sets: Sequence[SelectionSetNode], fragments: Sets) -> Iterator[FieldNode]:
    """The fields at one place; a fragment is there once, however often it is spread there."""
    pending: list[Any] = list(sets)
    spread: set[str] = set()
    while pending:
        for selection in pending.pop().selections:
            if isinstance(selection, FieldNode):
                yield selection
            elif not isinstance(selection, FragmentSpreadNode):
                pending.append(selection.selection_set)
            elif (name := selection.name.value) in fragments and name not in spread:
                spread.add(name)
                pending.append(fragments[name])
