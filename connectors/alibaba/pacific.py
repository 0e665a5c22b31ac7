"""Pacific: the wall clock, without an offset, that AliExpress writes on orders and reads in filters.

Documented by the partner: `yyyy-MM-dd HH:mm:ss` (some answers leave the seconds out), US Pacific time.
Daylight saving is not spoken of: the tz database decides here, and a time that happens twice means the
first.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.connector import Unreadable

PACIFIC = ZoneInfo("America/Los_Angeles")

_LENGTHS = (len("2017-03-01 12:00"), len("2017-03-01 12:00:00"))


def wall(moment: datetime, zone: ZoneInfo = PACIFIC) -> str:
    """An aware moment as the partner writes it."""
    return str(moment.astimezone(zone))[: len("2017-03-01 12:00:00")]


def moment(text: object, name: str, zone: ZoneInfo = PACIFIC) -> datetime:
    """The moment, in UTC, that the partner's text in field `name` means. Raises `Unreadable`."""
    if not isinstance(text, str) or len(text) not in _LENGTHS:
        raise Unreadable(f"{name} is not a date and time")
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable(f"{name} is not a date and time") from None
    if local.tzinfo is not None:
        raise Unreadable(f"{name} has an offset where none was agreed")
    return local.replace(tzinfo=zone).astimezone(UTC)


def unambiguous(moment: datetime) -> datetime:
    """The moment itself, or one two hours earlier where the clock shows its wall time twice.

    A bound of a filter must not lie in the hour that is repeated in autumn: nobody could tell which of the
    two is meant, and one reading of it leaves orders out.
    """
    local = moment.astimezone(PACIFIC)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return moment - timedelta(hours=2) if twice else moment
