"""Quotas on a clock that is handed in: never one call too many, and never a wait that leads to nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import SettingsError
from gateway.upstream.quotas import ALL, Left, Quotas, told
from gateway.upstream.shared import Tally
from gateway.upstream.terms import Allowance, Quota, Terms

SHARE = 0.25
BEIJING = ZoneInfo("Asia/Shanghai")


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, now: float = 1_500_000_000.25) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def pair(clock: Clock, *quotas: Quota, shared: Tally | None = None) -> tuple[Quotas, Quotas]:
    """Live fields and a sync, who share."""
    terms, held = Terms(quotas=quotas, share=SHARE), shared or Tally()
    return Quotas(terms, held, True, clock), Quotas(terms, held, False, clock)


@given(
    st.integers(1, 12),
    st.sampled_from([1.0, 60.0, 3_600.0, 86_400.0]),
    st.sampled_from([None, "Asia/Shanghai", "Europe/Moscow"]),
    st.lists(st.tuples(st.booleans(), st.floats(0, 0.4)), max_size=60),
)
@settings(max_examples=60, deadline=None)
def test_no_window_has_a_call_too_many(
    calls: int, seconds: float, zone: str | None, asked: list[tuple[bool, float]]
) -> None:
    """Not all together, nor one kind of what is kept for the other; and who waits as told may go then."""
    quota, clock = Quota(calls, seconds, zone), Clock()
    live, sync = pair(clock, quota)
    taken: list[tuple[float, bool]] = []
    for is_live, pause in asked:
        clock.now += pause * seconds
        mine = live if is_live else sync
        if wait := mine.take(ALL):
            clock.now += wait + 0.001
            assert mine.take(ALL) == 0.0, "the wait was in vain"
        taken.append((clock.now, is_live))
    most = calls - int(calls * SHARE)
    for begun, _ in taken:
        counted = [kind for moment, kind in taken if in_one_window(quota, begun, moment)]
        assert len(counted) <= calls
        assert max(counted.count(True), counted.count(False)) <= most


def in_one_window(quota: Quota, first: float, second: float) -> bool:
    """Whether a quota counts two calls together, of which one begins a stretch where it is not the calendar's."""
    if quota.zone is None:
        return first <= second < first + quota.seconds
    return window(quota, first) == window(quota, second)


def window(quota: Quota, moment: float) -> object:
    """The name of a calendar window: what a wall clock in the zone shows of it."""
    assert quota.zone is not None
    local = datetime.fromtimestamp(moment, ZoneInfo(quota.zone))
    return {1.0: local.replace(microsecond=0), 60.0: local.replace(second=0, microsecond=0)}.get(
        quota.seconds, (local.date(), local.hour if quota.seconds == 3_600 else 0)
    )


@pytest.mark.parametrize(
    ("zone", "at", "wait"),
    [
        ("Asia/Shanghai", "2017-06-01T15:59:00+00:00", 60),
        ("Europe/Moscow", "2017-06-01T15:59:00+00:00", 5 * 3600 + 60),
        # A day of 25 hours, and one of 23.
        ("America/Los_Angeles", "2017-11-05T08:00:00+00:00", 24 * 3600),
        ("America/Los_Angeles", "2017-03-12T08:30:00+00:00", 22.5 * 3600),
    ],
)
def test_a_day_ends_at_its_zones_midnight(zone: str, at: str, wait: float) -> None:
    """However long the clocks there make it."""
    live, _ = pair(Clock(datetime.fromisoformat(at).timestamp()), Quota(1, 86_400, zone))
    assert live.take(ALL) == 0.0
    assert live.take(ALL) == pytest.approx(wait)


def test_a_ban_holds_back_what_it_is_for() -> None:
    """One group, or everything; for as long as was said and no longer, whoever of the workers was told."""
    clock = Clock()
    live, sync = pair(clock, Quota(100, 1.0))
    live.ban("orders", 2.0)
    assert sync.take("orders") == pytest.approx(2.0)
    assert sync.take("products") == 0.0
    live.ban(ALL, 31_062.0)
    assert sync.take("products") == pytest.approx(31_062.0)
    clock.now += 31_062.0
    assert sync.take("products") == 0.0 == live.take("orders")


def test_a_group_has_a_quota_of_its_own() -> None:
    """Others do not use it up, and it counts for that of all."""
    live, _ = pair(Clock(), Quota(8, 60.0), Quota(1, 60.0, group="lists"))
    assert live.take("lists") == 0.0
    assert live.take("lists") > 0
    assert [live.take("other") == 0.0 for _ in range(6)] == [True] * 5 + [False]


def test_headers_tell_of_calls_that_others_made() -> None:
    """What is left is what the partner says; nothing left holds back to the end of the partner's window."""
    clock = Clock()
    live, _ = pair(clock, Quota(8, 3_600, "Europe/Moscow"))
    live.learn(ALL, told({"x-ratelimit-hourly-remaining": "3"}))
    assert [live.take(ALL) == 0.0 for _ in range(4)] == [True, True, True, False]
    live.learn(ALL, told({"x-ratelimit-hourly-remaining": "0", "x-ratelimit-daily-remaining": "x"}))
    assert live.take(ALL) == pytest.approx(3_600 - clock.now % 3_600)


