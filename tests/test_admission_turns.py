"""Turns: places are given fairly, by cost, and nobody waits long or for nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from gateway.admission.turns import LONGEST, PATIENCE, SHORTEST, Line, Turns
from gateway.errors import Refusal


async def worked(turns: Turns, application: str, cost: float, done: Callable[[], None]) -> None:
    """An operation of this cost."""
    line = turns.join(application)
    await turns.take(line)
    await asyncio.sleep(0)
    line.served += cost
    turns.give_back(line)
    done()


async def served(costs: dict[str, float], rounds: int) -> Counter[str]:
    """How often each application had its turn while all of them asked all the time, after so many turns in all."""
    turns, found, over = Turns(16), Counter[str](), asyncio.Event()

    async def ask(application: str) -> None:
        def done() -> None:
            if not over.is_set():
                found[application] += 1
            if found.total() == rounds:
                over.set()

        while not over.is_set():
            await worked(turns, application, costs[application], done)

    async with asyncio.TaskGroup() as group:
        for application in costs:
            for _ in range(40):
                group.create_task(ask(application))
    return found


async def test_turns_are_given_by_what_they_cost() -> None:
    """Not by how many: who asks for half as much is served twice as often."""
    found = await served({"dear": 20, "cheap": 10}, 3_000)
    assert found["cheap"] / found["dear"] == pytest.approx(2, rel=0.15)


async def test_equal_applications_are_served_equally() -> None:
    found = await served({"a": 7, "b": 7, "c": 7}, 900)
    assert all(count == pytest.approx(300, rel=0.1) for count in found.values())


async def test_a_line_that_is_long_does_not_keep_a_newcomer_waiting() -> None:
    turns, order = Turns(2), list[str]()
    flood = [asyncio.create_task(worked(turns, "flood", 5, lambda: order.append("flood"))) for _ in range(50)]
    await asyncio.sleep(0)
    await asyncio.create_task(worked(turns, "guest", 5, lambda: order.append("guest")))
    await asyncio.gather(*flood)
    assert order.index("guest") <= 5


async def test_who_was_idle_has_not_saved_up() -> None:
    """It begins where the others are, and does not have it all for as long as it was away."""
    turns, order = Turns(2), list[str]()
    await worked(turns, "idle", 1, lambda: None)
    for _ in range(100):
        await worked(turns, "busy", 10, lambda: None)
    async with asyncio.TaskGroup() as group:
        for application in ("busy", "idle") * 20:
            group.create_task(worked(turns, application, 10, lambda name=application: order.append(name)))
    assert Counter(order[:20])["busy"] == pytest.approx(10, abs=3)


async def test_who_takes_long_has_three_quarters_of_the_places_at_most() -> None:
    turns = Turns(8)
    lines = [turns.join("slow") for _ in range(20)]
    waiting = [asyncio.create_task(turns.take(line)) for line in lines]
    await asyncio.sleep(0)
    assert sum(task.done() for task in waiting) == 6
    await asyncio.wait_for(worked(turns, "quick", 1, lambda: None), 0.1)
    for task in waiting:
        task.cancel()


async def test_a_full_line_takes_nobody_in() -> None:
    turns = Turns(2)
    for _ in range(LONGEST):
        turns.join("flood")
    assert turns.is_full("flood")
    with pytest.raises(Refusal) as refused:
        turns.join("flood")
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "1"})
    assert not turns.is_full("guest")
    turns.join("guest")


async def test_nobody_waits_for_longer_than_the_patience() -> None:
    turns = Turns(2)
    await turns.take(turns.join("slow"))
    line = turns.join("slow")
    began = asyncio.get_running_loop().time()
    with pytest.raises(Refusal) as refused:
        await turns.take(line)
    turns.leave(line)
    assert refused.value.code == "OVERLOADED"
    assert PATIENCE * 0.9 <= asyncio.get_running_loop().time() - began <= PATIENCE + 5
    assert (line.inside, len(line.waiting), line.running) == (0, 0, 1)


def test_a_line_becomes_as_long_as_it_is_served_in_time() -> None:
    line = Line()
    for _ in range(200):
        line.waited(PATIENCE)
    assert line.longest == SHORTEST
    for _ in range(200):
        line.waited(PATIENCE / 4)
    assert line.longest == LONGEST


@pytest.mark.parametrize("moment", ["while it waits", "as its turn comes"])
async def test_who_goes_leaves_its_turn_to_the_next(moment: str) -> None:
    turns = Turns(2)
    first = turns.join("shop")
    await turns.take(first)
    going, staying = (asyncio.create_task(turns.take(turns.join("shop"))) for _ in range(2))
    await asyncio.sleep(0)
    if moment == "as its turn comes":
        turns.give_back(first)
        going.cancel()
    else:
        going.cancel()
        await asyncio.sleep(0)
        turns.give_back(first)
    await asyncio.wait_for(staying, 0.1)
    assert going.cancelled()
    # As a ticket does for who went.
    turns.leave(first)
    assert (first.inside, first.running) == (0, 1)
    turns.give_back(first)
    assert first.is_idle
