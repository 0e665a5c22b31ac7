"""Examples: operations ready to run, of which a caller gets those it may run as they stand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import GraphQLSchema, parse, validate
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from gateway.endpoint.answers import json_answer, refused_answer
from gateway.endpoint.callers import Authenticator, sender
from gateway.endpoint.media_types import JSON
from gateway.errors import Refusal
from gateway.schema import Schema

PATH = "/examples"
"""Where they are, below the endpoint."""


@dataclass(frozen=True, slots=True)
class Example:
    """An operation; its first line, a comment, is its title. `group` says whose it is, `variables` go with it."""

    group: str
    title: str
    document: str
    variables: Mapping[str, Any]


def read_examples(folders: Mapping[str, Path]) -> Iterator[Example]:
    """The examples of each group, which lie in a folder of its own: `NAME.graphql`, with variables in `NAME.json`."""
    for group, folder in folders.items():
        for path in sorted(folder.glob("*.graphql")):
            document = path.read_text(encoding="utf-8")
            variables = path.with_suffix(".json")
            given = json.loads(variables.read_text(encoding="utf-8")) if variables.exists() else {}
            yield Example(group, document.partition("\n")[0].lstrip("# ").rstrip("."), document, given)


def runnable(example: Example, schema: GraphQLSchema) -> bool:
    """Whether who sees this schema may run the example as it stands."""
    return not validate(schema, parse(example.document))


class Examples:
    """`/graphql/examples`, as an ASGI application: the examples for the bearer of a token, as JSON."""

    def __init__(self, folders: Mapping[str, Path], schema: Schema, authenticator: Authenticator) -> None:
        self._examples = list(read_examples(folders))
        self._schema = schema
        self._authenticator = authenticator
        self._found: dict[GraphQLSchema, list[dict[str, Any]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: with the examples, or with the refusal (401) that an operation would get too."""
        request = Request(scope, receive)
        try:
            caller = await sender(self._authenticator, request, PATH)
            # In a thread: they are validated once for these scopes, and that takes a while.
            response = json_answer(await asyncio.to_thread(self.found, caller.scopes))
        except Refusal as refusal:
            response = refused_answer(refusal, JSON)
        await response(scope, receive, send)

    def found(self, scopes: frozenset[str]) -> list[dict[str, Any]]:
        """Those that the holder of these scopes may run."""
        schema = self._schema.view(scopes).introspection()
        if schema not in self._found:
            self._found[schema] = [
                {
                    "group": each.group,
                    "title": each.title,
                    "document": each.document,
                    "variables": each.variables,
                }
                for each in self._examples
                if runnable(each, schema)
            ]
        return self._found[schema]
