"""Limits: up to which value and weight a person's parcel enters the Eurasian Economic Union free of duty, by date.

They are the union's; a member may set lower ones, and none did.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import strawberry

MEMBERS = ("AM", "BY", "KG", "KZ", "RU")


@strawberry.enum
class DutyPeriod(StrEnum):
    """What a limit is for: one parcel, or all that a person gets in a calendar month."""

    PARCEL = "PARCEL"
    MONTH = "MONTH"


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit from `since` to the end of `until`, in cents of euros and in grams.

    Above it `percent` of the excess is asked, and at least `per_kilogram` cents for each kilogram above.
    """

    since: date
    until: date | None
    euro_cents: int
    grams: int
    per: DutyPeriod
    percent: int
    per_kilogram: int
    source: str


_2010 = "Agreement of the customs union on goods for personal use, 18 June 2010"
_107 = "Decision 107 of the Council of the Eurasian Economic Commission, 20 December 2017"
_35 = "Decision 35 of the Council of the Eurasian Economic Commission, 17 March 2022, and its extensions"
_MONTH, _PARCEL = DutyPeriod.MONTH, DutyPeriod.PARCEL

LIMITS = (
    Limit(date(2010, 7, 1), date(2017, 12, 31), 100_000, 31_000, _MONTH, 30, 400, _2010),
    Limit(date(2018, 1, 1), date(2018, 12, 31), 100_000, 31_000, _MONTH, 30, 400, _107),
    Limit(date(2019, 1, 1), date(2019, 12, 31), 50_000, 31_000, _MONTH, 30, 400, _107),
    Limit(date(2020, 1, 1), date(2022, 3, 30), 20_000, 31_000, _PARCEL, 15, 200, _107),
    Limit(date(2022, 3, 31), date(2024, 3, 31), 100_000, 31_000, _PARCEL, 15, 200, _35),
    Limit(date(2024, 4, 1), None, 20_000, 31_000, _PARCEL, 15, 200, _107),
)
"""By date, without gaps. That the temporary limit ended with March 2024 is from secondary sources."""


def limit_on(day: date) -> Limit | None:
    """The limit that holds for a parcel that comes to customs on this day."""
    return next((one for one in LIMITS if one.since <= day and (one.until is None or day <= one.until)), None)
