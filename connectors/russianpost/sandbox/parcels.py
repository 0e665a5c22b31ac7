"""Parcels: what Russian Post carries of the demo's world, and how far it has come.

Modelled, all of it: which numbers parcels have (they follow from the purchase, as in the marketplace's stand-in), and
how long each leg takes. A parcel in a hundred goes back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32
from zoneinfo import ZoneInfo

from connectors.russianpost.sandbox.answers import Operation
from gateway.connector import s10_number

if TYPE_CHECKING:
    from gateway.demo.world import World

FILE = "russianpost.db"

MOSCOW, CHINA = ZoneInfo("Europe/Moscow"), ZoneInfo("Asia/Shanghai")

_SENT = timedelta(days=3)
"""After the purchase, as the marketplaces' stand-ins have it."""


class Step(NamedTuple):
    """An operation on the way: type, attribute, country, and its earliest and latest hour after the one before."""

    kind: int
    attribute: int
    country: str
    soonest: int
    latest: int


_TO_RUSSIA = (
    Step(1, 1, "CN", 0, 0),
    Step(10, 0, "CN", 20, 90),
    Step(9, 0, "RU", 30, 150),
    Step(11, 0, "RU", 2, 10),
    Step(14, 0, "RU", 4, 48),
    Step(8, 4, "RU", 10, 40),
    Step(8, 2, "RU", 20, 120),
)
_DELIVERED = Step(2, 1, "RU", 2, 90)
_BACK = (Step(12, 6, "RU", 12, 80), Step(3, 1, "RU", 100, 300))

_NAMES = {
    (1, 1): ("Приём", "Acceptance", "Единичный", "Single"),
    (10, 0): ("Экспорт международной почты", "Export of international mail", None, None),
    (9, 0): ("Импорт международной почты", "Import of international mail", None, None),
    (11, 0): ("Передано таможне", "Handed to customs", None, None),
    (14, 0): ("Таможенное оформление завершено", "Customs clearance done", None, None),
    (8, 4): ("Обработка", "Processing", "Покинуло сортировочный центр", "Left the sorting centre"),
    (8, 2): ("Обработка", "Processing", "Прибыло в место вручения", "Arrived at the place of delivery"),
    (2, 1): ("Вручение", "Delivery", "Вручение адресату", "To the addressee"),
    (12, 6): ("Неудачная попытка вручения", "Failed attempt of delivery", "Отказ адресата", "Refused"),
    (3, 1): ("Возврат", "Return", "Истёк срок хранения", "Kept long enough"),
}

_PLACES = {"CN": ("518000", "SHENZHEN"), "RU": ("102976", "MOSCOW PCI-9")}


def furnish(world: World, folder: Path) -> None:
    """Write `<folder>/russianpost.db` anew from the world: Pandao's parcels, each with when it was sent."""
    path = folder / FILE
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as books:
        books.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE parcels (number TEXT PRIMARY KEY, sent TEXT NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE now (at TEXT NOT NULL);"
        )
        books.executemany("INSERT OR REPLACE INTO parcels VALUES (?, ?)", _parcels(world))
        books.execute("INSERT INTO now VALUES (?)", (world.last.isoformat(),))
        books.commit()


def _parcels(world: World) -> Iterator[tuple[str, str]]:
    for purchase in world.purchases("MAILRU"):
        sent = purchase.at + _SENT
        if sent < world.last:
            yield s10_number(purchase.number, "CN"), sent.isoformat()


def operations_of(books: sqlite3.Connection, number: str, language: str) -> list[Operation]:
    """What happened to a parcel until now, oldest first; nothing where the number is not known."""
    found = books.execute("SELECT sent, at FROM parcels, now WHERE number = ?", (number,)).fetchone()
    if found is None:
        return []
    at, now = (datetime.fromisoformat(text) for text in found)
    told = []
    for place, step in enumerate(_way(number)):
        at += timedelta(minutes=_drawn(number, place, step.soonest * 60, step.latest * 60))
        if at > now:
            break
        told.append(_operation(step, at, language))
    return told


def _way(number: str) -> tuple[Step, ...]:
    return (*_TO_RUSSIA, *(_BACK if crc32(number.encode()) % 100 == 0 else (_DELIVERED,)))


def _drawn(number: str, place: int, least: int, most: int) -> int:
    """A number from `least` to `most`, the same for a parcel and a step in each run; seldom near the most."""
    part = crc32(f"{number} {place}".encode()) / 2**32
    return least + int((most - least) * part * part)


def _operation(step: Step, at: datetime, language: str) -> Operation:
    kind_russian, kind_english, russian, english = _NAMES[step.kind, step.attribute]
    zone = CHINA if step.country == "CN" else MOSCOW
    return Operation(
        step.kind,
        step.attribute,
        kind_english if language == "ENG" else kind_russian,
        english if language == "ENG" else russian,
        at.astimezone(UTC).astimezone(zone).isoformat(timespec="milliseconds"),
        step.country,
        *_PLACES[step.country],
    )
