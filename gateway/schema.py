"""One schema out of the gateway's types and every connector's, and the view of it that one caller may have."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

import strawberry
from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import convert_arguments
from strawberry.types.base import StrawberryObjectDefinition

from gateway.access.reach import reachable
from gateway.access.scopes import Alternatives, RequiresScopes, alternatives, both, refusal
from gateway.clients.client import Client
from gateway.clients.orders import Order
from gateway.clients.query import Query
from gateway.clients.scalars import SCALARS
from gateway.clients.subscription import Subscription
from gateway.connector import Connector
from gateway.discovery import OPERATIONS, discover
from gateway.engine.declared import check_costs
from gateway.engine.plan import View
from gateway.errors import SchemaError
from gateway.explain.explanation import COORDINATES
from gateway.explain.query import ExplainQuery
from gateway.shipments.query import OrderShipments, ShipmentQuery
from gateway.sync.query import SyncQuery
from gateway.views import printed, visible

UNLOCKED = frozenset(
    {
        "Caller.application",
        "Caller.data",
        "Caller.party",
        "Caller.purpose",
        "Caller.scopes",
        "Node.id",
        "PartnerData.datasets",
        "PartnerData.party",
        "Query.caller",
        "Query.explainAccess",
        "Query.node",
        *COORDINATES,
    }
)
"""All that a caller without a single scope may ask for. Anything else without a lock stops the start-up."""

SCOPES: Mapping[str, str] = {
    "clients:read": "The clients your party may see, and where they live.",
    "clients:pii": "Name, e-mail and phone of your own party's clients.",
    OPERATIONS: "How the pulls of your party's datasets fare.",
}
"""The gateway's own scopes; connectors declare theirs."""


@cache
def declared_schema() -> Schema:
    """The schema of the gateway and the connectors that are there, made once a process. Raises `SchemaError`."""
    return Schema(discover())


class Schema:
    """The venture's schema: what can be asked, and with which scopes. Raises `SchemaError` for declarations that clash,
    for a field that nobody locked, and for a list of no size."""

    def __init__(self, connectors: Sequence[Connector]) -> None:
        self.scopes = _scopes(connectors)
        for each in connectors:
            if each.client is not None:
                _extend(Client, each.client)
        # What extends an interface extends all that implement it.
        orders: list[type] = [kind for each in connectors for kind in each.types if issubclass(kind, Order)]
        for kind in [Order, *orders]:
            _extend(kind, OrderShipments)
        self._strawberry = strawberry.Schema(
            _root(Query, [ExplainQuery, ShipmentQuery, SyncQuery, *(each.query for each in connectors)]),
            mutation=_mutation([each.mutation for each in connectors]),
            subscription=_root(Subscription, [each.subscription for each in connectors]),
            types=[kind for each in connectors for kind in each.types],
            config=StrawberryConfig(scalar_map=SCALARS, sort_schema=True, disable_field_suggestions=True),
        )
        self.graphql: GraphQLSchema = self._strawberry._schema
        self._describe()
        self._lock_interfaces()
        self._views: dict[frozenset[str], View] = {}
        self._printed: dict[frozenset[str], str] = {}
        self._check()
        check_costs(self.graphql)

    @cached_property
    def sdl(self) -> str:
        """The schema as text, locks included; what `schema.graphql` holds."""
        return self._strawberry.as_str() + "\n"

    def printed(self, scopes: frozenset[str]) -> str:
        """The part of that text which the holder of these scopes may use."""
        known = frozenset(scopes & self.scopes.keys())
        if known not in self._printed:
            self._printed[known] = printed(self.sdl, self.reachable(known))
        return self._printed[known]

    def view(self, scopes: frozenset[str]) -> View:
        """The schema as the holder of these scopes may use it."""
        known = frozenset(scopes & self.scopes.keys())
        if known not in self._views:
            self._views[known] = self._make_view(known)
        return self._views[known]

    def needed(self, type_name: str, field_name: str | None) -> Alternatives:
        """The scopes of which one set is needed for a type, or for a field of it."""
        definition = _definition(self.graphql.get_type(type_name))
        found = alternatives(definition.directives or ()) if definition is not None else ()
        if field_name is None or definition is None:
            return found
        field = self.graphql.get_field(self.graphql.get_type(type_name), field_name)  # type: ignore[arg-type]
        own = field.extensions.get("strawberry-definition") if field is not None else None
        return both(found, alternatives(own.directives)) if own is not None else found

    def reachable(self, scopes: frozenset[str]) -> frozenset[str]:
        """The coordinates (`Type.field`) that a holder of these scopes may ask for."""
        return reachable(self.graphql, self.needed, scopes)

    def _make_view(self, scopes: frozenset[str]) -> View:
        known: dict[tuple[str, str | None], GraphQLError | None] = {}

        def locks(type_name: str, field_name: str | None) -> GraphQLError | None:
            key = (type_name, field_name)
            if key not in known:
                known[key] = refusal(self.needed(type_name, field_name), scopes, type_name, field_name)
            return known[key]

        introspection: list[GraphQLSchema] = []

        def introspect() -> GraphQLSchema:
            if not introspection:
                introspection.append(visible(self.graphql, self.reachable(scopes)))
            return introspection[0]

        return View(self.graphql, locks, introspect, self._convert)

    def _convert(self, field: GraphQLField, values: dict[str, Any]) -> Mapping[str, Any]:
        definition = field.extensions["strawberry-definition"]
        registry = self._strawberry.schema_converter.scalar_registry
        return convert_arguments(values, definition.arguments, registry, self._strawberry.config)

    def _describe(self) -> None:
        """A type's description is its docstring."""
        for kind in self.graphql.type_map.values():
            definition: Any = kind.extensions.get("strawberry-definition")
            origin = getattr(definition, "origin", None) or getattr(definition, "wrapped_cls", None)
            if origin is not None and not definition.description:
                definition.description = kind.description = inspect.getdoc(origin)

    def _lock_interfaces(self) -> None:
        """An interface needs what one of its implementations needs, and a page what its things need.

        What an interface declares itself, each implementation needs too, for that is reached in other ways as well.
        Where nothing implements it yet, it is of no use, and as open as clients are.
        """
        for kind in self.graphql.type_map.values():
            definition = _definition(kind)
            if isinstance(kind, GraphQLInterfaceType) and definition is not None and kind.name != "Node":
                possible = self.graphql.get_possible_types(kind)
                self._lock_implementations(possible, _declared(definition))
                locks = [self.needed(each.name, None) for each in possible]
                _lock(definition, _either(locks) if locks else self.needed("Client", None))
        for kind in self.graphql.type_map.values():
            definition = _definition(kind)
            things = definition.type_var_map.values() if definition is not None else ()
            for thing in things:
                name = getattr(getattr(thing, "__strawberry_definition__", None), "name", None)
                if definition is not None and name is not None:
                    _lock(definition, self.needed(name, None))

    def _lock_implementations(self, kinds: Sequence[GraphQLObjectType], declared: Alternatives) -> None:
        for each in kinds if declared else ():
            definition = _definition(each)
            assert definition is not None
            _lock(definition, both(self.needed(each.name, None), declared))

    def _check(self) -> None:
        open_to_all = self.reachable(frozenset())
        if extra := sorted(open_to_all - UNLOCKED):
            raise SchemaError(
                f"nothing locks {', '.join(extra)}: declare requires(…) on the field or on its type"
            )
        used = {scope for _, _, lock in self.locks() for one in lock for scope in one}
        if unknown := sorted(used - self.scopes.keys()):
            raise SchemaError(f"no connector declares the scopes {', '.join(unknown)}")

    def locks(self) -> Iterator[tuple[str, str | None, Alternatives]]:
        """Every type and field that has a lock of its own."""
        for kind in self.graphql.type_map.values():
            if isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType)) and not kind.name.startswith("__"):
                yield kind.name, None, self.needed(kind.name, None)
                for name in kind.fields:
                    yield kind.name, name, self.needed(kind.name, name)


