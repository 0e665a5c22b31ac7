"""Terms: what a partner's API holds its callers to, and what of the gateway it may take; a connector declares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self
from zoneinfo import ZoneInfo

from gateway.errors import SchemaError, SettingsError


@dataclass(frozen=True, slots=True)
class Quota:
    """So many calls in so many seconds.

    With a `zone` the windows are the calendar's there (seconds, minutes, hours or days, as the partner counts them);
    without one the quota holds for any stretch of that length. With a `group` it is for the requests of that group
    alone (`Request.group`), otherwise for all.
    """

    calls: int
    seconds: float
    zone: str | None = None
    group: str = ""

    def __post_init__(self) -> None:
        if self.calls < 1 or self.seconds <= 0 or (self.zone and self.seconds > 1 and self.seconds % 60):
            raise SchemaError(f"a quota of {self.calls} calls in {self.seconds:g} seconds cannot be kept to")
        if self.zone is not None:
            ZoneInfo(self.zone)


@dataclass(frozen=True, slots=True)
class Allowance:
    """A quota of which the partner gives each application a number of its own: the operator's setting with that number.

    Without the setting no call is held back for it, until the partner says so. `seconds`, `zone` and `group` are those
    of the quota.
    """

    setting: str
    seconds: float
    zone: str | None = None
    group: str = ""

    def quota(self, settings: Mapping[str, str]) -> Quota | None:
        """The quota that the settings make of it, if they do. Raises `SettingsError`."""
        said = settings.get(self.setting)
        if said is None:
            return None
        if not (said.isascii() and said.isdecimal() and len(said) < 13 and int(said)):
            raise SettingsError(f"{self.setting} must be a number of calls, above 0")
        return Quota(int(said), self.seconds, self.zone, self.group)


@dataclass(frozen=True, slots=True)
class Terms:
    """What one partner's API holds its callers to.

    `allowances` are the quotas whose number the operator knows. With a `zone` the headers of answers tell of quotas
    too: what they limit, of a group or of all, in that zone's calendar windows.

    `concurrency` is how many calls one worker's live fields have at work at a time, and a sync as many of its own;
    `waiting` how many more may wait for that, so that memory stays what it is. `deadline` is how many seconds one try
    may take, `live` how many all of a live field's. `patience` is the silence, in seconds, after which a try that was
    given up counts against the partner. `share` is the part of each quota that syncs leave to live fields, and live
    fields to syncs. `negative` is for how many seconds the refusal of a call with a key is remembered. `largest` is how
    many bytes an answer may have.
    """

    quotas: tuple[Quota, ...] = ()
    allowances: tuple[Allowance, ...] = ()
    zone: str | None = None
    concurrency: int = 16
    waiting: int = 2_000
    deadline: float = 30.0
    live: float = 5.0
    patience: float = 1.0
    share: float = 0.25
    negative: float = 60.0
    largest: int = 32 * 2**20

    def __post_init__(self) -> None:
        if self.concurrency < 1 or not 0 <= self.share < 1:
            raise SchemaError("the terms of a partner leave no place, or no part of a quota")
        if self.zone is not None:
            ZoneInfo(self.zone)

    @property
    def counted(self) -> bool:
        """Whether there is something that all workers and syncs must know together."""
        return bool(self.quotas or self.allowances or self.zone)

    def settled(self, settings: Mapping[str, str]) -> Self:
        """The terms with the quotas that an operator's settings make of the allowances. Raises `SettingsError`."""
        found = (each.quota(settings) for each in self.allowances)
        return replace(self, quotas=(*self.quotas, *filter(None, found)))


DEFAULT_TERMS = Terms()
"""What holds for a partner of which nothing was declared."""
