"""The retry budget: how many calls may be repeated, so that a partner in trouble is not asked ever more."""

from __future__ import annotations

RATIO = 0.2
"""Retries that each call pays for: all tries together are at most 1.2 times the calls, and the reserve."""

RESERVE = 10.0
"""Retries that may be made before any were earned, and the most that are saved up."""


class RetryBudget:
    """What one worker may repeat."""

    def __init__(self) -> None:
        self._left = RESERVE

    def earn(self) -> None:
        """A call is begun."""
        self._left = min(RESERVE, self._left + RATIO)

    def spend(self) -> bool:
        """Whether one more try may be made, which is then spent."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
