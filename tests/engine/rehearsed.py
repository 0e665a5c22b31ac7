"""What an operation really does, kept so that it can be held against its explanation."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from gateway.access.request import Access
from gateway.endpoint.execution import Execution
from gateway.endpoint.operations import Operation
from gateway.engine.lists import ListOf
from gateway.engine.objects import AbstractOf, ObjectOf
from gateway.engine.run import Result
from gateway.engine.selection import Asked, Batched
from gateway.oauth.tokens import Caller
from gateway.store.queries import Query, Row
from gateway.store.readers import Readers, _authorize
from gateway.store.tables import metadata

EXPLAIN = """query ($document: String!, $variables: JSON, $name: String) {
  explainAccess(document: $document, variables: $variables, operationName: $name) {
    runs allowed missingScopes errors { message code line column } cost { estimated limit }
    fields {
      path coordinate allowed rule missingScopes refusal { ...R }
      possibleTypes { name allowed rule missingScopes refusal { ...R } }
    }
    tables { name rule follows whole withConsent meaning }
    levels { calls { path coordinate function reached complete error
      statements { sql tables columns } partnerCalls { connector name } } }
  }
}
fragment R on ExplainedRefusal { message lock coordinate becomesNull }"""

Refusals = set[tuple[tuple[str, ...], str, str, str, tuple[str, ...]]]
"""Where, which lock, in which words, by which rule, for lack of what."""


@dataclass
class Done:
    """What a run asked: per batch call, by path and coordinate, its statements; and the tables that SQLite read for it.

    Of these, agreements and consents are not here: every row rule reads them.
    """

    result: Result
    calls: Mapping[tuple[tuple[str, ...], str], list[str]]
    tables: set[str]


class _Heard:
    """Callers' connections that keep what one batch call asks of them."""

    def __init__(self, readers: Readers) -> None:
        self.sql: list[str] = []
        self._readers = readers

    async def fetch(self, caller: Caller, query: Query, **values: Any) -> list[Row]:
        """See `Reader`."""
        self.sql.append(query.sql)
        return await self._readers.fetch(caller, query, **values)


async def do(execution: Execution, caller: Caller, operation: Operation) -> Done:
    """Run an operation as the gateway does, and listen."""
    prepared = await execution.prepare(caller, operation)
    names = {id(each.asked): key for key, each in _asynchronous(prepared.plan.root, ())}
    heard: dict[tuple[tuple[str, ...], str], list[str]] = {}
    reach = execution._reach(caller)

    def listening(asked: Asked) -> Access:
        access = reach(asked)
        if id(asked) not in names:
            return access
        reader = _Heard(execution._readers)
        heard[names[id(asked)]] = reader.sql
        return replace(access, readers=reader)

    async with _watched(execution._readers) as read:
        result = await prepared.run(listening, 60)
    return Done(result, heard, read - {"agreements", "consents"})


@asynccontextmanager
async def _watched(readers: Readers) -> AsyncIterator[set[str]]:
    """The tables that the callers' connections read meanwhile, through whichever view, as SQLite's authorizer tells."""
    read: set[str] = set()

    def authorize(
        action: int, name: str | None, column: str | None, database: str | None, view: str | None
    ) -> int:
        if action == sqlite3.SQLITE_READ and database == "main" and name in metadata.tables:
            read.add(name)
        return _authorize(action, name, column, database, view)

    # To be given an authorizer makes a connection prepare its statements anew, those that it keeps too.
    for connection in readers._all:
        await connection._execute(connection._conn.set_authorizer, authorize)
    yield read
    for connection in readers._all:
        await connection._execute(connection._conn.set_authorizer, _authorize)


def _asynchronous(
    selection: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[tuple[str, ...], str], Batched]]:
    for each in selection.fields:
        here = (*path, each.key)
        if isinstance(each, Batched) and each.batch is not None and each.batch.is_async:
            yield (here, f"{each.site.parent}.{each.site.name}"), each
        completer = each.completer
        while isinstance(completer, ListOf):
            here, completer = (*here, "@"), completer.item
        if isinstance(completer, ObjectOf):
            yield from _asynchronous(completer.selection, here)
        elif isinstance(completer, AbstractOf):
            for below in filter(None, completer.selections.values()):
                yield from _asynchronous(below, here)


def refused(result: Result) -> Refusals:
    """The refusals in an answer."""
    found = [
        (each, each.extensions)
        for each in result.errors
        if each.extensions and each.extensions.get("code") == "UNAUTHORIZED_FIELD_OR_TYPE"
    ]
    return {
        (
            _place(each.path or ()),
            more["coordinate"],
            each.message,
            more["rule"],
            tuple(more["missingScopes"]),
        )
        for each, more in found
    }


def explained(explanation: Mapping[str, Any]) -> Refusals:
    """The refusals in an explanation."""
    return {
        (
            _place(each["path"]),
            found["refusal"]["coordinate"],
            found["refusal"]["message"],
            found["rule"],
            tuple(found["missingScopes"]),
        )
        for each in explanation["fields"]
        for found in (each, *(each["possibleTypes"] or ()))
        if found["refusal"] is not None
    }


def _place(path: Iterable[Any]) -> tuple[str, ...]:
    """A field's path, without the positions in its own list."""
    place = [str(each) for each in path]
    while place and place[-1] == "@":
        place.pop()
    return tuple(place)


def at(data: Any, path: list[str]) -> Iterator[Any]:
    """All that is at a path in an answer, where what is above is there."""
    if not path or data is None:
        # A null above stands for all that would be below it.
        yield data
    elif path[0] == "@":
        for each in data:
            yield from at(each, path[1:])
    elif path[0] in data:
        yield from at(data[path[0]], path[1:])
