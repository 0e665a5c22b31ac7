"""No caller can tell two worlds apart that differ only in what it may not see; and six ways and more in which a
gateway would tell are found out by the same test, so that it is known to look."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from tests.isolation.gateways import Leak, play, two_worlds
from tests.isolation.scenarios import Scenario, scenarios

QUIET = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
]


def first_leak(folder: Path, examples: int, *, shrink: bool) -> tuple[int, Leak | None]:
    """Play that many scenarios, or until one leaks: how many it were, and the leak."""
    played = 0
    with asyncio.Runner() as runner:
        entering = two_worlds(folder)
        worlds = runner.run(entering.__aenter__())

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=not shrink,
            phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
            suppress_health_check=QUIET,
        )
        @given(scenarios())
        def search(scenario: Scenario) -> None:
            nonlocal played
            played += 1
            runner.run(play(scenario, worlds))

        try:
            search()
        except Leak as leak:
            return played, leak
        finally:
            runner.run(entering.__aexit__(None, None, None))
    return played, None


def test_what_a_caller_may_not_see_changes_nothing_that_it_is_told(tmp_path: Path) -> None:
    """Status, headers and body are the same to the byte, whatever stands in the rest of the world."""
    t = time.time()
    played, leak = first_leak(tmp_path, 150, shrink=True)
    print(played, time.time() - t)
    if leak is not None:
        raise leak
