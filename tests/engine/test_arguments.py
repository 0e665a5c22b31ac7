"""Arguments and variables are coerced as the specification has it; what cannot be is the caller's error, in words."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import pytest
import strawberry

from gateway.engine.batch import batch
from gateway.engine.documents import InvalidDocument
from tests.engine.stage import Stage, said


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


strawberry.enum(Size)


@strawberry.input
class Box:
    """`side` may not be negative, which its class alone knows."""

    side: int
    sizes: list[Size] = strawberry.field(default_factory=lambda: [Size.SMALL])
    inner: Box | None = None

    def __post_init__(self) -> None:
        if self.side < 0:
            raise ValueError("a side is never negative")


def echo(
    parents: Sequence[Any],
    access: Any,
    *,
    number: int | None = None,
    size: Size = Size.SMALL,
    numbers: list[int] | None = None,
    box: Box | None = None,
) -> list[str]:
    """Arguments as given; one that was left out is not among them."""
    return [repr((number, size.name, numbers, box)) for _ in parents]


async def must(parents: Sequence[Any], access: Any, *, number: int = 7) -> list[str]:
    return [repr(number) for _ in parents]


@strawberry.type
class Item:
    must: str | None = batch(must)


@strawberry.type
class Query:
    echo: str | None = batch(echo)
    must: str | None = batch(must)
    items: list[Item] = batch(lambda parents, access: [[1, 2]])


stage = Stage(Query)


@pytest.mark.parametrize(
    ("document", "variables", "seen"),
    [
        ("{ echo }", {}, "(None, 'SMALL', None, None)"),
        ("{ echo(number: null, numbers: 3, size: LARGE) }", {}, "(None, 'LARGE', [3], None)"),
        ("query ($n: Int = 5) { echo(number: $n) }", {}, "(5, 'SMALL', None, None)"),
        ("query ($n: Int = 5) { echo(number: $n) }", {"n": None}, "(None, 'SMALL', None, None)"),
        ("query ($s: Size) { echo(size: $s) }", {}, "(None, 'SMALL', None, None)"),
        ("query ($s: Size!) { echo(size: $s) }", {"s": "LARGE"}, "(None, 'LARGE', None, None)"),
        ("query ($n: Int!) { echo(numbers: [1, $n]) }", {"n": 2}, "(None, 'SMALL', [1, 2], None)"),
        (
            "query ($n: Int!) { echo(box: {side: $n, inner: {side: 2, sizes: LARGE}}) }",
            {"n": 1},
            "(None, 'SMALL', None, Box(side=1, sizes=[<Size.SMALL: 's'>], "
            "inner=Box(side=2, sizes=[<Size.LARGE: 'l'>], inner=None)))",
        ),
    ],
)
async def test_what_a_batch_function_gets(document: str, variables: dict[str, Any], seen: str) -> None:
    answer = await stage.ask(document, variables)
    assert not answer.errors
    assert answer.data == {"echo": seen}


async def test_a_variable_that_is_left_out_leaves_the_argument_out() -> None:
    answer = await stage.ask("query ($n: Int) { must(number: $n) }")
    assert answer.data == {"must": "7"}


async def test_a_null_for_a_default_that_may_not_be_null_fails_the_field() -> None:
    """The document is valid, for the variable may be left out; so only the field fails, at each of its places."""
    answer = await stage.ask("query ($n: Int) { echo items { must(number: $n) } }", {"n": None})
    assert answer.data is not None
    assert answer.data["items"] == [{"must": None}, {"must": None}]
    paths = [path for path, _ in said(answer.errors)]
    assert paths == [["items", 0, "must"], ["items", 1, "must"]]
    assert "not to be None" in answer.errors[0].message


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("{ echo(box: {side: -1}) must }", {}),
        ("query ($b: Box) { echo(box: $b) must }", {"b": {"side": -1}}),
    ],
)
async def test_an_input_that_its_class_refuses_fails_the_field(
    document: str, variables: dict[str, Any]
) -> None:
    answer = await stage.ask(document, variables)
    assert answer.data == {"echo": None, "must": "7"}
    assert said(answer.errors) == [(["echo"], "a side is never negative")]


@pytest.mark.parametrize(
    ("definition", "variables", "message"),
    [
        (
            "$n: Int",
            {"n": "5"},
            "Variable '$n' has invalid value: Int cannot represent non-integer value: '5'",
        ),
        ("$n: Int!", {}, "Variable '$n' has invalid value: Expected a value of non-null type 'Int!'"),
        ("$n: Int!", {"n": None}, "Expected value of non-null type 'Int!' not to be None."),
        ("$n: Int", {"n": 2**31}, "Int cannot represent non 32-bit signed integer value: 2147483648"),
        ("$n: Int", {"n": [1]}, "Int cannot represent non-integer value: [1]"),
    ],
)
async def test_a_variable_that_cannot_be_coerced_refuses_the_operation(
    definition: str, variables: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidDocument) as caught:
        await stage.ask(f"query ({definition}) {{ echo(number: $n) }}", variables)
    assert caught.value.code == "BAD_USER_INPUT"
    [error] = caught.value.errors
    assert message in error.message


async def test_an_error_says_no_more_than_the_caller_may_know() -> None:
    """No suggestion names a value or a field that was not asked for."""
    with pytest.raises(InvalidDocument) as caught:
        await stage.ask("query ($s: Size) { echo(size: $s) }", {"s": "LARG"})
    assert "LARGE" not in caught.value.errors[0].message
    with pytest.raises(InvalidDocument) as caught:
        await stage.ask("{ ech(siz: LARG) }")
    assert not any("Did you mean" in each.message for each in caught.value.errors)
