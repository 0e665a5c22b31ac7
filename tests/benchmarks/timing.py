"""Timing: ways to the same answer, run in turns."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence

Answer = Callable[[], Awaitable[bytes]]
"""One contender's way to the bytes of an answer."""

Times = Mapping[str, Sequence[float]]
"""For each way the milliseconds of its runs, in the order of the rounds."""

WARM_UP = 5

IN_A_ROW = 3
"""Runs of a way at each of its turns, of which the last counts."""


async def agreed(ways: Mapping[str, Answer]) -> bytes:
    """The answer that all ways give. Raises AssertionError where they differ."""
    found = {way: await answer() for way, answer in ways.items()}
    [answer, *others] = dict.fromkeys(found.values())
    assert not others, f"the answers differ: { ({way: len(each) for way, each in found.items()}) }"
    return answer


async def timed(ways: Mapping[str, Answer], rounds: int, clock: Callable[[], float]) -> Times:
    """The times of `rounds` runs of each way, by `clock`, after some that do not count.

    The ways take turns, so that all meet the same weather. At its turn a way runs until it finds the caches as it left
    them itself, as on a server at work, and every other round goes backwards, so that its neighbours change.
    """
    found: dict[str, list[float]] = {way: [] for way in ways}
    forwards = list(ways.items())
    for turn in range(WARM_UP + rounds):
        for way, answer in forwards if turn % 2 == 0 else reversed(forwards):
            for _ in range(IN_A_ROW):
                started = clock()
                await answer()
                taken = (clock() - started) * 1000
            if turn >= WARM_UP:
                found[way].append(taken)
    return found


def ratio(times: Sequence[float], to: Sequence[float]) -> float:
    """How many times as long the first took as the second: the median over the rounds."""
    return statistics.median(a / b for a, b in zip(times, to, strict=True))
