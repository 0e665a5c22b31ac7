"""A null where none may be goes up to the next place that may be null, and its error keeps its path (spec 6.4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
import strawberry

from gateway.engine.batch import batch
from gateway.errors import FieldError
from tests.engine.stage import Stage, said

MISSING = "Cannot return null for non-nullable field Leaf.must."


class Twig(NamedTuple):
    """A leaf to be; `must` is what the schema says is always there."""

    name: str
    must: Any


def twigs(*values: Any) -> Any:
    """A batch function that gives a list of leaves with these values in `must`."""
    return lambda parents, access: [[Twig(f"{n}", value) for n, value in enumerate(values)] for _ in parents]


def value(it: Any) -> Any:
    """A batch function that gives this value."""
    return lambda parents, access: [it for _ in parents]


def partly(parents: Sequence[Twig], access: Any) -> list[Any]:
    return [FieldError("odd one", "ODD") if twig.name == "1" else twig.name for twig in parents]


@strawberry.type
class Leaf:
    name: str
    must: int
    partly: str | None = batch(partly)


@strawberry.type
class Branch:
    leaf: Leaf = batch(value(Twig("x", None)))
    bud: Leaf | None = batch(value(Twig("x", None)))


@strawberry.type
class Query:
    soft: list[Leaf | None] | None = batch(twigs(1, None, 3))
    firm: list[Leaf] | None = batch(twigs(1, None, 3))
    hard: list[Leaf] = batch(twigs(1, None, 3))
    fine: list[Leaf] = batch(twigs(1, 2))
    branch: Branch | None = batch(value(Twig("x", 1)))
    gone: Leaf = batch(value(None))
    numbers: list[int] | None = batch(value([1, None, "x", 4]))
    grid: list[list[int] | None] = batch(value([[1], [2, None], [3]]))
    whole: int | None = batch(value("many"))
    large: int | None = batch(value(2**31))
    ratio: float | None = batch(value(float("inf")))
    no_list: list[int] | None = batch(value("text"))


stage = Stage(Query)


@pytest.mark.parametrize(
    ("document", "data", "errors"),
    [
        (
            "{ soft { name must } }",
            {"soft": [{"name": "0", "must": 1}, None, {"name": "2", "must": 3}]},
            [(["soft", 1, "must"], MISSING)],
        ),
        ("{ firm { name must } }", {"firm": None}, [(["firm", 1, "must"], MISSING)]),
        ("{ fine { name } hard { must } }", None, [(["hard", 1, "must"], MISSING)]),
        ("{ branch { bud { must } } }", {"branch": {"bud": None}}, [(["branch", "bud", "must"], MISSING)]),
        ("{ branch { leaf { must } } }", {"branch": None}, [(["branch", "leaf", "must"], MISSING)]),
        ("{ gone { name } }", None, [(["gone"], "Cannot return null for non-nullable field Query.gone.")]),
        (
            "{ numbers }",
            {"numbers": None},
            [
                (["numbers", 1], "Cannot return null for non-nullable field Query.numbers."),
                (["numbers", 2], "Int cannot represent non-integer value: 'x'"),
            ],
        ),
        (
            "{ grid }",
            {"grid": [[1], None, [3]]},
            [(["grid", 1, 1], "Cannot return null for non-nullable field Query.grid.")],
        ),
        ("{ whole }", {"whole": None}, [(["whole"], "Int cannot represent non-integer value: 'many'")]),
        (
            "{ large }",
            {"large": None},
            [(["large"], "Int cannot represent non 32-bit signed integer value: 2147483648")],
        ),
        ("{ ratio }", {"ratio": None}, [(["ratio"], "Float cannot represent non numeric value: inf")]),
        (
            "{ noList }",
            {"noList": None},
            [(["noList"], "Expected Iterable, but did not find one for field 'Query.noList'.")],
        ),
        (
            "{ fine { partly } }",
            {"fine": [{"partly": "0"}, {"partly": None}]},
            [(["fine", 1, "partly"], "odd one")],
        ),
    ],
)
async def test_where_a_null_ends_up(document: str, data: Any, errors: list[tuple[list[Any], str]]) -> None:
    answer = await stage.ask(document)
    assert answer.data == data
    assert said(answer.errors) == errors


async def test_a_failure_does_not_touch_its_neighbours() -> None:
    """The same field in another list, the other items, the other fields: all stand."""
    answer = await stage.ask("{ firm { must } fine { must } soft { name } }")
    assert answer.data == {
        "firm": None,
        "fine": [{"must": 1}, {"must": 2}],
        "soft": [{"name": "0"}, {"name": "1"}, {"name": "2"}],
    }


async def test_errors_name_the_place_in_the_document() -> None:
    answer = await stage.ask("{\n  soft {\n    must\n  }\n}")
    [error] = answer.errors
    assert [(each.line, each.column) for each in error.locations or []] == [(3, 5)]
