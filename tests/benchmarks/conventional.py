"""The conventional ways: the gateway's own types with a resolver per object and DataLoaders.

`Strawberry` is what everybody gets who uses Strawberry; `Lean` leaves out all of it that is not graphql-core.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
import strawberry
from graphql import (
    DocumentNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    parse,
    validate,
)
from strawberry.dataloader import DataLoader
from strawberry.extensions import SchemaExtension
from strawberry.types.fields.resolver import StrawberryResolver

from gateway.discovery import discover
from gateway.engine.batch import Batch, batch_of, type_names
from gateway.engine.run import Reach
from gateway.schema import Schema
from tests.reference import Reference, asked

_INFO = inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=strawberry.Info)


@dataclass(slots=True)
class Context:
    """What the resolvers of one request share. `access` is for those that fetch nothing."""

    reach: Reach
    access: Any
    loaders: dict[tuple[int, ...], DataLoader[Any, Any]] = field(default_factory=dict)

    def loader(
        self, batch: Batch, info: GraphQLResolveInfo[Any], arguments: Mapping[str, Any]
    ) -> DataLoader[Any, Any]:
        """The DataLoader of one field of the operation."""
        key = (id(batch), *map(id, info.field_nodes))
        found = self.loaders.get(key)
        if found is None:
            access = self.reach(asked(info))

            async def load(parents: list[Any]) -> Any:
                return await batch.function(parents, access, **arguments)

            # The parents of one level differ; remembering them would only cost.
            found = self.loaders[key] = DataLoader(load, cache=False)
        return found


class Strawberry:
    """Strawberry's own `execute`, with its wrappers, `Info` objects, argument conversion and default resolvers.

    `extensions` are Strawberry's; without its caches it parses and validates each request.
    """

    def __init__(self, reach: Reach, extensions: Sequence[type[SchemaExtension]] = ()) -> None:
        schema = Schema(discover())
        self._reach = reach
        self._schema = schema._strawberry
        self._schema.extensions = tuple(extensions)
        for kind in schema.graphql.type_map.values():
            if isinstance(kind, GraphQLInterfaceType):
                kind.resolve_type = _type_name
            elif isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
                kind.is_type_of = None  # The objects are rows, and no instances.
                for each in kind.fields.values():
                    self._resolve(each, kind is schema.graphql.query_type)

    async def answer(self, text: str, variables: Mapping[str, Any]) -> bytes:
        """The bytes of an answer."""
        context = Context(self._reach, self._reach({}))
        result = await self._schema.execute(text, variable_values=dict(variables), context_value=context)
        assert not result.errors, result.errors
        return orjson.dumps({"data": result.data})

    def _resolve(self, each: GraphQLField, at_root: bool) -> None:
        """Give a field its resolver, and have Strawberry wrap it as when it builds a schema."""
        batch = batch_of(each)
        if batch is not None:
            # A copy, for other schemas are built of the same fields.
            declared = copy(each.extensions["strawberry-definition"])
            declared.base_resolver = StrawberryResolver(_resolver(batch, at_root, declared.base_resolver))
            each.resolve = self._schema.schema_converter.from_resolver(declared)


class Lean:
    """graphql-core alone: resolvers set straight on its schema, documents parsed and validated once."""

    def __init__(self, reach: Reach) -> None:
        schema = Schema(discover())
        self._reference = Reference(schema.graphql, schema.view(frozenset()).convert)
        self._reach = reach
        self._documents: dict[str, DocumentNode] = {}

    async def answer(self, text: str, variables: Mapping[str, Any]) -> bytes:
        """The bytes of an answer."""
        if text not in self._documents:
            self._documents[text] = parse(text)
            assert not validate(self._reference.schema, self._documents[text])
        result = await self._reference.run(self._documents[text], self._reach, variables)
        assert not result.errors, result.errors
        return orjson.dumps({"data": result.data})


def _resolver(batch: Batch, at_root: bool, declared: StrawberryResolver[Any]) -> Callable[..., Any]:
    """What an engineer would write for one object: `(self, info, …)` with the arguments as they are declared."""

    def called(self: Any, info: strawberry.Info[Context], **arguments: Any) -> Any:
        [value] = batch.function([self], info.context.access, **arguments)
        return value

    async def awaited(self: Any, info: strawberry.Info[Context], **arguments: Any) -> Any:
        access = info.context.reach(asked(info._raw_info))
        [value] = await batch.function([self], access, **arguments)
        return value

    async def loaded(self: Any, info: strawberry.Info[Context], **arguments: Any) -> Any:
        return await info.context.loader(batch, info._raw_info, arguments).load(self)

    resolver: Any = called if not batch.is_async else awaited if at_root else loaded
    itself, *others = declared.signature.parameters.values()
    resolver.__signature__ = inspect.Signature([itself, _INFO, *others])
    # Strawberry reads the arguments' annotations in the module where they were written.
    resolver.__module__ = batch.function.__module__
    return cast("Callable[..., Any]", resolver)


def _type_name(value: Any, info: GraphQLResolveInfo[Any], interface: Any) -> Any:
    [name] = type_names(interface, [value])
    return name
