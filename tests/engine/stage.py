"""A stage: a Strawberry schema with batch functions, and an engine that runs operations on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import convert_arguments

from gateway.engine.engine import Engine
from gateway.engine.limits import Limits
from gateway.engine.plan import Convert, View
from gateway.engine.run import Reach, Result

Built = tuple[GraphQLSchema, Convert]


def build(
    query: type,
    mutation: type | None = None,
    types: tuple[type, ...] = (),
    subscription: type | None = None,
    **options: Any,
) -> Built:
    """A new schema, and how its arguments are converted."""
    made = strawberry.Schema(query, mutation, subscription, types=types, config=StrawberryConfig(**options))

    def convert(field: Any, values: dict[str, Any]) -> Mapping[str, Any]:
        definition = field.extensions["strawberry-definition"]
        registry = made.schema_converter.scalar_registry
        return convert_arguments(values, definition.arguments, registry, made.config)

    return made._schema, convert


def open_view(schema: GraphQLSchema, convert: Convert) -> View:
    """The view of one who may ask for everything."""
    return View(schema, lambda type_name, field_name: None, lambda: schema, convert)


class Stage:
    """An engine over a schema of one's own; what a batch function gets as `access` is what is asked below it."""

    def __init__(
        self, query: type, types: tuple[type, ...] = (), subscription: type | None = None, **options: Any
    ) -> None:
        schema, convert = build(query, types=types, subscription=subscription, **options)
        self.view = open_view(schema, convert)
        self.engine = Engine(schema, Limits(tokens=4_000, depth=15))

    async def ask(
        self,
        text: str,
        variables: Mapping[str, Any] | None = None,
        name: str | None = None,
        *,
        seconds: float = 10,
        reach: Reach | None = None,
    ) -> Result:
        """The answer to an operation."""
        prepared = self.engine.prepare(self.view, text, variables or {}, name)
        return await prepared.run(reach or _whatever, seconds)


_whatever: Callable[[Any], Any] = lambda asked: asked  # noqa: E731


def text(data: Mapping[str, Any] | None) -> str:
    """An answer's data as JSON, keys in their order."""
    return json.dumps(data)


def said(errors: list[GraphQLError]) -> list[tuple[list[str | int] | None, str]]:
    """Where errors are and what they say."""
    return [(each.path, each.message) for each in errors]
