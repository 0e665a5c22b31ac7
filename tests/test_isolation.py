"""No caller can tell two worlds apart that differ only in what it may not see; and leaks that are planted in the
gateway, by which it could, are found by the very same test, so that it is known to look."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from gateway.store.queries import Query
from gateway.store.readers import Readers
from gateway.store.tables import NOBODY, metadata
from tests.isolation.gateways import Leak, World, play, two_gateways
from tests.isolation.leaks import LEAKS
from tests.isolation.planting import Plant, forget
from tests.isolation.scenarios import SCENARIOS, Scenario
from tests.isolation.worlds import rows, seen

EXAMPLES = 60
"""Scenarios that a gateway must play without a leak."""

PATIENCE = 400
"""Scenarios within which a planted leak must be found."""

Check = Callable[[Any, tuple[World, World]], Awaitable[None]]


def try_scenarios(
    folder: Path,
    check: Check,
    examples: int,
    *phases: Phase,
    derandomize: bool = False,
    drawn: st.SearchStrategy[Any] = SCENARIOS,
) -> None:
    """Draw scenarios and check each, in two gateways that stay up. Raises what the check raises."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        entering = two_gateways(folder)
        worlds = runner.run(entering.__aenter__())

        @settings(
            max_examples=examples,
            phases=phases,
            derandomize=derandomize,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
        @given(drawn)
        def try_one(scenario: Any) -> None:
            forget()
            runner.run(check(scenario, worlds))

        try:
            try_one()
        finally:
            runner.run(entering.__aexit__(None, None, None))


def test_what_a_caller_may_not_see_changes_nothing_that_it_is_told(tmp_path: Path) -> None:
    """Status, headers and body are the same to the byte, whatever stands in the rest of the world."""
    try_scenarios(tmp_path, play, EXAMPLES, Phase.generate, Phase.shrink)


@pytest.mark.parametrize("plant", LEAKS, ids=lambda plant: plant.__name__)
def test_a_planted_leak_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Plant) -> None:
    """A leak that stays hidden would mean that the test above proves nothing about its like."""
    plant(monkeypatch)
    with pytest.raises(Leak):
        try_scenarios(tmp_path, play, PATIENCE, Phase.generate, derandomize=True)


async def compare(scenario: Scenario, worlds: tuple[World, World]) -> None:
    """Whether the database shows the caller, of every table, the rows that the reference says."""
    await worlds[0].become(scenario.worlds[0])
    expected = rows(seen(scenario.worlds[0], scenario.caller))
    pool = Readers(worlds[0].path, 1)
    await pool.open()
    for table in metadata.sorted_tables:
        if table.info["rows"] != NOBODY and table.name != "clients":
            keys = [each.name for each in table.primary_key]
            found = await pool.fetch(scenario.caller, Query(select(*table.primary_key)))
            told = {tuple(row[key] for key in keys) for row in expected.get(table, [])}
            assert {tuple(row) for row in found} == told, table.name
            assert len(found) == len(told)
    await pool.close()


def test_the_row_rules_show_what_agreements_and_consents_say(tmp_path: Path) -> None:
    """To the row, in every table: what the reference has, which was written without a look at the rules."""
    try_scenarios(tmp_path, compare, 40, Phase.generate, Phase.shrink)
