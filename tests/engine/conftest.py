"""What the tests of the engine share: a loop that hypothesis can use again and again, and the zoo in both versions."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from itertools import count
from typing import Any

import pytest

from tests.engine.comparison import Oracle
from tests.engine.stage import open_view
from tests.engine.zoo import make_zoo
from tests.reference import Reference

Runs = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    """Runs coroutines on one loop, which does not complain of what graphql-core leaves behind.

    Garbage is collected only here: a dropped coroutine warns when it goes, which cannot be done just anywhere.
    """
    calls = count(1)
    gc.disable()
    gc.freeze()
    with asyncio.Runner() as runner:
        runner.get_loop().set_exception_handler(lambda loop, context: None)

        def run(work: Coroutine[Any, Any, Any]) -> Any:
            if next(calls) % 200 == 0:
                gc.collect()
            return runner.run(work)

        yield run
        gc.collect()
    gc.unfreeze()
    gc.enable()


@pytest.fixture(scope="module")
def zoo_oracle() -> Oracle:
    """The zoo under the engine and under graphql-core."""
    return Oracle(open_view(*make_zoo()), Reference(*make_zoo()))
