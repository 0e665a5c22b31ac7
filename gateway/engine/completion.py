"""Completion: what resolvers returned for a level, made into what the answer holds (GraphQL spec, 6.4.3).

A completer takes the values of one field for all parents of a level, as a column, and returns the column of the answer.
A value that failed becomes `FAILED`, and its error is recorded with its path; what stands around it decides whether
that is null there or further up (6.4.4).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import NoneType
from typing import Any, Final, Protocol

from graphql import FieldNode, GraphQLError, Undefined
from graphql.pyutils import UndefinedType

from gateway.engine.places import Place


class _Failed:
    def __repr__(self) -> str:
        return "FAILED"


FAILED: Final = _Failed()
"""Stands where a value failed and the null must still find its place."""

Column = Sequence[Any]


class Recorder(Protocol):
    """Where errors go, and what the answer costs."""

    failures: int
    cost: int

    def record(self, error: Exception, site: Site, place: Place, index: int) -> None:
        """Note the error of the value at `index` of the place; counts as one failure."""


class Site:
    """A field as the document asks for it: what errors name."""

    __slots__ = ("_placed", "name", "nodes", "parent")

    def __init__(self, parent: str, name: str, nodes: list[FieldNode]) -> None:
        self.parent = parent
        self.name = name
        self.nodes = nodes
        self._placed: GraphQLError | None = None

    def located(self, error: Exception, path: list[str | int]) -> GraphQLError:
        """The error of a value at a path.

        As graphql-core's `located_error`, but the text is searched for the field's line once and not for each value.
        """
        if isinstance(error, GraphQLError) and error.path is not None:
            return error
        if self._placed is None:
            self._placed = GraphQLError("", self.nodes)
        placed = error if isinstance(error, GraphQLError) and error.nodes else self._placed
        message = error.message if isinstance(error, GraphQLError) else str(error)
        found = GraphQLError(message, path=path, original_error=error)
        found.nodes, found.source = placed.nodes, placed.source
        found.positions, found.locations = placed.positions, placed.locations
        return found

    def null_error(self) -> Exception:
        """The error of a null where none may be."""
        return GraphQLError(f"Cannot return null for non-nullable field {self.parent}.{self.name}.")


class Completer(Protocol):
    """Completes columns of one GraphQL type; `waits` tells whether something below must be awaited."""

    waits: bool

    async def complete(self, run: Any, values: Column, place: Place, required: bool) -> Column:
        """The completed column; with `required`, nulls are failures."""


def failed(run: Recorder, error: Exception, site: Site, place: Place, index: int) -> _Failed:
    """Record an error and stand in for the value."""
    run.record(error, site, place, index)
    return FAILED


def missing(run: Recorder, site: Site, place: Place, index: int) -> _Failed:
    """Record a null where none may be."""
    return failed(run, site.null_error(), site, place, index)


def split(
    run: Recorder, values: Column, site: Site, place: Place, required: bool
) -> tuple[list[Any], list[int]]:
    """The column with nulls and failures settled, and the indices of the values that are left."""
    out: list[Any] = [None] * len(values)
    if not any(_odd(kind) for kind in set(map(type, values))):
        return out, list(range(len(values)))
    present: list[int] = []
    for index, value in enumerate(values):
        if value is None or value is Undefined:
            out[index] = missing(run, site, place, index) if required else None
        elif value is FAILED:
            out[index] = FAILED
        elif isinstance(value, Exception):
            out[index] = failed(run, value, site, place, index)
        else:
            present.append(index)
    return out, present


def _odd(kind: type) -> bool:
    return kind in (NoneType, _Failed, UndefinedType) or issubclass(kind, Exception)


def put(out: list[Any], indices: Collection[int], values: Column) -> None:
    """Set the values at the indices."""
    for index, value in zip(indices, values, strict=True):
        out[index] = value
