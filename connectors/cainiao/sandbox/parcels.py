"""Parcels: what Cainiao carries of the demo's world, and how far it has come.

As the service's answers have it: the fields' names with their misspelling, the number of days with a tab in it, events
newest first with a wall clock, its zone and `time`, which takes that clock for Beijing's, a town in brackets, a stub
for a number that is not known. Modelled: which numbers parcels have and when they are sent (both follow from the
purchase, as in AliExpress's stand-in), and how long each part of the way takes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from gateway.demo.world import Purchase, World

FILE = "cainiao.db"

CHINA = ZoneInfo("Asia/Shanghai")

KNOWN = timedelta(days=90)
"""For how long a parcel is told of."""

_SENT, _USUAL = timedelta(days=3), timedelta(days=11)
"""From the purchase to the sending, and from there to its end, as AliExpress's stand-in has them."""


class Step(NamedTuple):
    """A part of the way: how much of the whole is behind it, its code, its text, and where it is."""

    part: float
    code: str
    text: str
    abroad: bool = False


_HOME = (
    Step(0.00, "GWMS_ACCEPT", "Order received successfully"),
    Step(0.02, "PU_PICKUP_SUCCESS", "Received by logistics company"),
    Step(0.06, "SC_INBOUND_SUCCESS", "Processing at sorting center"),
    Step(0.10, "SC_OUTBOUND_SUCCESS", "Departed from sorting center"),
    Step(0.15, "CC_EX_SUCCESS", "Export customs clearance complete"),
    Step(0.18, "LH_HO_AIRLINE", "Leaving from departure country/region"),
    Step(0.20, "LH_DEPART", "Departed from departure country/region"),
)
_DECLARED = Step(0.08, "CC_IM_START", "Import customs clearance started")
_THROUGH = (
    Step(0.35, "TD_TRANS_ARRIVE_C", "Arrived at transit country/region"),
    Step(0.42, "TD_TRANS_DEPART_C", "Departed from transit country/region"),
)
_ABROAD = (
    Step(0.55, "LH_ARRIVE", "Arrived at linehaul office", True),
    Step(0.57, "CC_HO_IN_SUCCESS", "Arrived at customs", True),
    Step(0.62, "CC_IM_SUCCESS", "Import customs clearance complete", True),
    Step(0.70, "GTMS_ACCEPT", "Received by local delivery company", True),
    Step(0.90, "GTMS_DO_DEPART", "Out for delivery", True),
)
_FETCHED = Step(0.94, "GTMS_STA_SIGNED", "Arrived at pick-up point", True)
_SIGNED = Step(1.00, "GTMS_SIGNED", "Delivered", True)


class Country(NamedTuple):
    """A country that parcels go to: its name, clock and a town, and who brings them there."""

    name: str
    zone: ZoneInfo
    town: str
    carrier: str | None


_COUNTRIES = {
    "RU": Country("Russian Federation", ZoneInfo("Europe/Moscow"), "Moscow", None),
    "FI": Country("Finland", ZoneInfo("Europe/Helsinki"), "Vantaa", "Posti"),
    "DE": Country("Germany", ZoneInfo("Europe/Berlin"), "Bremen", "Hermes"),
    "PL": Country("Poland", ZoneInfo("Europe/Warsaw"), "Warszawa", "InPost"),
    "FR": Country("France", ZoneInfo("Europe/Paris"), "Bordeaux", "Colis Prive"),
}


def furnish(world: World, folder: Path) -> None:
    """Write `<folder>/cainiao.db` anew from the world: AliExpress's parcels of late, each with when it was sent."""
    path = folder / FILE
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as books:
        books.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE parcels (number TEXT PRIMARY KEY, sent TEXT NOT NULL, country TEXT NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE now (at TEXT NOT NULL);"
        )
        books.executemany("INSERT OR REPLACE INTO parcels VALUES (?, ?, ?)", _parcels(world))
        books.execute("INSERT INTO now VALUES (?)", (world.last.isoformat(),))
        books.commit()


