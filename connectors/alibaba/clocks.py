"""Clocks: how far the partner's clock is from ours, learnt from the `Date` of an answer that refused a timestamp."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from gateway.connector import Answer, Upstream

SKEWED = frozenset({"31", "IllegalTimestamp", "isv.invalid-timestamp"})
"""The codes with which a timestamp is refused: TOP's is documented, IOP's modelled."""

_LITTLE = timedelta(seconds=30)
"""No clock is refused for less, so knowing better by less mends nothing."""


class Clock:
    """The partner's clock. What it is off by is learnt once for a whole process, and again when it changes."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        """The moment as the partner has it."""
        return datetime.now(UTC) + self.offset

    def learn(self, answer: Answer) -> None:
        """Go by the answer's `Date` from now on, if it has one."""
        try:
            there = parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
            self.offset = there - datetime.now(UTC)
        except (KeyError, ValueError, OverflowError):
            return

    def mends(self, used: timedelta) -> bool:
        """Whether the clock now says anything else than when it was off by `used`."""
        return abs(self.offset - used) > _LITTLE


_CLOCKS: dict[str, Clock] = {}


def clock(upstream: Upstream) -> Clock:
    """The clock of the partner at this address."""
    return clock_of(upstream.settings)


def clock_of(settings: Mapping[str, str]) -> Clock:
    """The clock of the partner that these settings lead to."""
    return _CLOCKS.setdefault(settings["url"], Clock())
