"""KPIs: the venture's figures as the fund is told them, each under a version of its definition.

Modelled. A definition never changes: figures under another one get its next version, so that two of them are compared
only where they mean the same. A version that is not among the `DEFINITIONS` is kept, and has no meaning given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from connectors.fund.sheets import Columns, amount, day
from gateway.connector import Unreadable

DEFINITIONS: Mapping[tuple[str, int], str] = {
    ("gmv", 1): "All orders placed in the quarter, shipping included, cancelled and refunded ones too.",
    ("gmv", 2): "As before, without orders that were cancelled or refunded by the end of the quarter.",
    ("orders", 1): "Orders placed in the quarter.",
    ("aov", 1): "GMV divided by orders.",
    ("buyers", 1): "Accounts with an order in the quarter; who buys at two parties counts twice.",
    ("repeat_rate", 1): "Of the buyers, those with two orders or more in the quarter.",
}

_VALUE = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_UNIT = re.compile(r"[A-Z]{3}|count|percent|days")
_SOURCE = re.compile(r"[A-Z]{2,10}")


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError
    return text


def _value(text: str) -> str:
    """A number in the one form in which equal ones are equal texts."""
    return format((Decimal(_matching(_VALUE, text)) + 0).normalize(), "f")


def _definition(text: str) -> int:
    return int(_matching(re.compile("[1-9][0-9]{0,3}"), text))


@cache
def _zones() -> set[str]:
    return available_timezones()


def _zone(text: str) -> str:
    if text not in _zones():
        raise ValueError
    return text


KPI: Columns = {
    "name": lambda text: _matching(_NAME, text),
    "definition": _definition,
    "value": _value,
    "unit": lambda text: _matching(_UNIT, text),
    "zone": _zone,
    "rates_source": lambda text: _matching(_SOURCE, text) if text else None,
    "rates_on": lambda text: day(text) if text else None,
}
"""`unit` is a currency (ISO 4217), count, percent or days; `zone` is whose days make the quarter."""


def check_kpis(kpis: Sequence[Mapping[str, Any]]) -> None:
    """Raises `Unreadable` for a figure given twice, or converted at rates of nobody or of no day."""
    if len({kpi["name"] for kpi in kpis}) != len(kpis):
        raise Unreadable("a figure is among the kpis twice")
    for kpi in kpis:
        if (kpi["rates_source"] is None) != (kpi["rates_on"] is None):
            raise Unreadable(f"the rates of {kpi['name']} lack their source or their day")


def sales(kpis: Sequence[Mapping[str, Any]], currency: str) -> int | None:
    """The gmv in minor units; None where it is not given. Raises `Unreadable` unless it is in `currency`."""
    for kpi in kpis:
        if kpi["name"] == "gmv":
            if kpi["unit"] != currency:
                raise Unreadable("the gmv is not in the report's currency")
            try:
                return amount(kpi["value"])
            except ValueError:
                raise Unreadable("the gmv is finer than minor units") from None
    return None
