"""The contenders: Strawberry, graphql-core, the engine, and code written by hand, over one database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from strawberry.extensions import ParserCache, ValidationCache

from gateway.access.pseudonyms import pseudonyms
from gateway.access.request import Access
from gateway.discovery import discover
from gateway.engine.engine import Engine
from gateway.engine.limits import Limits
from gateway.engine.run import Reach
from gateway.oauth.tokens import Caller
from gateway.schema import Schema
from gateway.settings import Settings
from gateway.store.readers import Readers
from gateway.workers import settle
from tests.benchmarks.conventional import Lean, Strawberry
from tests.benchmarks.handwritten import Handwritten
from tests.benchmarks.operations import Q1, Q2, Q3
from tests.benchmarks.timing import Answer, agreed

STRAWBERRY, KEEPING, LEAN, ENGINE, BY_HAND = WAYS = (
    "Strawberry",
    "Strawberry, documents kept",
    "graphql-core, documents kept",
    "engine",
    "by hand",
)
"""Strawberry's `execute` with a DataLoader per field, without and with its document caches; graphql-core with lean
resolvers and its documents kept; the gateway's engine; a function per operation."""

CALLER = Caller(
    "MAILRU",
    "pandao-forecast",
    frozenset({"clients:read", "clients:pii", "alibaba:read", "mailru:read", "mailru:segments"}),
    "analytics",
)


@dataclass(frozen=True, slots=True)
class Contenders:
    """For each operation each contender's way to its answer, and the answer's bytes. `client` is Q1's variable."""

    ways: Mapping[str, Mapping[str, Answer]]
    answers: Mapping[str, bytes]
    client: str


class Ours:
    """The engine, as the gateway's endpoint uses it."""

    def __init__(self, settings: Settings, reach: Reach) -> None:
        schema = Schema(discover())
        self._engine = Engine(schema.graphql, Limits(settings.max_tokens, settings.max_depth))
        self._view = schema.view(CALLER.scopes)
        self._reach = reach
        self._deadline = settings.deadline

    async def answer(self, text: str, variables: Mapping[str, Any]) -> bytes:
        """The bytes of an answer."""
        prepared = self._engine.prepare(self._view, text, variables, None)
        result = await prepared.run(self._reach, self._deadline)
        assert not result.errors, result.errors
        return orjson.dumps({"data": result.data})


@asynccontextmanager
async def contenders(settings: Settings) -> AsyncIterator[Contenders]:
    """All contenders on connections of one pool, and their answers checked to be equal."""
    readers = Readers(settings.database, settings.readers)
    await readers.open()
    try:
        found = await _contenders(settings, readers)
        # As the gateway sets it when it serves.
        settle()
        yield found
    finally:
        await readers.close()


async def _contenders(settings: Settings, readers: Readers) -> Contenders:
    secret = pseudonyms(settings.state)

    def reach(asked: Any) -> Access:
        return Access(CALLER, readers, secret, asked=asked)

    ours = Ours(settings, reach)
    by_hand = Handwritten(readers, secret, CALLER)
    client = await _busy_client(ours)
    executors: dict[str, Strawberry | Lean | Ours] = {
        STRAWBERRY: Strawberry(reach),
        KEEPING: Strawberry(reach, (ParserCache, ValidationCache)),
        LEAN: Lean(reach),
        ENGINE: ours,
    }
    hands: dict[str, Answer] = {"Q1": lambda: by_hand.q1(client), "Q2": by_hand.q2, "Q3": by_hand.q3}
    ways = {
        name: {way: _bound(each, text, values) for way, each in executors.items()} | {BY_HAND: hands[name]}
        for name, text, values in (("Q1", Q1, {"id": client}), ("Q2", Q2, {}), ("Q3", Q3, {}))
    }
    return Contenders(ways, {name: await agreed(each) for name, each in ways.items()}, client)


async def _busy_client(ours: Ours) -> str:
    """Of some clients the one with most orders."""
    listed = orjson.loads(
        await ours.answer("{ clients(first: 3) { nodes { id orders { totalCount } } } }", {})
    )
    found = max(listed["data"]["clients"]["nodes"], key=lambda each: each["orders"]["totalCount"])
    id: str = found["id"]
    return id


def _bound(executor: Strawberry | Lean | Ours, text: str, variables: Mapping[str, Any]) -> Answer:
    return lambda: executor.answer(text, variables)
