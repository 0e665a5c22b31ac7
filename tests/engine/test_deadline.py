"""One deadline holds for the whole operation, and whoever hangs up stops the work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
import strawberry

from gateway.engine.batch import batch
from gateway.errors import FieldError
from tests.engine.stage import Stage

stopped: list[str] = []
begun: list[asyncio.Event] = []


async def slow(parents: Sequence[Any], access: Any) -> list[int]:
    """Never comes back by itself, and notes how it ended."""
    begun[0].set()
    try:
        await asyncio.sleep(3_600)
    except asyncio.CancelledError:
        stopped.append("slow")
        raise
    return [1 for _ in parents]


async def things(parents: Sequence[Any], access: Any) -> list[list[int]]:
    return [[1, 2] for _ in parents]


async def unlucky(parents: Sequence[Any], access: Any) -> list[int]:
    raise TimeoutError("the partner took too long")


@strawberry.type
class Thing:
    quick: int = batch(lambda parents, access: [7 for _ in parents])
    slow: int | None = batch(slow)


@strawberry.type
class Query:
    things: list[Thing] = batch(things)
    slow: int | None = batch(slow)
    slow_must: int = batch(lambda parents, access: slow(parents, access))
    unlucky: int | None = batch(unlucky)
    quick: int = batch(lambda parents, access: [7])


stage = Stage(Query)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    stopped.clear()
    begun[:] = [asyncio.Event()]


async def test_what_is_late_is_null_and_the_rest_stands() -> None:
    started = time.monotonic()
    answer = await stage.ask("{ things { quick slow } quick }", seconds=0.05)
    assert time.monotonic() - started < 5
    assert answer.data == {"things": [{"quick": 7, "slow": None}] * 2, "quick": 7}
    assert [error.path for error in answer.errors] == [["things", 0, "slow"], ["things", 1, "slow"]]
    assert stopped == ["slow"]


async def test_a_late_field_says_so() -> None:
    answer = await stage.ask("{ slow }", seconds=0.05)
    [error] = answer.errors
    assert isinstance(error.original_error, FieldError)
    assert error.original_error.extensions == {"code": "DEADLINE_EXCEEDED"}
    assert "0.05 seconds" in error.message


async def test_the_deadline_is_one_for_all_levels() -> None:
    """What waits behind a slow field does not get its own time."""
    started = time.monotonic()
    await stage.ask("{ a: things { slow } b: slow c: slow }", seconds=0.1)
    assert time.monotonic() - started < 1
    assert stopped == ["slow"] * 3


async def test_a_late_field_that_may_not_be_null_takes_the_answer_along() -> None:
    answer = await stage.ask("{ quick slowMust }", seconds=0.05)
    assert answer.data is None
    assert [error.path for error in answer.errors] == [["slowMust"]]


async def test_a_timeout_of_a_partner_is_not_the_deadline() -> None:
    answer = await stage.ask("{ unlucky }")
    [error] = answer.errors
    assert isinstance(error.original_error, TimeoutError)


@pytest.mark.parametrize("document", ["{ slow }", "{ things { slow } slow }"])
async def test_cancelling_an_operation_reaches_its_batch_functions(document: str) -> None:
    running = asyncio.ensure_future(stage.ask(document))
    await begun[0].wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert set(stopped) == {"slow"}
