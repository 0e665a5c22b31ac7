"""Scalars and enums that every part of the schema uses."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from gateway.access.agreements import CONTRACT
from gateway.store.tables import instant

BigInt = NewType("BigInt", int)
DateTime = NewType("DateTime", str)

if TYPE_CHECKING:
    Party = str
else:
    # The parties are data, the contract's; a type checker sees the text that stands for one.
    Party = strawberry.enum(
        Enum("Party", {name: name for name in CONTRACT.owners}, type=str),
        description="A member of the venture, or a source of public data.",
    )


def _big_int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise ValueError("BigInt cannot represent a value that is not an integer of 64 bits")
    return value


def _moment(value: Any) -> str:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, str):
        return value
    raise ValueError("DateTime cannot represent a value that is not a moment")


def _read_moment(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("DateTime must be a string such as 2017-03-01T12:00:00Z")
    try:
        return instant(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        raise ValueError("DateTime must have a date, a time and a zone, as 2017-03-01T12:00:00Z") from None


_big_int.passes = int  # type: ignore[attr-defined]
_moment.passes = str  # type: ignore[attr-defined]

SCALARS: dict[object, ScalarDefinition] = {
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A signed integer of 64 bits, as a JSON number.",
        serialize=_big_int,
        parse_value=_big_int,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A moment, RFC 3339; given out in UTC.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
        serialize=_moment,
        parse_value=_read_moment,
    ),
}
