"""Quotas at work: when the next call to a partner may go out, as all workers and syncs together have used them.

What a partner says of itself counts more than what was declared: a refusal of too many calls holds back all calls that
it counts together, for as long as it says, and headers tell of calls that others made in our name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from gateway.upstream import windows
from gateway.upstream.shared import Tally
from gateway.upstream.terms import Quota, Terms

ALL = ""
"""The group of a ban that holds for every call."""


class Ban(NamedTuple):
    """Calls that the partner does not want now: which, and until when (epoch seconds)."""

    group: str
    until: float


class Left(NamedTuple):
    """What a partner says is left of a window: so many calls, of that many seconds; `ends_in` where it says that.

    `limit` is how many there are in all, 0 where it does not say.
    """

    calls: int
    seconds: float
    ends_in: float | None = None
    limit: int = 0


class Quotas:
    """The quotas of one partner. `clock` is in epoch seconds, the same for all who share."""

    def __init__(
        self,
        terms: Terms,
        shared: Tally | None = None,
        live: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._terms = terms
        self._quotas = terms.quotas
        self._share = terms.share
        self._shared = shared or Tally()
        self._kind = windows.LIVE if live else windows.SYNCED
        self._clock = clock
        self._bans: dict[str, float] = {}

    def take(self, group: str, name: str = ALL) -> float:
        """Take one call of each quota that counts this group: 0.0, or how many seconds to wait before asking again.

        `name` is the call's, for bans that are for it alone.
        """
        now = self._clock()
        names = (ALL, group, name)
        if wait := self._banned(self._bans, names, now):
            return wait
        if not self._terms.counted:
            return 0.0
        held = [each for each in self._quotas if each.group in (ALL, group)]
        with self._shared.locked():
            state = self._shared.read()
            if wait := self._banned(state.get("bans", {}), names, now):
                return wait
            used = {each: self._used(state, each, now) for each in held}
            waits = (windows.wait(each, used[each], now, self._kind, self._share) for each in held)
            if wait := max(waits, default=0.0):
                return wait
            for each in held:
                windows.add(each, used[each], now, self._kind)
            if held:
                self._write(state, used)
        return 0.0

    def ban(self, group: str, seconds: float) -> None:
        """The partner wants no calls of this group, or of this name, for so long (`ALL`: none at all)."""
        until = self._clock() + seconds
        self._bans[group] = max(until, self._bans.get(group, 0.0))
        if self._terms.counted:
            with self._shared.locked():
                state = self._shared.read()
                bans = {name: end for name, end in state.get("bans", {}).items() if end > self._clock()}
                bans[group] = max(until, bans.get(group, 0.0))
                self._shared.write({**state, "bans": bans})

    def learn(self, group: str, told: Iterable[Left]) -> None:
        """What the partner says is left: nothing of a window holds its calls back to its end, less than we thought is
        counted as used by others. A limit of which nothing was declared is a quota from then on."""
        for left in told:
            quota = self._quota(group, left.seconds)
            if left.limit and self._terms.zone and (quota is None or quota not in self._terms.quotas):
                quota = self._limited(group, left, quota)
            if left.calls <= 0:
                if (wait := self._until_end(quota, left)) is not None:
                    self.ban(quota.group if quota else group, wait)
            elif quota is not None:
                self._correct(quota, left.calls)

    def _limited(self, group: str, left: Left, known: Quota | None) -> Quota:
        """The quota that a partner's headers tell of, in the place of what they told before."""
        quota = Quota(left.limit, left.seconds, self._terms.zone, group)
        if quota != known:
            self._quotas = (*(each for each in self._quotas if each != known), quota)
        return quota

    def _correct(self, quota: Quota, left: int) -> None:
        now = self._clock()
        with self._shared.locked():
            state = self._shared.read()
            used = self._used(state, quota, now)
            unknown = quota.calls - left - windows.count(used)
            if unknown > 0:
                windows.add(quota, used, now, windows.OTHER, unknown)
                self._write(state, {quota: used})

    def _until_end(self, quota: Quota | None, left: Left) -> float | None:
        if left.ends_in is not None:
            return left.ends_in
        if quota is not None and quota.zone is not None:
            now = self._clock()
            return windows.end(quota, now) - now
        return left.seconds if left.seconds <= 1 else None

    def _quota(self, group: str, seconds: float) -> Quota | None:
        found = [each for each in self._quotas if each.seconds == seconds and each.group in (ALL, group)]
        return max(found, key=lambda each: each.group, default=None)

    def _banned(self, bans: Mapping[str, float], names: Iterable[str], now: float) -> float:
        return max(0.0, *(bans.get(name, 0.0) - now for name in names)) if bans else 0.0

    def _used(self, state: Mapping[str, Any], quota: Quota, now: float) -> windows.Used:
        return windows.current(quota, state.get("used", {}).get(_name(quota), []), now)

    def _write(self, state: Mapping[str, Any], used: Mapping[Quota, windows.Used]) -> None:
        kept = {**state.get("used", {}), **{_name(quota): entries for quota, entries in used.items()}}
        self._shared.write({**state, "used": kept})


def _name(quota: Quota) -> str:
    return f"{quota.group}/{quota.seconds:g}/{quota.zone or ''}"


_HEADERS = (
    ("x-ratelimit-rps", 1.0),
    ("x-ratelimit-minutely", 60.0),
    ("x-ratelimit-hourly", 3_600.0),
    ("x-ratelimit-daily", 86_400.0),
)


def told(headers: Mapping[str, str]) -> list[Left]:
    """What an answer's headers say is left: `X-RateLimit-RPS-Remaining` and its kin, as myTarget and others send."""
    found = []
    for name, seconds in _HEADERS:
        left = _number(headers.get(f"{name}-remaining", ""))
        if left is not None:
            found.append(Left(left, seconds, limit=_number(headers.get(f"{name}-limit", "")) or 0))
    return found


def _number(value: str) -> int | None:
    return int(value[:12]) if value.isascii() and value.isdecimal() else None
