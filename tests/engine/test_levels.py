"""A batch function is called once per level, with all parents of the level; independent fields run side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
import strawberry

from gateway.engine.batch import batch
from tests.engine.stage import Stage, said, text

calls: list[tuple[str, int]] = []
meeting: list[asyncio.Barrier] = []


class Book(NamedTuple):
    number: int


async def first_books(parents: Sequence[Any], access: Any) -> list[list[Book]]:
    calls.append(("books", len(parents)))
    return [[Book(1), Book(2), Book(3)] for _ in parents]


async def following(parents: Sequence[Book], access: Any) -> list[list[Book]]:
    calls.append(("sequels", len(parents)))
    return [[Book(book.number * 10), Book(book.number * 10 + 1)] for book in parents]


async def authors(parents: Sequence[Book], access: Any) -> list[str]:
    """Comes back only when another field is at work too."""
    calls.append(("authors", len(parents)))
    await meeting[0].wait()
    return [f"author of {book.number}" for book in parents]


async def halves(parents: Sequence[Book], access: Any) -> list[int]:
    return [1] * (len(parents) // 2)


async def shared(parents: Sequence[Any], access: Any) -> list[str]:
    """Waits for a partner's call that somebody else, who had begun it, cancels."""
    call = asyncio.ensure_future(asyncio.sleep(60))
    call.cancel()
    await call
    return ["never"]


@strawberry.type
class Work:
    number: int
    author: str = batch(authors, needs=["number"])
    other_author: str = batch(authors, needs=["number"])
    sequels: list[Work] = batch(following, needs=["number"])
    half: int | None = batch(halves)


@strawberry.type
class Query:
    books: list[Work] = batch(first_books)
    none: list[Work] = batch(lambda parents, access: [[] for _ in parents])
    shared: str | None = batch(shared)


stage = Stage(Query)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    calls.clear()
    meeting[:] = [asyncio.Barrier(2)]


async def test_one_call_a_level_however_many_parents() -> None:
    """Three books, six sequels, twelve sequels of sequels: each field is one call, with all of its parents."""
    answer = await stage.ask("{ books { number sequels { number sequels { number } } } }")
    assert calls == [("books", 1), ("sequels", 3), ("sequels", 6)]
    assert answer.data is not None
    assert answer.data["books"][2]["sequels"][1]["sequels"][0] == {"number": 310}


async def test_fields_of_a_level_run_side_by_side() -> None:
    """Each comes back only when the other has begun; one after the other, they would wait until the deadline."""
    answer = await stage.ask("{ books { author otherAuthor } }", seconds=5)
    assert not answer.errors
    assert calls == [("books", 1), ("authors", 3), ("authors", 3)]


async def test_fields_of_the_root_run_side_by_side() -> None:
    answer = await stage.ask("{ a: books { author } b: books { author } }", seconds=5)
    assert not answer.errors


async def test_a_level_without_parents_calls_nothing() -> None:
    answer = await stage.ask("{ none { author sequels { otherAuthor } } }", seconds=5)
    assert answer.data == {"none": []}
    assert calls == []


async def test_a_function_must_give_one_value_per_parent() -> None:
    """Else its field fails at each place, and the operation does not."""
    answer = await stage.ask("{ books { number half } }")
    assert text(answer.data) == (
        '{"books": [{"number": 1, "half": null}, {"number": 2, "half": null}, {"number": 3, "half": null}]}'
    )
    wrong = "halves gave 1 values for 3 parents"
    assert said(answer.errors) == [(["books", number, "half"], wrong) for number in range(3)]


async def test_a_call_cancelled_by_somebody_else_is_a_failed_field() -> None:
    """A call shared with a request that went away does not take this one along."""
    answer = await stage.ask("{ shared books { number } }")
    assert answer.data == {"shared": None, "books": [{"number": 1}, {"number": 2}, {"number": 3}]}
    assert [error.path for error in answer.errors] == [["shared"]]
