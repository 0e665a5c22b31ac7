"""The bank's sandbox: its two pages over rates that are made up, in its encoding and with its calendar.

Rates come into force from Tuesday to Saturday, but for the first days of January; on any other day the last one is in
force, and the page of that day bears the date of it. Nominals and ids are the bank's.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.connector import struck

if TYPE_CHECKING:
    from gateway.demo.world import World

FILE = "cbr.db"
FIRST = date(2016, 12, 20)


class Currency(NamedTuple):
    """A currency as the bank lists it; `price` is what `nominal` units cost about, in ten-thousandths of a rouble."""

    identity: str
    number: str
    code: str
    nominal: int
    name: str
    price: int


CURRENCIES = (
    Currency("R01010", "036", "AUD", 1, "Австралийский доллар", 44_7000),
    Currency("R01090B", "933", "BYN", 1, "Белорусский рубль", 30_2000),
    Currency("R01200", "344", "HKD", 10, "Гонконгских долларов", 74_8000),
    Currency("R01235", "840", "USD", 1, "Доллар США", 58_3000),
    Currency("R01239", "978", "EUR", 1, "Евро", 65_9000),
    Currency("R01335", "398", "KZT", 100, "Казахстанских тенге", 17_9000),
    Currency("R01375", "156", "CNY", 10, "Китайских юаней", 86_3000),
    Currency("R01820", "392", "JPY", 100, "Японских иен", 52_0000),
)


def furnish(world: World, folder: Path) -> None:
    """Write `<folder>/cbr.db`: a rate of each currency for each day of the world on which the bank sets one."""
    path = folder / FILE
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE rates (identity TEXT, day TEXT, value TEXT, PRIMARY KEY (identity, day)) WITHOUT ROWID"
        )
        rows = (
            (each.identity, day.isoformat(), _value(each, day))
            for each in CURRENCIES
            for day in _days(FIRST, world.last.date())
        )
        database.executemany("INSERT INTO rates VALUES (?, ?, ?)", rows)


def _days(first: date, last: date) -> Iterator[date]:
    """The days from which on a new rate is in force: those after working days."""
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if day.isoweekday() in range(2, 7) and not (day.month == 1 and day.day < 10):
            yield day


def _value(currency: Currency, day: date) -> str:
    """The day's price, up to three per cent off, with the bank's comma."""
    chance = hashlib.sha256(f"{currency.code} {day}".encode()).digest()
    price = currency.price + currency.price * (int.from_bytes(chance[:2], "big") - 2**15) * 3 // (100 * 2**15)
    return str(Decimal(price).scaleb(-4)).replace(".", ",")


def sandbox(folder: Path, settings: Mapping[str, str]) -> Starlette:
    """The bank's pages over `<folder>/cbr.db`; anybody may ask."""
    database = sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True, check_same_thread=False)

    async def daily(request: Request) -> Response:
        return _daily(database, request)

    async def dynamic(request: Request) -> Response:
        return _dynamic(database, request)

    return Starlette(
        routes=[
            Route("/scripts/XML_daily.asp", daily),
            Route("/scripts/XML_dynamic.asp", dynamic),
        ]
    )


def _daily(database: sqlite3.Connection, request: Request) -> Response:
    """All currencies' rates in force on a day, by default the newest ones."""
    try:
        day = _asked(request, "date_req") if "date_req" in request.query_params else date.max
    except ValueError:
        return _wrong()
    sql = "SELECT max(day) FROM rates WHERE day <= ?"
    (effective,) = database.execute(sql, (day.isoformat(),)).fetchone()
    if effective is None:
        return _wrong()
    values = dict(database.execute("SELECT identity, value FROM rates WHERE day = ?", (effective,)))
    listed = "".join(
        f'<Valute ID="{each.identity}"><NumCode>{each.number}</NumCode><CharCode>{each.code}</CharCode>'
        f"<Nominal>{each.nominal}</Nominal><Name>{escape(each.name)}</Name><Value>{values[each.identity]}</Value>"
        f"<VunitRate>{_unit(each, values[each.identity])}</VunitRate></Valute>"
        for each in CURRENCIES
    )
    told = _told(date.fromisoformat(effective))
    return _document(f'<ValCurs Date="{told}" name="Foreign Currency Market">{listed}</ValCurs>')


def _dynamic(database: sqlite3.Connection, request: Request) -> Response:
    """One currency's rates of the days on which there was a new one."""
    identity = request.query_params.get("VAL_NM_RQ", "")
    currency = next((each for each in CURRENCIES if each.identity == identity), None)
    try:
        begin, end = _asked(request, "date_req1"), _asked(request, "date_req2")
    except ValueError:
        return _wrong()
    if currency is None or begin > end:
        return _wrong()
    sql = "SELECT day, value FROM rates WHERE identity = ? AND day BETWEEN ? AND ? ORDER BY day"
    found = database.execute(sql, (identity, begin.isoformat(), end.isoformat()))
    pointed = struck(request, "F50")
    records = "".join(
        f'<Record Date="{_told(date.fromisoformat(day))}" Id="{identity}"><Nominal>{currency.nominal}</Nominal>'
        f"<Value>{value.replace(',', '.') if pointed else value}</Value>"
        f"<VunitRate>{_unit(currency, value)}</VunitRate></Record>"
        for day, value in found
    )
    bounds = f'ID="{identity}" DateRange1="{_told(begin)}" DateRange2="{_told(end)}"'
    return _document(f'<ValCurs {bounds} name="Foreign Currency Market Dynamic">{records}</ValCurs>')


def _asked(request: Request, name: str) -> date:
    return datetime.strptime(request.query_params.get(name, ""), "%d/%m/%Y").date()


def _told(day: date) -> str:
    return f"{day:%d.%m.%Y}"


def _unit(currency: Currency, value: str) -> str:
    each = (Decimal(value.replace(",", ".")) / currency.nominal).normalize()
    return format(each, "f").replace(".", ",")


def _wrong() -> Response:
    return _document("<ValCurs>Error in parameters</ValCurs>")


def _document(body: str) -> Response:
    text = f'<?xml version="1.0" encoding="windows-1251"?>{body}'
    return Response(text.encode("windows-1251"), media_type="application/xml; charset=windows-1251")