def _parcels(world: World) -> Iterator[tuple[str, str, str]]:
    for purchase in world.purchases("ALIBABA"):
        if _SENT < world.last - purchase.at < KNOWN:
            yield from _of(purchase)


def _of(purchase: Purchase) -> Iterator[tuple[str, str, str]]:
    """The parcels of a purchase that Cainiao has: three in five, numbered as AliExpress's stand-in does."""
    mixed = purchase.number * 0x9E3779B97F4A7C15 % 2**40
    if mixed % 5 < 3:
        country = ("FI", "DE", "PL", "FR")[mixed // 20 % 4] if mixed % 20 == 7 else "RU"
        for part in range(2 if mixed % 30 == 0 else 1):
            yield f"LP{mixed * 2 + part:014d}", (purchase.at + _SENT).isoformat(), country


def parcel_of(books: sqlite3.Connection, number: str) -> dict[str, Any]:
    """What the service tells of a parcel until now; a stub where the number is not known."""
    found = books.execute("SELECT sent, country, at FROM parcels, now WHERE number = ?", (number,)).fetchone()
    if found is None:
        return {"mailNo": number, "mailNoSource": "EXTERNAL", "detailList": []}
    sent, now = (datetime.fromisoformat(text) for text in (found[0], found[2]))
    country = _COUNTRIES[found[1]]
    happened = [
        (step, at)
        for step in _way(number, country)
        if (at := sent + _USUAL * step.part + _late(number, step)) <= now
    ]
    events = [_event(number, step, at, country) for step, at in reversed(happened)]
    done = happened and happened[-1][0] is _SIGNED
    return {
        "mailNo": number,
        "mailNoSource": "AE",
        "originCountry": "Mainland China",
        "destCountry": country.name,
        "status": "DELIVERED" if done else "DELIVERING",
        "statusDesc": "Delivered" if done else "Delivering",
        "daysNumber": f"{(now - sent).days}\tday(s)",
        "detailList": events,
        **_handed_over(number, country, happened),
    }


def _way(number: str, country: Country) -> list[Step]:
    drawn = crc32(number.encode())
    early = (_DECLARED,) if drawn % 5 == 0 else ()
    through = _THROUGH if country.carrier else ()
    fetched = (_FETCHED,) if drawn % 7 == 0 else ()
    steps = [*_HOME, *early, *through, *_ABROAD, *fetched, _SIGNED]
    return sorted(steps, key=lambda step: step.part)


def _late(number: str, step: Step) -> timedelta:
    """Some minutes more, the same in each run; what comes last is on time."""
    return timedelta() if step is _SIGNED else timedelta(minutes=crc32(f"{number} {step.code}".encode()) % 90)


def _event(number: str, step: Step, at: datetime, country: Country) -> dict[str, Any]:
    local = at.astimezone(UTC).astimezone(country.zone if step.abroad else CHINA)
    wall = local.replace(tzinfo=None, microsecond=0)
    hours = (local.utcoffset() or timedelta()) // timedelta(hours=1)
    town = country.town if step.abroad else "Shenzhen"
    event = {
        "time": int(wall.replace(tzinfo=CHINA).timestamp()) * 1000,
        "timeStr": str(wall),
        "timeZone": f"GMT+{hours}",
        "desc": f"[{town}] {step.text}",
        "standerdDesc": step.text,
        "descTitle": "Carrier note:",
        "actionCode": step.code,
    }
    if step.abroad and crc32(number.encode()) % 9 == 4:
        del event["timeZone"]
    return event


def _handed_over(number: str, country: Country, happened: list[tuple[Step, datetime]]) -> dict[str, Any]:
    """Who brings it, and under which number, once that is known."""
    if country.carrier is None or not any(step.code == "GTMS_ACCEPT" for step, _ in happened):
        return {}
    other = f"{country.carrier[:2].upper()}{crc32(number.encode()):010d}"
    return {
        "realMailNo": f"Latest Tracking Number:\t{other}",
        "copyRealMailNo": other,
        "destCpInfo": {"cpName": country.carrier, "phone": "", "url": ""},
    }
