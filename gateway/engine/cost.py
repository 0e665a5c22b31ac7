"""Cost: what an operation may take, known before it runs, and what it took.

As in IBM's GraphQL Cost Directives, a cost is a sum of weights: of every object that is given out (1 where its type
declares nothing else) and of every field that is asked of one (0), each field once per parent. The estimate takes every
list to be as long as it is declared to be and every interface to be of its dearest type; so the actual cost, counted
while the operation runs, stays below it as long as the lists do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationType,
)

from gateway.engine.completion import Completer
from gateway.engine.introspection import Introspection
from gateway.engine.leaves import Leaf
from gateway.engine.lists import ListOf
from gateway.engine.objects import AbstractOf, ObjectOf
from gateway.engine.prices import Price, Size, field_price, list_length, together
from gateway.engine.selection import Attribute, Batched, Event, Field, Selection
from gateway.engine.weights import list_size_of, weight_of

OBJECT = 1
MUTATION = 10
"""The weight of a mutation itself; that of a query is 0."""

INTROSPECTION = 10
"""The weight of a field below `__schema` or `__type`, fragments spelled out: it is run by a slower executor."""

UNDECLARED = 1_000
"""The size of a list that declares none. A gateway does not start with such a list in its schema."""

MOST = 2**53 - 1
"""The highest cost there is: every JSON reader gets it as it was sent."""


class Part(NamedTuple):
    """Things of which each costs what the dearest of `options` does."""

    size: Size
    options: Sequence[Estimate]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A cost as far as it is known without variables: `fixed` in any case, and the parts that hang on them."""

    fixed: int
    parts: Sequence[Part] = ()

    def of(self, variables: Mapping[str, Any]) -> int:
        """The cost with these variables, coerced; never below 0."""
        return self.fixed + sum(
            (size if isinstance(size, int) else size(variables)) * max(each.of(variables) for each in options)
            for size, options in self.parts
        )


def _sum(found: Sequence[Estimate]) -> Estimate:
    return Estimate(sum(each.fixed for each in found), [part for each in found for part in each.parts])


def _times(size: Size, each: Estimate) -> Estimate:
    if isinstance(size, int) and not each.parts:
        return Estimate(size * each.fixed)
    return Estimate(0, [Part(size, [each])])


def _dearest(found: Sequence[Estimate]) -> Estimate:
    if any(each.parts for each in found):
        return Estimate(0, [Part(1, found)])
    return max(found, key=lambda each: each.fixed, default=Estimate(0))


def estimate(
    schema: GraphQLSchema,
    root: Selection,
    kind: OperationType,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> Estimate:
    """The cost of an operation from its plan; it also tells each selection of the plan the price of one object.

    Takes time that grows with the plan. What is refused costs nothing. Raises `SchemaError` for a weight that is none.
    """
    own = MUTATION if kind is OperationType.MUTATION else 0
    return _Pricing(schema, fragments).selection(root, own, {})


@dataclass(frozen=True, slots=True)
class _Pricing:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]

    def selection(self, selection: Any, own: int, sized: Mapping[str, Size]) -> Estimate:
        """What one object costs with all below it; `sized` has the lists whose size its parent declares."""
        kind = self.schema.get_type(selection.names[0])
        assert isinstance(kind, GraphQLObjectType)
        prices: list[Price] = [own]
        below: list[Estimate] = []
        for each in selection.fields:
            if isinstance(each, Introspection):
                prices.append(INTROSPECTION * self._fields(each.nodes))
            elif isinstance(each, (Attribute, Batched, Event)):
                definition = kind.fields[each.site.name]
                prices.append(field_price(definition, each.site.nodes[0]))
                below.append(self._field(each, definition, sized))
        selection.price = together(prices)
        return _sum([_times(selection.price, Estimate(1)), *below])

    def _field(self, field: Field, definition: GraphQLField, sized: Mapping[str, Size]) -> Estimate:
        declared = list_size_of(definition)
        size: Size = UNDECLARED
        below: Mapping[str, Size] = {}
        if declared is not None:
            size = list_length(declared, definition, field.site.nodes[0])
        if declared is not None and declared.sized_fields:
            below = dict.fromkeys(declared.sized_fields, size)
            size = UNDECLARED
        return self._value(field.completer, sized.get(field.site.name, size), below)

    def _value(self, completer: Completer, size: Size, below: Mapping[str, Size]) -> Estimate:
        """What the value of a field costs; in a list of lists, each is of that size."""
        if isinstance(completer, ListOf):
            return _times(size, self._value(completer.item, size, below))
        if isinstance(completer, ObjectOf):
            return self._object(completer.selection, below)
        if isinstance(completer, AbstractOf):
            return _dearest([self._object(each, below) for each in completer.selections.values() if each])
        if isinstance(completer, Leaf):
            completer.weight = weight_of(completer.leaf) or 0
            return Estimate(completer.weight)
        raise TypeError(completer)

    def _object(self, selection: Any, below: Mapping[str, Size]) -> Estimate:
        weight = weight_of(self.schema.type_map[selection.names[0]])
        return self.selection(selection, OBJECT if weight is None else weight, below)

    def _fields(self, nodes: Sequence[FieldNode]) -> int:
        """How many fields these are with those below; spelled out, a document is known to be small by now."""
        found = 0
        pending: list[Any] = list(nodes)
        while pending:
            node = pending.pop()
            found += isinstance(node, FieldNode)
            inner = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            if inner.selection_set:
                pending += inner.selection_set.selections
        return found
