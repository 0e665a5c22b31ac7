"""Tallies: what a worker counts with each request, kept in its memory and written to the metrics four times a second.

What several workers count stands in files that are mapped into memory, each number of which is found and packed anew;
a request counts eight of them. A worker that is killed takes the last quarter of a second along.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Counts

from prometheus_client import Counter, Gauge, Histogram

_counted: dict[Counter | Gauge, float] = {}
_timed: dict[Histogram, list[float]] = {}


def count(series: Counter | Gauge, amount: float = 1) -> None:
    """Count so much more of something."""
    _counted[series] = _counted.get(series, 0) + amount


def time(series: Histogram, seconds: float) -> None:
    """Note how long something took."""
    _timed.setdefault(series, []).append(seconds)


def write() -> None:
    """Have the metrics say all that was counted until now."""
    while _counted:
        counter, amount = _counted.popitem()
        counter.inc(amount)
    while _timed:
        histogram, seconds = _timed.popitem()
        _observe(histogram, seconds)


def _observe(histogram: Histogram, seconds: list[float]) -> None:
    """As `observe` of each, which takes one at a time."""
    histogram._sum.inc(sum(seconds))
    bounds = histogram._upper_bounds
    for place, number in Counts(bisect_left(bounds, each) for each in seconds).items():
        histogram._buckets[place].inc(number)
