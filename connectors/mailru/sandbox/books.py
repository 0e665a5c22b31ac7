"""Books: what Pandao and myTarget know of the demo's world, as the SQLite file that the sandbox serves."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32
from zoneinfo import ZoneInfo

from gateway.connector import s10_number

if TYPE_CHECKING:
    from gateway.demo.world import Member, Purchase, World

FILE = "mailru.db"

KOPECKS_PER_CENT = 58
"""About what a dollar cost in 2017."""

CATEGORIES = 12
CAMPAIGN_DAYS = 100
VISITS = 3
"""How often one must have bought in a category to be in its segment."""

TRACKED = timedelta(days=60)
"""For how long an order shows its parcel's number."""

_SCHEMA = """
CREATE TABLE users (updated TEXT, user_id TEXT, name TEXT, email TEXT, phone TEXT, region TEXT,
    birth_year INTEGER, registered TEXT, PRIMARY KEY (updated, user_id)) WITHOUT ROWID;
CREATE TABLE products (product_id INTEGER PRIMARY KEY, name TEXT, category TEXT, updated TEXT, uploaded TEXT,
    price INTEGER, sold INTEGER);
CREATE TABLE orders (updated TEXT, order_id TEXT, transaction_id TEXT, user_id TEXT, product_id INTEGER,
    quantity INTEGER, total INTEGER, state TEXT, confirmed INTEGER, placed TEXT, shipped TEXT, tracking TEXT,
    PRIMARY KEY (updated, order_id)) WITHOUT ROWID;
CREATE INDEX ix_products_updated ON products (updated, product_id);
CREATE INDEX ix_users_user_id ON users (user_id);
CREATE TABLE segments (id INTEGER PRIMARY KEY, name TEXT, created TEXT, updated TEXT);
CREATE TABLE campaigns (id INTEGER PRIMARY KEY, segment_id INTEGER, name TEXT, status TEXT, date_start TEXT,
    date_end TEXT, updated TEXT);
CREATE TABLE banners (id INTEGER PRIMARY KEY, campaign_id INTEGER, name TEXT, status TEXT, moderation_status TEXT,
    updated TEXT);
CREATE TABLE members (segment_id INTEGER, user_id TEXT, PRIMARY KEY (segment_id, user_id)) WITHOUT ROWID;
"""


def furnish(world: World, folder: Path) -> None:
    """Write `<folder>/mailru.db` from the world: users, an order for each line of a purchase, segments."""
    path = folder / FILE
    path.unlink(missing_ok=True)
    ledger = Ledger(world.last)
    with closing(sqlite3.connect(path)) as books:
        books.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
        _insert(books, "users", 8, map(_user, world.members("MAILRU")))
        _insert(books, "orders", 12, chain.from_iterable(map(ledger.enter, world.purchases("MAILRU"))))
        _insert(books, "products", 7, ledger.catalogue())
        for number, (name, members) in enumerate(ledger.segments(), 101):
            moscow = world.last.astimezone(ZoneInfo("Europe/Moscow")).strftime("%Y-%m-%d %H:%M:%S")
            _insert(books, "segments", 4, [(number, name, "2017-01-01 00:00:00", moscow)])
            _insert(books, "members", 2, ((number, member) for member in sorted(members)))
            campaign, banners = advertised(number, name, world.last.date())
            _insert(books, "campaigns", 7, [campaign])
            _insert(books, "banners", 6, banners)
        books.commit()


def _insert(books: sqlite3.Connection, table: str, columns: int, rows: Any) -> None:
    books.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})", rows)  # noqa: S608 - own names


def _user(member: Member) -> tuple[Any, ...]:
    since = _text(member.since)
    contacts = member.name, member.email, member.phone, member.region, member.birth_year
    return since, member.account, *contacts, since


Course = tuple[str, str, str | None, int]
"""An order's state, last change, shipping, and whether it arrived."""


