"""Notes: what a request's line in the log says of it, gathered wherever it becomes known."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

_noted: ContextVar[dict[str, Any] | None] = ContextVar("noted", default=None)


def begin_notes() -> dict[str, Any]:
    """The notes of the request that begins here; its tasks write into the same."""
    found: dict[str, Any] = {}
    _noted.set(found)
    return found


def note(**what: Any) -> None:
    """Have the line of the request that this is part of say this too; never what a caller or a partner sent."""
    found = _noted.get()
    if found is not None:
        found.update(what)
