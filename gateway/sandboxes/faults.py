"""Faults: how a sandbox can be told to misbehave, and which call each of them strikes.

A fault is drawn for each call that it may concern, from its own seed; so the same calls in the same order meet the same
faults, whatever else is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from random import Random
from typing import Any, NamedTuple, Self

GENERIC: Mapping[str, str] = {
    "hang": "The answer never comes; after `seconds` (60) the connection is closed.",
    "slow": "The answer comes after `seconds` (3).",
    "drip": "The answer comes in fifty pieces over `seconds` (60).",
    "reset": "The connection is reset before anything is done.",
    "lost": "The call is carried out, and the connection is reset before the answer.",
    "truncated": "The connection ends in the middle of the answer.",
    "cut": "Half of the answer, as if it were the whole.",
    "tls-stall": "A TLS handshake on the sandbox's port is never answered, for `seconds` (60).",
    "html": "A page of HTML with status 200 instead of the answer.",
    "empty": "Status 200 with nothing in it.",
    "error": "Status 500 with a page of text.",
    "unavailable": "Status 503 with a page of text.",
    "flood": "An answer that does not end.",
    "wrong-clock": "The partner's clock is `seconds` (10800) ahead: in the Date header, and in what it checks by it.",
    "daylight-saving": "The times of a row lie in the hour that the US Pacific clock repeats, or skips.",
    "field-drift": "A field of all rows is gone, null, renamed, or of another type.",
    "duplicate-rows": "Some rows come twice.",
    "missing-rows": "Some rows are left out.",
    "shuffled-rows": "The rows of a page come in another order.",
    "hostile-members": "Each object has members like `__proto__` too.",
    "duplicate-keys": "Each member of each object comes twice, the first time with another value.",
    "nan": "A number is NaN or Infinity.",
    "deep-nesting": "A member holds a hundred thousand lists within each other.",
}
"""What any sandbox can be told, each in a sentence; a connector declares what its own protocol adds to that."""

SECONDS: Mapping[str, float] = {
    "hang": 60,
    "slow": 3,
    "drip": 60,
    "tls-stall": 60,
    "wrong-clock": 10_800,
}
"""What `seconds` are where nobody says."""


class FaultError(ValueError):
    """A fault is told in a way that nobody understands; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault as it is told: strikes calls at a `rate`, `count` times at most, where `path` is part of the address."""

    fault: str
    rate: float = 1.0
    count: int | None = None
    seed: int = 0
    path: str = ""
    seconds: float | None = None

    @classmethod
    def told(cls, said: object, known: Iterable[str]) -> Self:
        """The fault that a JSON object says. Raises `FaultError`."""
        if not isinstance(said, dict) or not said.keys() <= _TYPES.keys() or "fault" not in said:
            raise FaultError(f"a fault is an object with fault, and of {', '.join(_TYPES)} what it needs")
        for name, value in said.items():
            if not isinstance(value, _TYPES[name]) or isinstance(value, bool):
                raise FaultError(f"{name} is of the wrong type")
        if said["fault"] not in known:
            raise FaultError(f"there is no such fault; there are {', '.join(sorted(known))}")
        found = cls(**said)
        if not 0 <= found.rate <= 1 or (found.count or 0) < 0 or not 0 <= (found.seconds or 0) <= 86_400:
            raise FaultError("rate is from 0 to 1, count from 0 up, seconds from 0 to 86400")
        return found

    @classmethod
    def written(cls, text: str, seed: int, known: Sequence[str]) -> list[Self]:
        """The faults that a text means: `hang=0.1,F09`; `all=0.02` is each there is. Raises `FaultError`.

        Where no rate is written, every call is struck.
        """
        found = []
        for each in filter(None, (part.strip() for part in text.split(","))):
            name, _, rate = each.partition("=")
            try:
                said = {"rate": float(rate) if rate else 1.0, "seed": seed}
            except ValueError:
                raise FaultError(f"{each}: the rate is a number from 0 to 1, as in hang=0.1") from None
            found += [cls.told({"fault": one, **said}, known) for one in (known if name == "all" else [name])]
        return found


_TYPES: Mapping[str, Any] = {
    "fault": str,
    "rate": int | float,
    "count": int | None,
    "seed": int,
    "path": str,
    "seconds": int | float | None,
}


class Strike(NamedTuple):
    """That a fault strikes a call: for how long, and the chance by which it does what it does."""

    seconds: float
    chance: Random


class Told:
    """A fault in force: how many calls it might have struck, and how many it did."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.met = 0
        self.struck = 0
        self._draws = Random(f"{fault.seed} {fault.fault}")  # noqa: S311 - chance that can be repeated

    def strike(self, address: str) -> Strike | None:
        """Draw for a call; None where it is spared."""
        fault = self.fault
        if fault.path not in address or (fault.count is not None and self.struck >= fault.count):
            return None
        self.met += 1
        if self._draws.random() >= fault.rate:
            return None
        self.struck += 1
        seconds = SECONDS.get(fault.fault, 0) if fault.seconds is None else fault.seconds
        return Strike(seconds, Random(f"{fault.seed} {fault.fault} {self.struck}"))  # noqa: S311

    def shown(self) -> dict[str, Any]:
        """As JSON: what was told, and what came of it."""
        return {**asdict(self.fault), "met": self.met, "struck": self.struck}


assert _TYPES.keys() == {field.name for field in fields(Fault)}
