"""Leaves are given out as their types have it: a column at once where all is as it should be, else value by value."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
import strawberry

from gateway.clients.scalars import SCALARS, BigInt, DateTime
from gateway.engine.batch import batch
from tests.engine.stage import Stage


class Shade(Enum):
    DARK = "d"
    LIGHT = 1


strawberry.enum(Shade)


def lists(*values: Any) -> Any:
    """A batch function that gives a list of these."""
    return lambda parents, access: [list(values) for _ in parents]


@strawberry.type
class Query:
    ints: list[int | None] = batch(lists(1, True, 2.0, "3", None))
    strings: list[str | None] = batch(lists("a", 1, True, None))
    ids: list[strawberry.ID] = batch(lists("a", 1))
    flags: list[bool] = batch(lists(True, 0, 1.0))
    floats: list[float] = batch(lists(1.5, 1, "2.5"))
    shades: list[Shade] = batch(lists(Shade.DARK, "d", 1, "d"))
    moments: list[DateTime] = batch(lists("2017-03-01T12:00:00Z", datetime(2017, 3, 1, 12, tzinfo=UTC)))
    amounts: list[Decimal] = batch(lists(Decimal("1.50"), Decimal("-0.07")))
    numbers: list[BigInt] = batch(lists(2**53 + 1, -(2**63)))
    all_strings: list[str] = batch(lists(1, 2))
    all_ids: list[strawberry.ID] = batch(lists(1, 2))
    all_ints: list[int] = batch(lists(True, False))
    all_flags: list[bool] = batch(lists(1, 0))
    all_floats: list[float] = batch(lists(1, 2))
    all_shades: list[Shade] = batch(lists("d", "d"))
    too_large: list[BigInt | None] = batch(lists(1, 2**63))
    no_shade: list[Shade | None] = batch(lists("d", "black", "d"))


stage = Stage(Query, scalar_map=SCALARS)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("ints", [1, 1, 2, 3, None]),
        ("strings", ["a", "1", "true", None]),
        ("ids", ["a", "1"]),
        ("flags", [True, False, True]),
        ("floats", [1.5, 1.0, 2.5]),
        ("shades", ["DARK", "DARK", "LIGHT", "DARK"]),
        ("moments", ["2017-03-01T12:00:00Z", "2017-03-01T12:00:00Z"]),
        ("amounts", ["1.50", "-0.07"]),
        ("numbers", [9007199254740993, -9223372036854775808]),
        # Columns of one Python type, which is not the one that the leaf gives out.
        ("allStrings", ["1", "2"]),
        ("allIds", ["1", "2"]),
        ("allInts", [1, 0]),
        ("allFlags", [True, False]),
        ("allFloats", [1.0, 2.0]),
        ("allShades", ["DARK", "DARK"]),
    ],
)
async def test_what_a_leaf_is_given_out_as(field: str, values: list[Any]) -> None:
    """Twice, for the plan remembers what it has seen."""
    for _ in range(2):
        answer = await stage.ask(f"{{ {field} }}")
        assert not answer.errors
        assert answer.data == {field: values}
        assert list(map(type, answer.data[field])) == list(map(type, values))


@pytest.mark.parametrize(
    ("field", "values", "words"),
    [
        # A larger number could not be written as JSON, and the whole answer would be lost.
        ("tooLarge", [1, None], "BigInt cannot represent a value that is not an integer of 64 bits"),
        ("noShade", ["DARK", None, "DARK"], "Enum 'Shade' cannot represent value: 'black'"),
    ],
)
async def test_one_bad_leaf_fails_alone(field: str, values: list[Any], words: str) -> None:
    answer = await stage.ask(f"{{ {field} }}")
    assert answer.data == {field: values}
    [error] = answer.errors
    assert error.message == words
    assert error.path == [field, 1]
