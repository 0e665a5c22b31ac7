"""The circuit breaker and the retry budget, on a clock that is handed in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.breaker import FEWEST, FIRST, LONGEST, Breaker, State
from gateway.upstream.budget import RATIO, RESERVE, RetryBudget
from tests.upstream.test_quotas import Clock


def opened(clock: Clock) -> Breaker:
    """A breaker whose partner has just failed for good."""
    breaker = Breaker(clock)
    for _ in range(FEWEST):
        assert breaker.enter() == 0.0
        breaker.fail()
    return breaker


def test_failures_in_a_row_open_it_for_a_while() -> None:
    """Nobody knocks meanwhile; then one does, and by that it is judged."""
    clock = Clock()
    breaker = opened(clock)
    assert (breaker.state, breaker.enter()) == (State.OPEN, FIRST)
    clock.now += FIRST
    assert (breaker.state, breaker.enter()) == (State.HALF_OPEN, 0.0)
    assert breaker.enter() > 0, "one probe at a time"
    breaker.succeed()
    assert (breaker.state, breaker.enter()) == (State.CLOSED, 0.0)


def test_each_probe_that_fails_is_followed_by_a_longer_pause() -> None:
    """Doubled, up to the longest; and the first good one ends it all."""
    clock = Clock()
    breaker = opened(clock)
    pauses = []
    for _ in range(8):
        clock.now += breaker.closed_for()
        assert breaker.enter() == 0.0
        breaker.fail()
        pauses.append(round(breaker.closed_for(), 3))
    assert pauses == [2, 4, 8, 16, LONGEST, LONGEST, LONGEST, LONGEST]
    clock.now += LONGEST
    breaker.enter()
    breaker.succeed()
    assert [breaker.enter(), breaker.state] == [0.0, State.CLOSED]


def test_a_probe_that_was_given_up_makes_room_for_another() -> None:
    """A caller who hangs up must not keep the way closed."""
    clock = Clock()
    breaker = opened(clock)
    clock.now += FIRST
    breaker.enter()
    breaker.leave()
    assert breaker.enter() == 0.0


@given(st.lists(st.booleans(), max_size=200))
def test_a_partner_that_mostly_answers_is_never_shut_out(outcomes: list[bool]) -> None:
    """One failure after each success, at worst, is not yet a reason."""
    breaker = Breaker(Clock())
    for good in outcomes:
        breaker.succeed()
        if not good:
            breaker.fail()
    assert breaker.state is State.CLOSED


@given(st.lists(st.integers(0, 6), max_size=300))
def test_retries_stay_within_the_budget(wanted: list[int]) -> None:
    """However many a call would like: a fifth of the calls, and what was there at the beginning."""
    budget = RetryBudget()
    retries = 0
    for calls, each in enumerate(wanted, 1):
        budget.earn()
        retries += sum(budget.spend() for _ in range(each))
        assert retries <= RATIO * calls + RESERVE + 1e-6
