"""Labels: how many values a metric's label may have, whatever callers send."""

from __future__ import annotations

OTHER = "other"
"""What all are called that came when there were enough."""

APPLICATIONS = 64
"""Applications of one worker that are told apart; there are as many as the parties register."""

NAMES = 20
"""Operation names of one application that are told apart in one worker; they are the caller's own words."""

LONGEST = 80
"""Characters of a name; a longer one is nobody's."""


class Bounded:
    """The first so many values that came; every other one is `other`."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        """The value, or `other`."""
        if value in self._known:
            return value
        if len(self._known) >= self._size or len(value) > LONGEST:
            return OTHER
        self._known.add(value)
        return value


class OperationLabels:
    """Which applications and which of their operations are told apart: the first of each."""

    def __init__(self) -> None:
        self._applications = Bounded(APPLICATIONS)
        self._names: dict[str, Bounded] = {}

    def __call__(self, application: str, name: str | None) -> tuple[str, str]:
        """The labels of an application and its operation; one without a name is empty."""
        known = self._applications(application)
        if not name:
            return known, ""
        names = self._names.get(known)
        if names is None:
            names = self._names[known] = Bounded(NAMES)
        return known, names(name)
