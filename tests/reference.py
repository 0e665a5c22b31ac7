"""The reference: the same schema under graphql-core's executor, the conventional way.

Each field has a resolver that is called once per object. Behind an asynchronous batch function stands a DataLoader,
so that the executor's ticks are batched; a batch function that never waits is called directly, for one object, as
anybody would write it. What is asked below a field is looked up once per field of an operation, so that SQL selects
the same columns as under the engine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable
from operator import attrgetter
from typing import Any

from aiodataloader import DataLoader
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    SelectionSetNode,
    execute,
    get_named_type,
    subscribe,
)

from gateway.engine.batch import Batch, attribute_of, batch_of, source_of, type_names
from gateway.engine.plan import Convert
from gateway.engine.run import Reach
from gateway.engine.selection import Asked

Resolver = Callable[..., Any]
Level = Callable[[list[Any]], Any]
"""A batch function of which only the parents are still to be given."""


@dataclass(slots=True)
class Request:
    """What the resolvers of one operation share: how far the caller reaches, and what is at work already."""

    reach: Reach
    levels: dict[tuple[int, ...], Level] = field(default_factory=dict)
    loaders: dict[tuple[int, ...], DataLoader[Any, Any]] = field(default_factory=dict)


class Reference:
    """Runs operations on a schema that is its own: it sets the resolvers of every type in it."""

    def __init__(self, schema: GraphQLSchema, convert: Convert) -> None:
        self.schema = schema
        self._convert = convert
        for kind in schema.type_map.values():
            if isinstance(kind, GraphQLInterfaceType):
                kind.resolve_type = _type_name
            elif isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
                kind.is_type_of = None
                self._resolve_fields(kind)

    async def run(
        self,
        document: DocumentNode,
        reach: Reach,
        variables: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> ExecutionResult:
        """The answer to an operation of a valid document."""
        result = execute(
            self.schema,
            document,
            context_value=Request(reach),
            variable_values=dict(variables or {}),
            operation_name=name,
            hide_suggestions=True,
        )
        return await result if isawaitable(result) else result

    async def subscribe(
        self,
        document: DocumentNode,
        reach: Reach,
        variables: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> AsyncIterator[ExecutionResult]:
        """The answers to a subscription of a valid document. Raises what its source raises."""
        found = subscribe(
            self.schema,
            document,
            context_value=Request(reach),
            variable_values=dict(variables or {}),
            operation_name=name,
            hide_suggestions=True,
        )
        found = await found if isawaitable(found) else found
        if isinstance(found, ExecutionResult):
            yield found
            return
        async for each in found:
            yield each

    def _listened(self, field: GraphQLField) -> Resolver:
        """The events of a source, one by one."""

        async def events(_: Any, info: GraphQLResolveInfo, **values: Any) -> AsyncIterator[Any]:
            request: Request = info.context
            source = source_of(field)
            assert source is not None
            async for level in source.function(request.reach(asked(info)), **self._convert(field, values)):
                for each in level:
                    yield each

        return events

    def _resolve_fields(self, kind: GraphQLObjectType) -> None:
        for each in kind.fields.values():
            batch = batch_of(each)
            if source_of(each) is not None:
                each.subscribe = self._listened(each)
                each.resolve = lambda event, info, **_: event
            elif batch is None:
                each.resolve = _attribute(each)
            elif not batch.is_async:
                each.resolve = self._called(each, batch)
            elif kind in (self.schema.query_type, self.schema.mutation_type):
                each.resolve = self._awaited(each, batch)
            else:
                each.resolve = self._loaded(each, batch)

    def _called(self, field: GraphQLField, batch: Batch) -> Resolver:
        def resolve(parent: Any, info: GraphQLResolveInfo, **values: Any) -> Any:
            return _only(self._level(field, batch, info, values)([parent]), batch)

        return resolve

    def _awaited(self, field: GraphQLField, batch: Batch) -> Resolver:
        async def resolve(parent: Any, info: GraphQLResolveInfo, **values: Any) -> Any:
            return _only(await self._level(field, batch, info, values)([parent]), batch)

        return resolve

    def _loaded(self, field: GraphQLField, batch: Batch) -> Resolver:
        def resolve(parent: Any, info: GraphQLResolveInfo, **values: Any) -> Awaitable[Any]:
            request: Request = info.context
            key = _place(batch, info)
            loader = request.loaders.get(key)
            if loader is None:
                level = self._level(field, batch, info, values)

                async def load(parents: list[Any]) -> list[Any]:
                    return _checked(await level(parents), len(parents), batch)

                # Parents are rows; there is no id by which the executor could meet one again.
                loader = request.loaders[key] = DataLoader(load, cache=False)
            return loader.load(parent)

        return resolve

    def _level(
        self, field: GraphQLField, batch: Batch, info: GraphQLResolveInfo, values: dict[str, Any]
    ) -> Level:
        """The batch function with the arguments and the reach of this field of the operation."""
        request: Request = info.context
        key = _place(batch, info)
        level = request.levels.get(key)
        if level is None:
            arguments = self._convert(field, values)
            access = request.reach(asked(info))

            def level(parents: list[Any]) -> Any:
                return batch.function(parents, access, **arguments)

            request.levels[key] = level
        return level


def _place(batch: Batch, info: GraphQLResolveInfo) -> tuple[int, ...]:
    """A field with its arguments, for the time of a request: the nodes of the document that ask for it."""
    return (id(batch), *map(id, info.field_nodes))


def _attribute(field: GraphQLField) -> Resolver:
    get = attrgetter(attribute_of(field))
    return lambda parent, info: get(parent)


def _type_name(value: Any, info: GraphQLResolveInfo, interface: Any) -> Any:
    [name] = type_names(interface, [value])
    if isinstance(name, Exception):
        raise name
    return name


def _only(values: Any, batch: Batch) -> Any:
    [value] = _checked(values, 1, batch)
    return value


def _checked(values: Any, count: int, batch: Batch) -> Any:
    if len(values) != count:
        raise TypeError(f"{batch.function.__name__} gave {len(values)} values for {count} parents")
    return values


def asked(info: GraphQLResolveInfo) -> Asked:
    """Per type the attributes selected below a field, down to where another asynchronous batch function begins."""
    found: dict[str, set[str]] = {}
    pending = [(info.return_type, [node.selection_set for node in info.field_nodes])]
    while pending:
        output, sets = pending.pop()
        nodes = list(_fields([each for each in sets if each is not None], info.fragments))
        for kind in _objects(info.schema, get_named_type(output)):
            for node in nodes:
                selected = kind.fields.get(node.name.value)
                if selected is not None:
                    pending += _note(kind, node, selected, found)
    return {name: frozenset(attributes) for name, attributes in found.items()}


def _note(
    kind: GraphQLObjectType, node: FieldNode, selected: GraphQLField, found: dict[str, set[str]]
) -> list[tuple[Any, list[SelectionSetNode | None]]]:
    batch = batch_of(selected)
    attributes = [attribute_of(selected)] if batch is None else batch.needs
    for name in (kind.name, *(each.name for each in kind.interfaces)):
        found.setdefault(name, set()).update(attributes)
    return [(selected.type, [node.selection_set])] if batch is None or not batch.is_async else []


def _fields(
    sets: Sequence[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[FieldNode]:
    for selection in (each for one in sets for each in one.selections):
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, FragmentSpreadNode):
            yield from _fields([fragments[selection.name.value].selection_set], fragments)
        else:
            yield from _fields([selection.selection_set], fragments)


def _objects(schema: GraphQLSchema, named: Any) -> Sequence[GraphQLObjectType]:
    if isinstance(named, GraphQLObjectType):
        return [named]
    return schema.get_possible_types(named) if isinstance(named, GraphQLInterfaceType) else []
