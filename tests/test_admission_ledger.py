"""The ledger: whatever workers do and however they end, no budget is exceeded, and no place or unit is lost."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import ceil, inf, nan
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from gateway.admission.ledger import Balance, Ledger
from gateway.admission.memory import ROWS, SIZE, Held, Memory, private_memory, shared_memory
from gateway.admission.seats import SEATS

BUDGET, MOST = 600, 4
RATE = BUDGET / 60
LONGEST = 10.0


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(eq=False)
class Work:
    """An operation as the test knows it: `cost` is what was reserved until it has ended, then what it was."""

    began: float
    cost: float
    worker: int
    running: bool = True


def kill(memory: Memory) -> None:
    """What is left of a worker that was killed: the system closes its files, and nothing else happens."""
    for descriptor in memory._descriptors:
        os.close(descriptor)


class Workers(RuleBasedStateMachine):
    """Some workers of one folder, each with its own open files, as processes have them."""

    works = Bundle("works")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._clock = Clock()
        self._workers: dict[int, Ledger] = {}
        self._all: list[Work] = []
        self._dead = False
        self.start()

    def teardown(self) -> None:
        for each in self._workers.values():
            each.memory.close()
        self._folder.cleanup()

    def _live(self) -> list[Work]:
        return [each for each in self._all if each.running and each.worker in self._workers]

    @rule()
    def start(self) -> None:
        """A worker begins."""
        if len(self._workers) < 4:
            memory = shared_memory(Path(self._folder.name))
            self._workers[len(self._workers) + 10 * len(self._all) + id(memory)] = Ledger(memory, self._clock)

    @rule(pick=st.integers(0, 3))
    def crash(self, pick: int) -> None:
        """A worker is killed, and a new one may begin before anybody has buried it."""
        if self._workers:
            name = list(self._workers)[pick % len(self._workers)]
            kill(self._workers.pop(name).memory)
            self._dead = True

    @rule(pick=st.integers(0, 3))
    def leave(self, pick: int) -> None:
        """A worker that has nothing at work ends."""
        if self._workers:
            name = list(self._workers)[pick % len(self._workers)]
            if not any(each.worker == name for each in self._live()):
                self._workers.pop(name).memory.close()

    @rule()
    def bury(self) -> None:
        if self._workers:
            next(iter(self._workers.values())).memory.bury()
            self._dead = False

    @rule(seconds=st.floats(0, 100))
    def wait(self, seconds: float) -> None:
        self._clock.now += seconds

    @rule(target=works, pick=st.integers(0, 3), cost=st.integers(0, BUDGET))
    def begin(self, pick: int, cost: int) -> Work | None:
        """An operation is admitted, or refused for a reason."""
        if not self._workers:
            return None
        name = list(self._workers)[pick % len(self._workers)]
        ledger = self._workers[name]
        if not ledger.enter("shop", Held.OPERATIONS, MOST):
            assert self._dead or len(self._live()) >= MOST
            return None
        admitted, balance = ledger.reserve("shop", cost, BUDGET)
        if not admitted:
            ledger.settle("shop", 0, 0, BUDGET)
            assert balance.available < cost
            self._check_wait(ledger, cost, balance)
            return None
        found = Work(self._clock.now, cost, name)
        self._all.append(found)
        return found

    def _check_wait(self, ledger: Ledger, cost: int, balance: Balance) -> None:
        """After as long as it was told to wait the same is admitted, though what is at work is still not done."""
        if balance.held + cost <= BUDGET:
            self._clock.now += ceil(balance.wait(cost, LONGEST))
            assert ledger.balance("shop", BUDGET).available >= cost

    @rule(work=consumes(works), share=st.floats(0, 1))
    def settle(self, work: Work | None, share: float) -> None:
        if work is not None and work.worker in self._workers:
            actual = work.cost * share
            self._workers[work.worker].settle("shop", work.cost, actual, BUDGET)
            work.cost, work.running = actual, False

    @rule(work=consumes(works))
    def cancel(self, work: Work | None) -> None:
        """What was cancelled has cost what was estimated."""
        self.settle(work, 1.0)

    @invariant()
    def nothing_is_lost_or_below_nothing(self) -> None:
        if self._workers:
            ledger = next(iter(self._workers.values()))
            count, live = ledger.count("shop", Held.OPERATIONS), self._live()
            balance = ledger.balance("shop", BUDGET)
            assert balance.spent >= 0
            assert 0 <= balance.available <= BUDGET
            assert count <= MOST
            if self._dead:
                assert count >= len(live)
            else:
                assert count == len(live)
                assert balance.held == pytest.approx(sum(each.cost for each in live), abs=1e-6)

    @invariant()
    def no_stretch_of_time_costs_more_than_it_may(self) -> None:
        """Whatever began between two moments has cost the budget and what came back meanwhile, at most."""
        moments = sorted({each.began for each in self._all} | {self._clock.now})
        for first, last in [*combinations(moments, 2), *((each, each) for each in moments)]:
            cost = sum(each.cost for each in self._all if first <= each.began <= last)
            assert cost <= BUDGET + RATE * (last - first) + 0.1


TestWorkers = Workers.TestCase
TestWorkers.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[tuple[Memory, Memory]]:
    """Two workers of one folder."""
    pair = shared_memory(tmp_path), shared_memory(tmp_path)
    yield pair
    for each in pair:
        each.close()


def test_a_worker_sees_what_another_one_has(shared: tuple[Memory, Memory]) -> None:
    one, other = (Ledger(memory) for memory in shared)
    assert one.enter("shop", Held.OPERATIONS, 1)
    assert not other.enter("shop", Held.OPERATIONS, 1)
    assert other.enter("stall", Held.OPERATIONS, 1)
    assert other.enter("shop", Held.CONNECTIONS, 1)
    one.leave("shop", Held.OPERATIONS)
    assert other.enter("shop", Held.OPERATIONS, 1)
    assert one.reserve("shop", 60, 100)[0]
    assert other.reserve("shop", 41, 100) == (False, Balance(100, 0, 60))


def test_what_was_reserved_too_much_comes_back_at_once() -> None:
    clock = Clock()
    ledger = Ledger(private_memory(), clock)
    ledger.reserve("shop", 90, 100)
    assert ledger.settle("shop", 90, 10, 100) == Balance(100, 10, 0)
    clock.now += 3
    assert ledger.balance("shop", 100) == Balance(100, 5, 0)
    clock.now += 3000
    assert ledger.balance("shop", 100) == Balance(100, 0, 0)


def test_an_operation_dearer_than_it_was_estimated_leaves_a_debt() -> None:
    """The next one waits for it too."""
    clock = Clock()
    ledger = Ledger(private_memory(), clock)
    ledger.reserve("shop", 10, 60)
    ledger.settle("shop", 10, 100, 60)
    admitted, balance = ledger.reserve("shop", 1, 60)
    assert (admitted, balance.available, balance.wait(1, LONGEST)) == (False, 0, 41)
    clock.now += 41
    assert ledger.reserve("shop", 1, 60)[0]


def test_who_waits_for_what_is_at_work_waits_until_it_must_have_ended() -> None:
    clock = Clock()
    ledger = Ledger(private_memory(), clock)
    ledger.reserve("shop", 100, 100)
    _, balance = ledger.reserve("shop", 40, 100)
    wait = balance.wait(40, LONGEST)
    clock.now += LONGEST
    ledger.settle("shop", 100, 100, 100)
    clock.now += wait - LONGEST
    assert ledger.reserve("shop", 40, 100)[0]


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"\xff" * SIZE, os.urandom(SIZE), b"adm\x00\x00\x00\x00\x01" + b"\xff" * SIZE],
    ids=["empty", "short", "full", "random", "ours and nonsense"],
)
def test_a_broken_file_stops_nobody(tmp_path: Path, content: bytes) -> None:
    """It is begun anew, or put right as it is used, and read by its owner alone."""
    (tmp_path / "ledger").write_bytes(content)
    memories = shared_memory(tmp_path), shared_memory(tmp_path)
    for memory in memories:
        memory.bury()
    ledger = Ledger(memories[0])
    for application in ("shop", "stall"):
        assert ledger.enter(application, Held.OPERATIONS, 1)
        assert ledger.reserve(application, 10, 100)[0]
        assert 0 <= ledger.settle(application, 10, 10, 100).available <= 100
        assert ledger.count(application, Held.OPERATIONS) == 0
    for memory in memories:
        memory.close()


def test_nonsense_in_a_row_is_put_right() -> None:
    for spent in (nan, inf, -inf, -1.0, 1e300):
        memory = private_memory()
        ledger = Ledger(memory)
        row = memory.row("shop")
        assert row is not None
        for at in (nan, inf, -inf, 1e300):
            memory.numbers[row], memory.numbers[row + 1] = spent, at
            assert ledger.balance("shop", 100).available == 100


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    memory = shared_memory(tmp_path / "admission")
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "admission").iterdir()]
    assert modes == [0o600, 0o600]
    assert stat.S_IMODE((tmp_path / "admission").stat().st_mode) == 0o700
    assert b"shop" not in (tmp_path / "admission" / "ledger").read_bytes()
    memory.close()


def test_a_clock_that_began_anew_gives_nothing_away(tmp_path: Path) -> None:
    """As after the machine was started again: what was spent comes back from now on."""
    clock = Clock()
    memory = shared_memory(tmp_path)
    Ledger(memory, clock).settle("shop", 0, 100, 100)
    memory.close()
    clock.now = 1
    memory = shared_memory(tmp_path)
    ledger = Ledger(memory, clock)
    assert ledger.balance("shop", 100).spent == 100
    clock.now += 30
    assert ledger.balance("shop", 100).spent == 50
    memory.close()


def test_idle_applications_make_room_and_busy_ones_do_not() -> None:
    """There may be any number of applications, as outside issuers have them, but for those at work."""
    memory = private_memory()
    ledger = Ledger(memory)
    assert ledger.enter("shop", Held.OPERATIONS, 1)
    for number in range(2 * ROWS):
        assert ledger.reserve(f"app-{number}", 1, 10)[0]
        ledger.settle(f"app-{number}", 1, 1, 10)
    assert not ledger.enter("shop", Held.OPERATIONS, 1)
    entered = sum(ledger.enter(f"busy-{number}", Held.OPERATIONS, 1) for number in range(2 * ROWS))
    assert 0.9 * ROWS <= entered <= ROWS
    assert not ledger.enter("shop", Held.OPERATIONS, 1)
    assert not ledger.enter("late", Held.OPERATIONS, 1) or entered < ROWS - 1


def test_seats_are_used_again_and_there_are_only_so_many(tmp_path: Path) -> None:
    memories = [shared_memory(tmp_path) for _ in range(SEATS)]
    with pytest.raises(OSError, match="all seats are taken"):
        shared_memory(tmp_path)
    kill(memories.pop(3))
    memories.append(shared_memory(tmp_path))
    for memory in memories:
        memory.close()
