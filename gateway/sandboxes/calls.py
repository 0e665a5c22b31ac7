"""Calls: one call to a sandbox, and what a sandbox asks about it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from starlette.requests import Request

from gateway.sandboxes.faults import Strike, Told

KEY = "gateway.sandboxes.call"
"""Where a call stands in its ASGI scope."""


class Call:
    """A call and the faults that strike it; each is drawn once, when it is first asked for."""

    def __init__(self, told: Sequence[Told], address: str) -> None:
        self._told = told
        self._address = address
        self._drawn: dict[str, Strike | None] = {}

    def strike(self, name: str) -> Strike | None:
        """The strike of a fault, or None where it spares this call."""
        if name not in self._drawn:
            of_name = (each.strike(self._address) for each in self._told if each.fault.fault == name)
            self._drawn[name] = next(filter(None, of_name), None)
        return self._drawn[name]


def struck(request: Request, fault: str) -> bool:
    """Whether a fault strikes this call; asked by a partner's sandbox about what its connector declares."""
    call: Call | None = request.scope.get(KEY)
    return call is not None and call.strike(fault) is not None


def clock(request: Request) -> float:
    """Seconds since the epoch, as the partner's clock has them: `time.time()`, but for the fault `wrong-clock`."""
    call: Call | None = request.scope.get(KEY)
    wrong = call and call.strike("wrong-clock")
    return time.time() + (wrong.seconds if wrong else 0)
