"""Windows: how many calls a quota has left now, and when it has the next; the arithmetic of it, without a clock.

What was used of a quota is a list of `[moment, live, synced, other]`, oldest first: calls of live fields, of syncs, and
those that the partner counted and we did not. Neither live fields nor syncs may take the part that is kept for the
other, so neither starves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from gateway.upstream.terms import Quota

Used = list[list[Any]]

LIVE, SYNCED, OTHER = _KINDS = (1, 2, 3)
"""Whose calls are counted where."""

_GRAINS = 100
"""Into how many a window without a calendar is divided; calls of one grain count as of its end."""

_DAY = 86_400.0

_WINDOWS: dict[tuple[float, str | None], tuple[float, float]] = {}
"""The window that quotas of a length and a zone were last asked for."""


def begin(quota: Quota, now: float) -> float:
    """When the window that `now` is in began, epoch seconds: the calendar's in the quota's zone, or a sliding one."""
    if quota.zone is None:
        return now - quota.seconds
    return _aligned(quota, now)[0]


def end(quota: Quota, now: float) -> float:
    """When the calendar window that `now` is in ends; a day is as long as the zone's clocks make it."""
    assert quota.zone is not None, "a sliding window has no end"
    return _aligned(quota, now)[1]


def _aligned(quota: Quota, now: float) -> tuple[float, float]:
    """The beginning and the end of a calendar window; looked up once for each."""
    found = _WINDOWS.get((quota.seconds, quota.zone))
    if found is None or not found[0] <= now < found[1]:
        found = _WINDOWS[quota.seconds, quota.zone] = _find(quota, now)
    return found


def _find(quota: Quota, now: float) -> tuple[float, float]:
    assert quota.zone is not None
    local = datetime.fromtimestamp(now, _zone(quota.zone))
    if quota.seconds < _DAY:
        offset = local.utcoffset() or timedelta()
        since = (now + offset.total_seconds()) % quota.seconds
        return now - since, now - since + quota.seconds
    days = round(quota.seconds / _DAY)
    first = local.date() - timedelta(days=local.date().toordinal() % days)
    ends = (datetime(day.year, day.month, day.day, tzinfo=local.tzinfo) for day in _bounds(first, days))
    began, ended = (each.timestamp() for each in ends)
    return began, ended


def _bounds(first: Any, days: int) -> Sequence[Any]:
    return first, first + timedelta(days=days)


@lru_cache(maxsize=32)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def current(quota: Quota, used: Used, now: float) -> Used:
    """What of `used` counts still."""
    since = begin(quota, now)
    if quota.zone is None:
        return [entry for entry in used if entry[0] > since]
    return [entry for entry in used if entry[0] >= since]


def wait(quota: Quota, used: Used, now: float, kind: int, share: float) -> float:
    """Seconds until a caller of this kind may make one more call; `used` is what counts now. 0.0 for at once."""
    kept = math.floor(quota.calls * share)
    over_all = count(used) + 1 - quota.calls
    over_own = _sum(used, (kind,)) + 1 - (quota.calls - kept)
    if over_all <= 0 and over_own <= 0:
        return 0.0
    if quota.zone is not None:
        return end(quota, now) - now
    freed = max(_freed(used, over_all, _KINDS), _freed(used, over_own, (kind,)))
    return max(0.0, freed + quota.seconds - now)


def _freed(used: Used, over: int, kinds: Sequence[int]) -> float:
    """The moment of the call that has to be over before there is room for one more."""
    for entry in used:
        if over <= 0:
            break
        over -= sum(entry[kind] for kind in kinds)
        if over <= 0:
            return float(entry[0])
    return -math.inf


def count(used: Used) -> int:
    """How many calls these are."""
    return _sum(used, _KINDS)


def _sum(used: Used, kinds: Sequence[int]) -> int:
    return sum(entry[kind] for entry in used for kind in kinds)


def add(quota: Quota, used: Used, now: float, kind: int, calls: int = 1) -> None:
    """Count calls, in place."""
    if quota.zone is None:
        grain = quota.seconds / _GRAINS
        moment = math.ceil(now / grain) * grain
    else:
        moment = begin(quota, now)
    if not used or used[-1][0] < moment:
        used.append([moment, 0, 0, 0])
    used[-1][kind] += calls
