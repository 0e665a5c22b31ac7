"""Numbers of parcels: what kind they are, and whether the check digit of UPU's S10 is right.

S10 (UPU standard S10-12): two letters for the service, eight digits, a check digit, and the ISO 3166-1 code of the
country that gave the number. Marketplaces print numbers with wrong digits, so a wrong one is told of and never refused.
"""

from __future__ import annotations

import re
from enum import Enum

import strawberry

_S10 = re.compile(r"[A-Z]{2}([0-9]{8})([0-9])[A-Z]{2}")
_DOMESTIC = re.compile(r"[0-9]{14}")
_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


@strawberry.enum
class NumberFormat(Enum):
    """What kind of tracking number it is."""

    S10 = strawberry.enum_value(
        "S10", description="UPU's, as of international mail, with a right check digit."
    )
    S10_WRONG = strawberry.enum_value("S10_WRONG", description="UPU's by its looks, but for the check digit.")
    RUSSIAN_POST = strawberry.enum_value("RUSSIAN_POST", description="Russian Post's of 14 digits.")
    OTHER = strawberry.enum_value("OTHER", description="A carrier's own.")


def check_digit(serial: str) -> int:
    """The check digit of the eight digits of an S10 number."""
    weighed = sum(int(digit) * weight for digit, weight in zip(serial, _WEIGHTS, strict=True))
    found = 11 - weighed % 11
    return {10: 0, 11: 5}.get(found, found)


def number_format(number: str) -> NumberFormat:
    """The kind of a number as `tracking_number` gives it."""
    s10 = _S10.fullmatch(number)
    if s10:
        return NumberFormat.S10 if check_digit(s10[1]) == int(s10[2]) else NumberFormat.S10_WRONG
    return NumberFormat.RUSSIAN_POST if _DOMESTIC.fullmatch(number) else NumberFormat.OTHER


def s10_number(value: int, country: str) -> str:
    """The S10 number of a registered, a tracked or another item that a value makes; below 10,400,000,000 each its own.

    `country` is an ISO 3166-1 alpha-2 code in capitals.
    """
    block, serial = divmod(value, 10**8)
    digits = f"{serial:08d}"
    return f"{'RLCU'[block % 4]}{chr(65 + block // 4 % 26)}{digits}{check_digit(digits)}{country}"
