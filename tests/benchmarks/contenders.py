"""The contenders: the engine, the same schema under graphql-core with DataLoaders, and code written by hand."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import DocumentNode, parse, validate

from gateway.access.pseudonyms import pseudonyms
from gateway.access.request import Access
from gateway.discovery import discover
from gateway.engine.documents import Limits
from gateway.engine.engine import Engine
from gateway.oauth.tokens import Caller
from gateway.schema import Schema
from gateway.settings import Settings
from gateway.store.readers import Readers
from tests.benchmarks.handwritten import Handwritten
from tests.benchmarks.operations import Q1, Q2, Q3
from tests.reference import Reference

Answer = Callable[[], Awaitable[bytes]]

CALLER = Caller(
    "MAILRU",
    "pandao-forecast",
    frozenset({"clients:read", "clients:pii", "alibaba:read", "mailru:read", "mailru:segments"}),
    "analytics",
)


@dataclass(frozen=True, slots=True)
class Contenders:
    """For each operation, each contender's way to the bytes of the same answer."""

    answers: Mapping[str, Mapping[str, Answer]]
    client: str


class Conventional:
    """The same Strawberry schema under graphql-core, a DataLoader per field; `keeps` parsed documents."""

    def __init__(self, schema: Schema, reach: Any, keeps: bool) -> None:
        self._reference = Reference(schema.graphql, schema.view(frozenset()).convert)
        self._reach = reach
        self._keeps = keeps
        self._documents: dict[str, DocumentNode] = {}

    async def answer(self, text: str, variables: Mapping[str, Any]) -> bytes:
        """The bytes of an answer."""
        document = self._documents.get(text)
        if document is None:
            document = parse(text)
            assert not validate(self._reference.schema, document)
            if self._keeps:
                self._documents[text] = document
        result = await self._reference.run(document, self._reach, variables)
        assert not result.errors, result.errors
        return orjson.dumps({"data": result.data})


@asynccontextmanager
async def contenders(settings: Settings) -> AsyncIterator[Contenders]:
    """All contenders over one database, on connections of one pool, and their answers checked to be equal."""
    schema = Schema(discover())
    readers = Readers(settings.database, settings.readers)
    await readers.open()
    secret = pseudonyms(settings.state)

    def reach(asked: Any) -> Access:
        return Access(CALLER, readers, secret, asked=asked)

    engine = Engine(schema.graphql, Limits(settings.max_tokens, settings.max_depth))
    view = schema.view(CALLER.scopes)

    async def ours(text: str, variables: Mapping[str, Any]) -> bytes:
        result = await engine.prepare(view, text, variables, None).run(reach, settings.deadline)
        assert not result.errors, result.errors
        return orjson.dumps({"data": result.data})

    plain = Conventional(Schema(discover()), reach, keeps=False)
    keeping = Conventional(Schema(discover()), reach, keeps=True)
    by_hand = Handwritten(readers, secret, CALLER)
    try:
        listed = orjson.loads(await ours("{ clients(first: 3) { nodes { id orders { totalCount } } } }", {}))
        client = max(listed["data"]["clients"]["nodes"], key=lambda each: each["orders"]["totalCount"])["id"]
        one = {"id": client}
        hands: dict[str, Answer] = {"Q1": lambda: by_hand.q1(client), "Q2": by_hand.q2, "Q3": by_hand.q3}
        answers = {
            name: {
                "graphql-core": lambda text=text, values=values: plain.answer(text, values),
                "graphql-core, documents kept": lambda text=text, values=values: keeping.answer(text, values),
                "engine": lambda text=text, values=values: ours(text, values),
                "by hand": hands[name],
            }
            for name, text, values in (("Q1", Q1, one), ("Q2", Q2, {}), ("Q3", Q3, {}))
        }
        for name, ways in answers.items():
            bodies = {way: await answer() for way, answer in ways.items()}
            assert len(set(bodies.values())) == 1, f"{name}: the answers differ"
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 20, 50)
        yield Contenders(answers, client)
    finally:
        await readers.close()
