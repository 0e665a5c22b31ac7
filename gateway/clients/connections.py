"""Relay's conventions: nodes, connections, edges, pages (GraphQL Cursor Connections Specification)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, Generic, TypeVar

import strawberry

from gateway.access.request import DEFAULT_PAGE, Access, Page
from gateway.engine.batch import batch
from gateway.engine.weights import cost, list_size
from gateway.store.queries import Row

T = TypeVar("T")

EdgeSource = tuple[Row, Callable[[Row], str]]
"""An edge before it is asked anything: the row, and how its page makes a cursor of it."""


@strawberry.interface
class Node:
    """A thing with an id by which `node` finds it again."""

    id: strawberry.ID

    @staticmethod
    def type_names(values: Sequence[Any]) -> list[str]:
        """A node's id begins with the name of its type; a client's, which is a pseudonym, is not in its row."""
        return [value.id.partition(":")[0] if "id" in value._fields else "Client" for value in values]


def start_cursors(pages: Sequence[Page], access: Access) -> list[str | None]:
    """The cursor of the first row."""
    return [page.cursor(page.rows[0]) if page.rows else None for page in pages]


def end_cursors(pages: Sequence[Page], access: Access) -> list[str | None]:
    """The cursor of the last row; give it to `after` for the next page."""
    return [page.cursor(page.rows[-1]) if page.rows else None for page in pages]


@strawberry.type
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None = batch(start_cursors)
    end_cursor: str | None = batch(end_cursors)


def edge_nodes(edges: Sequence[EdgeSource], access: Access) -> list[Row]:
    """The thing itself."""
    return [row for row, _ in edges]


def edge_cursors(edges: Sequence[EdgeSource], access: Access) -> list[str]:
    """Its position; give it to `after` or `before`."""
    return [cursor(row) for row, cursor in edges]


@strawberry.type
class Edge(Generic[T]):
    """A thing and its position in the list."""

    node: T = batch(edge_nodes)
    cursor: str = batch(edge_cursors)


def page_edges(pages: Sequence[Page], access: Access) -> list[list[EdgeSource]]:
    """The things of this page with their cursors."""
    return [list(zip(page.rows, repeat(page.cursor))) for page in pages]


def page_nodes(pages: Sequence[Page], access: Access) -> list[Sequence[Row]]:
    """The things of this page."""
    return [page.rows for page in pages]


def page_infos(pages: Sequence[Page], access: Access) -> Sequence[Page]:
    """Where this page stands in the list."""
    return pages


FORWARD = list_size(DEFAULT_PAGE, slicing=["first"], sized=["edges", "nodes"])
"""How long the lists are of a field that gives a page, and takes `first`."""

EITHER_WAY = list_size(DEFAULT_PAGE, slicing=["first", "last"], sized=["edges", "nodes"])
"""The same for a field that also takes `last`."""

COUNT = 10
"""What it weighs to count a whole list: its rows are read, if not given out."""


@strawberry.type
class Connection(Generic[T]):
    """A page of a list."""

    edges: list[Edge[T]] = batch(page_edges)
    nodes: list[T] = batch(page_nodes)
    page_info: PageInfo = batch(page_infos)
    total_count: int = strawberry.field(
        description="How many there are on all pages together.", directives=[cost(COUNT)]
    )