def test_what_was_used_outlives_the_process(tmp_path: Path) -> None:
    """The next one reads what is left of the day; the file is for its owner alone."""
    clock, path = Clock(), tmp_path / "partners" / "bank.quotas"
    quota = Quota(2, 86_400, "Asia/Shanghai")
    pair(clock, quota, shared=Tally(path))[0].take(ALL)
    assert pair(clock, quota, shared=Tally(path))[1].take(ALL) == 0.0
    assert pair(clock, quota, shared=Tally(path))[0].take(ALL) > 0
    assert {each.stat().st_mode & 0o077 for each in path.parent.iterdir()} == {0}
    path.write_bytes(b'{"used": ')
    assert pair(clock, quota, shared=Tally(path))[0].take(ALL) == 0.0, "a broken file stops nobody"


def test_all_who_share_take_no_call_too_many(tmp_path: Path) -> None:
    """However they fall over each other: what is read and written is under one lock."""
    quota = Quota(50, 3_600, "Asia/Shanghai")

    def take(_: int) -> int:
        mine, _sync = pair(Clock(), quota, shared=Tally(tmp_path / "bank.quotas"))
        return sum(mine.take(ALL) == 0.0 for _ in range(25))

    with ThreadPoolExecutor(4) as workers:
        taken = list(workers.map(take, range(4)))
    assert sum(taken) == 50 - int(50 * SHARE)


def test_a_tally_is_what_was_written_last(tmp_path: Path) -> None:
    """Also when that is shorter; and a file that was taken away is made anew."""
    path = tmp_path / "bank.quotas"
    first, other = Tally(path), Tally(path)
    for value in ({"a": "x" * 100}, {"a": 1}, {}):
        with first.locked():
            first.write(value)
        with other.locked():
            assert other.read() == value
    path.unlink()
    with first.locked():
        first.write({"b": 2})
    with other.locked():
        assert other.read() == {"b": 2}


def test_what_is_left_by_itself_says_when_it_ends() -> None:
    """Without a quota of that length a partner's word on its end is all there is."""
    live, _ = pair(Clock())
    live.learn(ALL, [Left(0, 60.0, ends_in=12.5)])
    assert live.take(ALL) == pytest.approx(12.5)


def test_a_limit_in_the_headers_is_a_quota_from_then_on() -> None:
    """Of its group, in the calendar of the zone; another limit takes its place, and without a zone there is none."""
    clock = Clock()
    live = Quotas(Terms(zone="Europe/Moscow", share=0), live=True, clock=clock)
    live.learn("lists", told({"x-ratelimit-hourly-limit": "5", "x-ratelimit-hourly-remaining": "3"}))
    assert [live.take("lists") == 0.0 for _ in range(4)] == [True, True, True, False]
    assert live.take("lists") == pytest.approx(3_600 - clock.now % 3_600)
    assert live.take("days") == 0.0
    live.learn("lists", told({"x-ratelimit-hourly-limit": "7", "x-ratelimit-hourly-remaining": "2"}))
    assert [live.take("lists") == 0.0 for _ in range(3)] == [True, True, False]
    zoneless, _ = pair(clock)
    zoneless.learn("lists", told({"x-ratelimit-hourly-limit": "1", "x-ratelimit-hourly-remaining": "1"}))
    assert [zoneless.take("lists") for _ in range(3)] == [0.0, 0.0, 0.0]


def test_a_declared_quota_stays_whatever_headers_say_of_it() -> None:
    """Headers correct what is left of it, and never make it larger."""
    terms = Terms(quotas=(Quota(2, 3_600, "Europe/Moscow"),), zone="Europe/Moscow", share=0)
    live = Quotas(terms, live=True, clock=Clock())
    live.learn("lists", told({"x-ratelimit-hourly-limit": "50", "x-ratelimit-hourly-remaining": "49"}))
    assert [live.take("lists") == 0.0 for _ in range(3)] == [True, True, False]


def test_an_allowance_is_the_operators_number() -> None:
    """With it there is a quota, without it none; and bans are everybody's in either case."""
    clock, terms = Clock(), Terms(allowances=(Allowance("calls_per_day", 86_400, "Asia/Shanghai"),), share=0)
    [quota] = terms.settled({"calls_per_day": "5000"}).quotas
    assert quota == Quota(5_000, 86_400, "Asia/Shanghai")
    shared = Tally()
    live, sync = (Quotas(terms.settled({}), shared, each, clock) for each in (True, False))
    assert [live.take(ALL) for _ in range(3)] == [0.0, 0.0, 0.0]
    live.ban(ALL, 3.0)
    assert sync.take("orders") == pytest.approx(3.0)


@pytest.mark.parametrize("said", ["", "0", "-1", "5 000", "1e4", "٥", "9" * 13])
def test_a_number_that_is_none_is_told_at_the_start(said: str) -> None:
    """By its setting's name."""
    with pytest.raises(SettingsError, match="calls_per_day"):
        Terms(allowances=(Allowance("calls_per_day", 86_400),)).settled({"calls_per_day": said})