def _scopes(connectors: Sequence[Connector]) -> Mapping[str, str]:
    found = dict(SCOPES)
    for each in connectors:
        if twice := sorted(found.keys() & each.scopes.keys()):
            raise SchemaError(
                f"connectors/{each.name} declares {', '.join(twice)}, which are declared already"
            )
        found |= each.scopes
    return found


@strawberry.type
class Mutation:
    """What can be changed."""


def _mutation(others: Sequence[type | None]) -> type | None:
    """The root of mutations, where a connector has one; the gateway has none of its own."""
    return _root(Mutation, others) if any(others) else None


def _root(own: type, others: Sequence[type | None]) -> type:
    """A root type of the gateway's own fields and the connectors'."""
    parts = [own, *(each for each in others if each is not None)]
    seen: dict[str, type] = {}
    for part in parts:
        for field in part.__strawberry_definition__.fields:  # type: ignore[attr-defined]
            if field.python_name in seen:
                raise SchemaError(
                    f"{own.__name__}.{field.python_name} is defined by {seen[field.python_name]} and {part}"
                )
            seen[field.python_name] = part
    return strawberry.type(
        type(own.__name__, tuple(parts), {"__doc__": own.__doc__}), description=own.__doc__
    )


def _extend(target: type, extension: type) -> None:
    """Add an extension's fields to a type (GraphQL's `extend type`); the same extension twice changes nothing."""
    definition: StrawberryObjectDefinition = target.__strawberry_definition__  # type: ignore[attr-defined]
    present = {field.python_name: field for field in definition.fields}
    for field in extension.__strawberry_definition__.fields:  # type: ignore[attr-defined]
        if present.get(field.python_name) is field:
            continue
        if field.python_name in present:
            raise SchemaError(
                f"{definition.name}.{field.python_name} is defined twice, the second time by {extension}"
            )
        definition.fields.append(field)


def _definition(kind: Any) -> StrawberryObjectDefinition | None:
    found = kind.extensions.get("strawberry-definition") if kind is not None else None
    return found if isinstance(found, StrawberryObjectDefinition) else None


class _Derived(RequiresScopes):
    """A lock that follows from others, in schemas made before too."""


def _declared(definition: StrawberryObjectDefinition) -> Alternatives:
    """The lock of a type as it was written."""
    return alternatives(each for each in definition.directives or () if not isinstance(each, _Derived))


def _lock(definition: StrawberryObjectDefinition, needed: Alternatives) -> None:
    others = [each for each in definition.directives or () if not isinstance(each, RequiresScopes)]
    lock = [_Derived(scopes=[sorted(one) for one in needed])] if needed else []
    definition.directives = [*others, *lock]


def _either(locks: Sequence[Alternatives]) -> Alternatives:
    """What suffices for one of several; nothing when one of them has no lock."""
    if not all(locks):
        return ()
    return tuple(sorted({one for lock in locks for one in lock}, key=sorted))
