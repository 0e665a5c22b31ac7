"""Admission across processes: real ones that race for one budget, and real ones that are killed."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path

import httpx

from gateway.admission.ledger import Ledger
from gateway.admission.memory import Held, Memory, shared_memory
from tests.admission_workers import BUDGET, MOST, hammer, hold
from tests.conftest import start
from tests.processes import forked
from tests.world import small_world

ASKED = {"query": "{ caller { party } }"}
SECONDS = 2.0


def test_processes_that_race_for_one_budget_do_not_exceed_it(tmp_path: Path) -> None:
    """Nor are there ever more operations at work than there may be; and all is as before when they are done."""
    began = time.monotonic()
    racing = [forked(hammer, tmp_path, number, SECONDS) for number in range(4)]
    for process in racing:
        process.join(60)
        assert process.exitcode == 0
    elapsed = time.monotonic() - began
    found = [json.loads((tmp_path / f"done-{number}").read_text()) for number in range(4)]
    done = [each for one in found for each in one["done"]]
    spent = sum(actual for _, _, actual in done)
    assert BUDGET * 0.9 <= spent <= BUDGET + elapsed * BUDGET / 60
    assert sum(one["refused"] for one in found) > 0
    at_work = peak = 0
    for _, change in sorted([(began, 1) for began, _, _ in done] + [(ended, -1) for _, ended, _ in done]):
        at_work += change
        peak = max(peak, at_work)
    assert 1 < peak <= MOST
    memory = shared_memory(tmp_path)
    ledger = Ledger(memory)
    assert ledger.count("shop", Held.OPERATIONS) == 0
    assert ledger.balance("shop", BUDGET).held == 0
    memory.close()


def killed_holder(folder: Path, operations: int, cost: int) -> None:
    """A process that had operations of `alibaba-app` at work and was killed."""
    process = forked(hold, folder, "alibaba-app", operations, cost)
    until = time.monotonic() + 60
    while not (folder / "holding").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    assert process.pid is not None
    process.kill()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def test_what_a_killed_process_had_at_work_comes_back(tmp_path: Path) -> None:
    """Its places at once when somebody looks, and what it had reserved counts as spent."""
    memory = shared_memory(tmp_path)
    ledger = Ledger(memory)
    killed_holder(tmp_path, 5, 100)
    assert numbers(ledger) == (5, 1, 500)
    memory.bury()
    assert numbers(ledger) == (0, 0, 0)
    assert 400 < ledger.balance("alibaba-app", 1000).spent <= 500
    memory.close()


def test_a_process_that_begins_takes_nothing_of_a_killed_one_over(tmp_path: Path) -> None:
    killed_holder(tmp_path, 5, 100)
    memory = shared_memory(tmp_path)
    assert numbers(Ledger(memory)) == (0, 0, 0)
    memory.close()


def numbers(ledger: Ledger) -> tuple[int, int, float]:
    """What the application has at work: operations, connections, and what is reserved."""
    return (
        ledger.count("alibaba-app", Held.OPERATIONS),
        ledger.count("alibaba-app", Held.CONNECTIONS),
        ledger.balance("alibaba-app", 1000).held,
    )


async def test_a_gateway_admits_again_what_a_killed_worker_had_in_hand(tmp_path: Path) -> None:
    """Within a second, over HTTP and with a real token."""
    async for gateway in start(tmp_path, small_world(), concurrency=5):
        killed_holder(tmp_path / "admission", 5, 1)
        token = gateway.token("ALIBABA")
        answers: list[httpx.Response] = []
        ends = time.monotonic() + 10
        while not answers or answers[-1].status_code != 200:
            answers.append(await gateway.post(ASKED, token))
            await asyncio.sleep(0.05)
            assert time.monotonic() < ends
        assert answers[0].status_code in (200, 429)


def test_views_of_one_process_are_workers_of_their_own(tmp_path: Path) -> None:
    """As two gateways in one test are: neither is taken for dead while it lives."""
    one, other = shared_memory(tmp_path), shared_memory(tmp_path)
    assert Ledger(one).enter("shop", Held.OPERATIONS, 1)
    other.bury()
    assert Ledger(other).count("shop", Held.OPERATIONS) == 1
    closed(one, other)


def closed(*memories: Memory) -> None:
    """Leave all seats."""
    for memory in memories:
        memory.close()
