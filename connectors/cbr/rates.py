"""Rates: what the Bank of Russia sets a rouble price for, day by day.

Documented: `XML_daily.asp` tells the rates of one day with the bank's ids of the currencies, `XML_dynamic.asp` one
currency's over many days; there is none for days on which none was set. A currency that the bank no longer quotes is
not asked for.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from typing import Any

from connectors.cbr.documents import asked, day, read_document, texts
from gateway.connector import (
    Batch,
    Cursor,
    Dataset,
    Kind,
    PartnerError,
    Request,
    Rows,
    Unreadable,
    Upstream,
    exchange_rates,
)

FIRST = date(2017, 1, 1)
"""The venture's books begin here."""

OVERLAP = timedelta(days=7)
"""Days that are read again, should one have been corrected."""

_CODE = re.compile(r"[A-Z]{3}")
_VALUE = re.compile(r"([0-9]{1,9}),([0-9]{1,10})")
_NOMINAL = re.compile(r"[1-9][0-9]{0,6}")


async def pull_rates(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
    """All rates of each currency, a batch for each; the cursor keeps the day to which each one's are known."""
    known: dict[str, str] = dict(cursor.get("through", {}))
    newest, currencies = await _currencies(upstream)
    for identity, code in currencies.items():
        begin = date.fromisoformat(known[identity]) - OVERLAP if identity in known else FIRST
        found = await _history(upstream, identity, code, min(begin, newest), newest)
        known = {**known, identity: newest.isoformat()}
        yield Batch(found, {"through": known})
    yield Batch([], {"through": known})


async def _currencies(upstream: Upstream) -> tuple[date, dict[str, str]]:
    """The day of the newest rates, and the codes of the currencies that have one, by the bank's ids."""
    root = await upstream.read(
        lambda: Request("GET", "/scripts/XML_daily.asp", name="XML_daily"), read_document
    )
    try:
        newest = day(root.attrib["Date"])
        found = {each.attrib["ID"]: texts(each)["CharCode"] for each in root.iter("Valute")}
    except (KeyError, ValueError):
        raise PartnerError(Kind.DRIFT, "the bank's daily rates lack their day, an id or a code") from None
    if not found:
        raise PartnerError(Kind.TRANSIENT, "the bank's daily rates are empty")
    return newest, found


async def _history(
    upstream: Upstream, identity: str, code: str, begin: date, end: date
) -> list[dict[str, Any]]:
    query = {"date_req1": asked(begin), "date_req2": asked(end), "VAL_NM_RQ": identity}
    root = await upstream.read(
        lambda: Request("GET", "/scripts/XML_dynamic.asp", query, name="XML_dynamic"), read_document
    )
    if root.attrib.get("ID") != identity:
        raise PartnerError(Kind.DRIFT, "the bank told of another currency than was asked for")
    return [
        {"code": code, "date": each.attrib.get("Date", ""), **texts(each)} for each in root.iter("Record")
    ]


def read_rate(record: Mapping[str, Any]) -> Rows:
    """A rate's row. Raises `Unreadable`."""
    code, nominal, value = record["code"], record["Nominal"], _VALUE.fullmatch(record["Value"])
    if not _CODE.fullmatch(code):
        raise Unreadable("the currency is not a code of ISO 4217")
    if not _NOMINAL.fullmatch(nominal):
        raise Unreadable("Nominal is not a number of units")
    if value is None or not any(map(int, value.groups())):
        raise Unreadable("Value is not a price with a decimal comma")
    try:
        effective = day(record["date"])
    except ValueError:
        raise Unreadable("the day of the rate is not a date") from None
    row = {"currency": code, "effective_on": effective.isoformat(), "nominal": int(nominal)}
    return {exchange_rates: [{**row, "roubles": ".".join(value.groups())}]}


rates = Dataset("rates", pull_rates, read_rate, covers={"rates": "cbr:rates"})
