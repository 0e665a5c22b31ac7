"""Lack: the smallest set of further scopes with which nothing of an operation is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from heapq import heappop, heappush
from typing import Any, cast

from graphql import GraphQLError

from gateway.engine.documents import InvalidDocument
from gateway.engine.engine import Prepared
from gateway.explain.fields import Needed

Prepare = Callable[[frozenset[str]], Awaitable[Prepared]]
"""Prepares the operation as the holder of these scopes may run it."""


async def smallest_lack(prepare: Prepare, needed: Needed, held: frozenset[str]) -> list[str]:
    """The scopes that a holder of `held` lacks, found by preparing the operation with more and more of them.

    More scopes open more and close nothing, so any set that will do has one of the alternatives of whatever is refused
    without it; those are tried, smaller sets first. A refused field may hide others that need scopes in turn.
    """
    waiting: list[tuple[int, list[str]]] = [(0, [])]
    while True:
        _, granted = heappop(waiting)
        having = held.union(granted)
        refusals = await _refusals(prepare, having)
        if not refusals:
            return granted
        for alternative in needed(*_coordinate(refusals[0])):
            more = sorted({*granted, *(alternative - having)})
            if (len(more), more) not in waiting:
                heappush(waiting, (len(more), more))


async def _refusals(prepare: Prepare, scopes: frozenset[str]) -> Sequence[GraphQLError]:
    try:
        return (await prepare(scopes)).plan.refusals
    except InvalidDocument:
        # What was refused until now hid that it cannot be run, whoever asks: a null for a switch.
        return []


def _coordinate(refusal: GraphQLError) -> tuple[str, str | None]:
    kind, _, field = cast("dict[str, Any]", refusal.extensions)["coordinate"].partition(".")
    return kind, field or None