class Ledger:
    """Purchases as they are entered: Pandao's orders, and on the way who buys what, for the segments."""

    def __init__(self, last: datetime) -> None:
        self._products: dict[int, tuple[str, str, str, int]] = {}
        self._uploaded: dict[int, str] = {}
        self._sold: Counter[int] = Counter()
        self._last = last
        self._visits: Counter[tuple[str, str]] = Counter()
        self._lines: Counter[str] = Counter()
        self._spent: Counter[str] = Counter()

    def enter(self, purchase: Purchase) -> Iterator[tuple[Any, ...]]:
        """The orders of a purchase. Their ids, as in the family, are a time and numbers in 24 hex digits."""
        stamp = f"{int(purchase.at.timestamp()):08x}"
        transaction = f"{stamp}{purchase.number:016x}"
        first = f"{stamp}{purchase.number:010x}"
        placed, courses = _text(purchase.at), self._courses(purchase.at)
        # What is bought in one go is sent in one parcel; numbers are shown for a while only.
        recent = self._last - purchase.at <= TRACKED
        parcel = s10_number(purchase.number, "CN") if recent else None
        for line, bought in enumerate(purchase.lines):
            price = round(bought.cents * KOPECKS_PER_CENT / bought.quantity)
            self._products[bought.product] = bought.name, bought.category, placed, price
            self._uploaded.setdefault(bought.product, placed)
            self._sold[bought.product] += bought.quantity
            identity = f"{first}{line:06x}"
            state, updated, shipped, confirmed = courses[crc32(identity.encode()) % 50]
            head = updated, identity, transaction, purchase.account, bought.product, bought.quantity
            tracking = parcel if shipped else None
            yield *head, bought.cents * KOPECKS_PER_CENT, state, confirmed, placed, shipped, tracking
        self._count(purchase)

    def _courses(self, placed: datetime) -> list[Course]:
        """What became of an order of this age; fifty courses, of which each order has one by its id."""
        age = self._last - placed
        shipped = _text(placed + timedelta(days=3))
        rare: Course = "SHIPPED", shipped, shipped, 0
        usual = rare
        if age <= timedelta(days=3):
            rare = "REQUIRE_REVIEW", _text(placed), None, 0
            usual = "APPROVED", _text(placed), None, 0
        elif age > timedelta(days=14):
            rare = "REFUNDED", _text(placed + timedelta(days=10)), shipped, 0
            usual = "SHIPPED", _text(placed + timedelta(days=14)), shipped, 1
        return [rare] + [usual] * 49

    def catalogue(self) -> Iterator[tuple[Any, ...]]:
        """What was bought: listed with its first sale, changed with its latest, whose price it has."""
        for number, product in self._products.items():
            name, category, updated, price = product
            yield number, name, category, updated, self._uploaded[number], price, self._sold[number]

    def _count(self, purchase: Purchase) -> None:
        self._spent[purchase.account] += sum(line.cents for line in purchase.lines)
        self._lines.update(line.category for line in purchase.lines)
        for category in {line.category for line in purchase.lines}:
            self._visits[purchase.account, category] += 1

    def segments(self) -> Iterator[tuple[str, list[str]]]:
        """Names and members: who often buys in a large category, and the tenth that spends most."""
        largest = sorted(self._lines, key=lambda category: (-self._lines[category], category))[:CATEGORIES]
        often: dict[str, list[str]] = {category: [] for category in largest}
        for (account, category), visits in self._visits.items():
            if visits >= VISITS and category in often:
                often[category].append(account)
        for category, members in often.items():
            yield f"Buys often: {category.capitalize()}", members
        ranked = sorted(self._spent, key=lambda account: (-self._spent[account], account))
        yield "Big spenders", ranked[: -(-len(ranked) // 10)]


def advertised(segment: int, name: str, last: date) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
    """The campaign for a segment, and its banners; some began long ago and have ended."""
    number = segment - 101
    start = last - timedelta(days=40 + 60 * (number % 5))
    end = min(start + timedelta(days=CAMPAIGN_DAYS - 1), last)
    campaign = 5001 + number
    status = "blocked" if end < last else "active"
    changed = f"{end} 03:00:00"
    banners = [
        (10 * campaign + place, campaign, f"{name}, {form}", status, "allowed", changed)
        for place, form in enumerate(("in the feed", "as a teaser"))
    ]
    return (campaign, segment, f"For: {name}", status, str(start), str(end), changed), banners


def _text(moment: datetime) -> str:
    return moment.isoformat()[:19]
