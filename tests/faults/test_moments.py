"""A sync that is ended at a hundred moments, and goes on each time, makes the same as one that nobody disturbed.

Here each pull is cancelled at some of its awaits, whichever those are: of a call, an answer, a statement, a commit.
`test_sync_failures.py` does it to processes, with SIGKILL, at a few moments of whole rounds.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Generator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from types import coroutine
from typing import Any

import pytest

from gateway.connector import Dataset, Upstream
from gateway.store.database import writer
from gateway.sync.pull import pull
from gateway.sync.rounds import Source
from tests.faults.base import empty
from tests.venture import Venture, venture

MOMENTS = 100


@coroutine
def watched(running: Coroutine[Any, Any, Any], moment: int) -> Generator[Any, Any, int]:
    """Run a coroutine, and cancel the task at its await of this number; how many awaits there were."""
    resume = partial(running.send, None)
    for number in count(1):
        try:
            awaited = resume()
        except StopIteration:
            return number
        if number == moment and (task := asyncio.current_task()):
            task.cancel()
        try:
            yield awaited
            resume = partial(running.send, None)
        except BaseException as error:
            resume = partial(running.throw, error)
    raise AssertionError


async def awaits(at_work: Venture, source: Source, dataset: Dataset, moment: int = 0) -> int | None:
    """How many awaits the pull of a dataset has; None where it was cancelled at one."""

    async def pulled() -> None:
        engine = writer(at_work.file)
        try:
            async with Upstream(source.name, source.settings, source.terms) as upstream:
                await pull(engine, upstream, source.name, dataset)
        finally:
            await engine.dispose()

    async def run() -> int:
        return await watched(pulled(), moment)

    task = asyncio.create_task(run())
    await asyncio.wait([task])
    if not task.cancelled():
        return task.result()
    # The error holds the statement it ended, and that the database's lock; a process that ends holds neither.
    del task
    gc.collect()
    return None


@asynccontextmanager
async def fresh(folder: Path, books: Path) -> AsyncIterator[Venture]:
    """Partners who told nobody anything yet, and an empty database."""
    (folder / "state").mkdir(parents=True)
    (folder / "state" / "gateway.db").write_bytes(empty())
    async with venture(folder, books) as found:
        yield found


def pulls(at_work: Venture) -> Iterator[tuple[Source, Dataset]]:
    """All there is to pull, what is about others' things last."""
    found = [(source, dataset) for source in at_work.sources for dataset in source.datasets]
    return iter(sorted(found, key=lambda each: each[1].about is not None))


async def test_ended_at_a_hundred_moments_nothing_is_lost_or_doubled(
    tmp_path: Path, books: Path, request: pytest.FixtureRequest
) -> None:
    """Each dataset's pull is cancelled a few times, more often the longer it is, and then left alone."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # of the moments, should this ever fail
    draw = random.Random(seed)
    gc.freeze()  # so that there is little to look through each time
    request.addfinalizer(gc.unfreeze)
    async with fresh(tmp_path / "undisturbed", books) as undisturbed:
        lengths = [await awaits(undisturbed, *each) or 0 for each in pulls(undisturbed)]
        least = min(lengths)
    moments = Counter(draw.choices(range(len(lengths)), lengths, k=MOMENTS))
    async with fresh(tmp_path / "disturbed", books) as disturbed:
        for number, each in enumerate(pulls(disturbed)):
            left = lengths[number]
            while moments[number]:
                moment = draw.randint(1, max(left, least) - 1)
                ended = await awaits(disturbed, *each, moment) is None
                # What is done is not done again; one that was done has the least to do.
                left, moments[number] = left - moment, moments[number] - ended
            assert await awaits(disturbed, *each)
    assert disturbed.rows() == undisturbed.rows()
    assert undisturbed.rows()["orders"]
