"""Weights: what the schema says of the cost of its parts, as `@cost` and `@listSize`.

The directives are those of IBM's GraphQL Cost Directives (https://ibm.github.io/graphql-specs/cost-spec.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLArgument, GraphQLField, GraphQLInputField, GraphQLNamedType
from strawberry.schema_directive import Location

from gateway.errors import SchemaError


@strawberry.schema_directive(
    # In the order of the alphabet, as the schema is sorted; else Strawberry prints the directive twice.
    locations=[
        Location.ARGUMENT_DEFINITION,
        Location.ENUM,
        Location.FIELD_DEFINITION,
        Location.INPUT_FIELD_DEFINITION,
        Location.OBJECT,
        Location.SCALAR,
    ],
    name="cost",
    print_definition=True,
)
class Cost:
    """What a value of this type, a field's being asked of an object, or an argument's being given adds to the cost."""

    weight: str


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    print_definition=True,
)
class ListSize:
    """How long the list of this field is at most, or those of its `sizedFields`: the largest of its slicing arguments
    says so, and where none is given the assumed size."""

    assumed_size: int | None = strawberry.UNSET
    require_one_slicing_argument: bool | None = True
    sized_fields: list[str] | None = strawberry.UNSET
    slicing_arguments: list[str] | None = strawberry.UNSET


def cost(weight: int) -> Cost:
    """The weight of a type, field or argument, in whole units: an object is one where nothing else is said."""
    return Cost(weight=str(weight))


def list_size(assumed: int, *, slicing: Sequence[str] = (), sized: Sequence[str] = ()) -> ListSize:
    """The list has as many things as the largest of its slicing arguments says, `assumed` where none is given.

    `sized` names the fields below that have the things, where they are not in the field itself.
    """
    return ListSize(
        assumed_size=assumed,
        require_one_slicing_argument=False if slicing else strawberry.UNSET,
        sized_fields=list(sized) or strawberry.UNSET,
        slicing_arguments=list(slicing) or strawberry.UNSET,
    )


Weighed = GraphQLNamedType | GraphQLField | GraphQLArgument | GraphQLInputField

D = TypeVar("D")


def weight_of(part: Weighed) -> int | None:
    """The weight that a part of the schema declares, None where it declares none. Raises `SchemaError`."""
    found = _declared(part, Cost)
    if found is None:
        return None
    try:
        return int(found.weight)
    except ValueError:
        raise SchemaError(f"@cost(weight: {found.weight!r}) is not a whole number") from None


def list_size_of(field: GraphQLField) -> ListSize | None:
    """What a field declares about the lists in it."""
    return _declared(field, ListSize)


def _declared(part: Any, kind: type[D]) -> D | None:
    definition = part.extensions.get("strawberry-definition")
    directives: Iterable[object] = getattr(definition, "directives", None) or ()
    return next((each for each in directives if isinstance(each, kind)), None)
