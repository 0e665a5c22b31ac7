"""No caller can tell two worlds apart that differ only in what it may not see; and leaks that are planted in the
gateway, by which it could, are found by the very same test, so that it is known to look."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.isolation.gateways import Leak, play, two_worlds
from tests.isolation.leaks import LEAKS, Plant, forget
from tests.isolation.scenarios import SCENARIOS, Scenario

EXAMPLES = 120
"""Scenarios that a gateway must play without a leak."""

PATIENCE = 100
"""Scenarios within which a planted leak must be found."""


def first_leak(folder: Path, examples: int, *phases: Phase, derandomize: bool) -> tuple[int, Leak | None]:
    """Play scenarios until one leaks: how many it took, and the leak, or None where none of them does."""
    played = 0
    with asyncio.Runner() as runner:
        entering = two_worlds(folder)
        worlds = runner.run(entering.__aenter__())

        @settings(
            max_examples=examples,
            phases=phases,
            derandomize=derandomize,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        @given(SCENARIOS)
        def search(scenario: Scenario) -> None:
            nonlocal played
            played += 1
            forget()
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
    _, leak = first_leak(tmp_path, EXAMPLES, Phase.generate, Phase.shrink, derandomize=False)
    if leak is not None:
        raise leak


@pytest.mark.parametrize("plant", LEAKS, ids=lambda plant: plant.__name__)
def test_a_planted_leak_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Plant) -> None:
    """A leak that stays hidden would mean that the test above proves nothing about its like."""
    plant(monkeypatch)
    played, leak = first_leak(tmp_path, PATIENCE, Phase.generate, derandomize=True)
    print(plant.__name__, played)
    assert leak is not None, f"after {played} scenarios: {plant.__doc__}"
