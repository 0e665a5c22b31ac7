"""Values: Pandao's, each of which comes as a string, and myTarget's, read into what they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from gateway.connector import Unreadable, instant

Fields = Mapping[str, Any]

MOSCOW = ZoneInfo("Europe/Moscow")

CURRENCY = "RUB"
"""Amounts are roubles, whatever was bought."""

_AMOUNT = re.compile(r"[0-9]{1,13}(\.[0-9]{1,18})?")
_FLAGS = {"True": True, "False": False, "true": True, "false": False, True: True, False: False}


def unwrapped(record: Any, wrapper: str) -> Fields:
    """The fields of a record that comes as `{wrapper: {…}}`."""
    fields = record.get(wrapper) if isinstance(record, dict) else None
    if not isinstance(fields, dict):
        raise Unreadable(f"the record is not wrapped in {wrapper}")
    return fields


def text(fields: Fields, name: str) -> str:
    """A text that must be there."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{name} is missing or not a string")
    return value


def text_or_none(fields: Fields, name: str) -> str | None:
    """A text; an absent one is left out, null or empty."""
    return text(fields, name) if fields.get(name) not in (None, "") else None


def number(fields: Fields, name: str) -> int:
    """A whole number from 0 up."""
    value = text(fields, name)
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise Unreadable(f"{name} is not a whole number")
    return int(value)


def flag(fields: Fields, name: str) -> bool:
    """A truth value: the text `True` or `False`, or, as some of the family's calls have it, a boolean."""
    value = fields.get(name)
    if not isinstance(value, str | bool) or value not in _FLAGS:
        raise Unreadable(f"{name} is neither True nor False")
    return _FLAGS[value]


def kopecks(fields: Fields, name: str) -> int:
    """An amount in roubles as minor units, exact."""
    value = text(fields, name)
    if not _AMOUNT.fullmatch(value):
        raise Unreadable(f"{name} is not an amount")
    minor = Decimal(value).scaleb(2)
    if minor != int(minor):
        raise Unreadable(f"{name} is finer than a kopeck")
    return int(minor)


def moment(fields: Fields, name: str) -> str:
    """A time as `instant` writes it; without a zone it is UTC, as the shape has it."""
    found = _instant(text(fields, name))
    if found is None:
        raise Unreadable(f"{name} is not a time")
    return found


@lru_cache(4096)  # the orders of a checkout have their times in common
def _instant(written: str) -> str | None:
    try:
        found = datetime.fromisoformat(written)
        return instant(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def count(fields: Fields, name: str) -> int:
    """A number of things, as myTarget sends it: a JSON number."""
    value = fields.get(name)
    if type(value) is not int or not 0 <= value < 2**63:
        raise Unreadable(f"{name} is not a count")
    return value


def moscow_moment(fields: Fields, name: str) -> str:
    """A time as `instant` writes it; myTarget's are of Moscow and say no zone."""
    try:
        local = datetime.strptime(text(fields, name), "%Y-%m-%d %H:%M:%S")
        return instant(local.replace(tzinfo=MOSCOW))
    except (ValueError, OverflowError):
        raise Unreadable(f"{name} is not a time") from None
