"""Places: where the values of a level stand in the answer; paths are worked out only when an error needs one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

PathKey = str | int


class Place(Protocol):
    """Where a level's values stand."""

    def path(self, index: int) -> list[PathKey]:
        """The response path of the value at `index` of the level."""


class Root:
    """The place of the operation itself."""

    def path(self, index: int) -> list[PathKey]:
        """Empty."""
        return []


class Positions:
    """The place of several roots at once, each at its position."""

    def path(self, index: int) -> list[PathKey]:
        """The position, which is no part of the response path: whoever parts the roots takes it off again."""
        return [index]


class Under:
    """Values under one response key of each parent."""

    __slots__ = ("_key", "_parent")

    def __init__(self, parent: Place, key: str) -> None:
        self._parent = parent
        self._key = key

    def path(self, index: int) -> list[PathKey]:
        """The parent's path and the key."""
        return [*self._parent.path(index), self._key]


class Items:
    """Items of lists, one list after the other; `lengths` has the length of each parent's list."""

    __slots__ = ("_ends", "_lengths", "_parent")

    def __init__(self, parent: Place, lengths: Sequence[int]) -> None:
        self._parent = parent
        self._lengths = lengths
        self._ends: list[int] = []

    def path(self, index: int) -> list[PathKey]:
        """The list's path and the position in it."""
        # Most lists have no errors; those that have may have one for each item.
        self._ends = self._ends or list(accumulate(self._lengths))
        owner = bisect_right(self._ends, index)
        start = self._ends[owner] - self._lengths[owner]
        return [*self._parent.path(owner), index - start]


class Some:
    """Some of a level's values; `chosen` has their indices."""

    __slots__ = ("_chosen", "_parent")

    def __init__(self, parent: Place, chosen: Sequence[int]) -> None:
        self._parent = parent
        self._chosen = chosen

    def path(self, index: int) -> list[PathKey]:
        """The path of the value in the level it was chosen from."""
        return self._parent.path(self._chosen[index])
