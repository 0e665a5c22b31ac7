"""Clocks: when something happened to a parcel, by what Cainiao says of it.

Read in the service's answers: `timeStr` is the wall clock where it happened, `timeZone` that clock's (`GMT+8`), and
`time`, in milliseconds, the same wall clock taken for Beijing's. So the text and its zone tell, and `time` only what
the wall clock showed; where no zone is told, Beijing's is assumed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

from gateway.connector import Unreadable

BEIJING = timezone(timedelta(hours=8))

_ZONE = re.compile(r"(?:GMT|UTC)(?:([+-])([0-9]{1,2})(?::?([0-5][0-9]))?)?")
_LATEST = 253_402_200_000_000
"""A millisecond near the last that a date can have."""


class Occurred(NamedTuple):
    """A moment with its wall clock's offset, as it was written, and whether its zone had to be assumed."""

    at: datetime
    raw: str
    assumed: bool


def occurred(event: dict[str, Any]) -> Occurred:
    """When an event was. Raises `Unreadable`."""
    zone = _zone(event.get("timeZone"))
    wall, raw = _wall(event)
    try:
        at = wall.replace(tzinfo=zone or BEIJING)
        at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable("timeStr is of no time that can be") from None
    return Occurred(at, raw, zone is None)


def _wall(event: dict[str, Any]) -> tuple[datetime, str]:
    """What the wall clock showed."""
    text, milliseconds = event.get("timeStr"), event.get("time")
    if isinstance(text, str) and text:
        try:
            found = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
        except ValueError:
            raise Unreadable("timeStr is not a time") from None
        if not 1970 < found.year < 9999:
            raise Unreadable("timeStr is of no time that can be")
        return found, text
    if type(milliseconds) is not int or not 10**11 < milliseconds < _LATEST:
        raise Unreadable("an event says no time")
    shown = datetime.fromtimestamp(milliseconds // 1000, BEIJING)
    return shown.replace(tzinfo=None), str(milliseconds)


def _zone(text: Any) -> timezone | None:
    """The zone that is told; None where there is none, or one that says nothing."""
    found = _ZONE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    offset = timedelta(hours=int(found[2] or 0), minutes=int(found[3] or 0))
    if offset > timedelta(hours=14):
        return None
    return timezone(-offset if found[1] == "-" else offset)
