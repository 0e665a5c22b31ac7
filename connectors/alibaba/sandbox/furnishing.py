"""Furnishing: the world's members and purchases of Alibaba, as the SQLite file that the sandbox serves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import orjson

from connectors.alibaba.pacific import wall
from connectors.alibaba.profiles import BEIJING
from connectors.alibaba.sandbox import messages
from connectors.alibaba.sandbox.affiliates import INDEX as AFFILIATES_INDEX
from connectors.alibaba.sandbox.affiliates import TABLE as AFFILIATES
from connectors.alibaba.sandbox.affiliates import affiliate_order

if TYPE_CHECKING:
    from gateway.demo.world import Line, Member, Purchase, World

FILE = "alibaba.db"
TRACKED = timedelta(days=60)
"""For how long the partner lists an order's parcels."""
PARTY = "ALIBABA"

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE members (
    id TEXT NOT NULL, name TEXT, email TEXT, phone TEXT, region TEXT, birth_year INTEGER,
    created TEXT NOT NULL, modified TEXT NOT NULL
);
CREATE TABLE orders (
    id INTEGER NOT NULL, buyer TEXT NOT NULL, buyer_name TEXT, status TEXT NOT NULL, end_reason TEXT,
    created TEXT NOT NULL, paid TEXT, sent TEXT, modified TEXT NOT NULL, lines TEXT NOT NULL,
    tracked INTEGER NOT NULL
);
CREATE TABLE products (
    id INTEGER NOT NULL, name TEXT NOT NULL, category TEXT, cents INTEGER NOT NULL, status TEXT NOT NULL,
    created TEXT NOT NULL, modified TEXT NOT NULL
);
"""
_INDEXES = """
CREATE UNIQUE INDEX members_by_id ON members (id);
CREATE UNIQUE INDEX orders_by_id ON orders (id);
CREATE UNIQUE INDEX products_by_id ON products (id);
CREATE INDEX parcels_by_change ON orders (modified, id) WHERE tracked = 1;
CREATE INDEX products_by_change ON products (status, modified, id);
CREATE INDEX members_by_change ON members (modified, id);
CREATE INDEX orders_by_change ON orders (status, modified, id);
CREATE INDEX open_orders_by_change ON orders (modified, id) WHERE status <> 'FINISH';
"""


_FIRST = 8_500_000_000_000_563


class Course(NamedTuple):
    """How far an order has come: its status, why it ended, and the moments on the way."""

    status: str
    end_reason: str | None
    paid: datetime | None
    sent: datetime | None
    modified: datetime


def furnish(world: World, folder: Path) -> None:
    """Write `<folder>/alibaba.db` anew; the same world gives the same file."""
    members = world.members(PARTY)
    draft = folder / f"{FILE}.draft"
    draft.unlink(missing_ok=True)
    products: Products = {}
    affiliated: list[tuple[object, ...]] = []
    with closing(sqlite3.connect(draft)) as database:
        database.executescript(_TABLES + AFFILIATES + messages.TABLE)
        with database:
            database.executemany("INSERT INTO members VALUES (?, ?, ?, ?, ?, ?, ?, ?)", map(_member, members))
            database.executemany(
                "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                _orders(world, members, products, affiliated),
            )
            database.executemany(
                "INSERT INTO affiliate_orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", affiliated
            )
            database.executemany(
                "INSERT INTO products VALUES (?, ?, ?, ?, ?, ?, ?)", map(_product, products.values())
            )
        database.executescript(_INDEXES + AFFILIATES_INDEX)
        with database:
            messages.queue_newest(database)
    draft.replace(folder / FILE)


def _member(member: Member) -> tuple[object, ...]:
    since = wall(member.since)
    person = (member.name, member.email, member.phone, member.region, member.birth_year)
    return (member.account, *person, since, since)


Products = dict[int, tuple["Line", datetime]]
"""Each product as it was first bought, and when."""


def _product(first: tuple[Line, datetime]) -> tuple[object, ...]:
    """A product: on sale, but for six in a hundred that are offline and four at the editors'."""
    line, at = first
    lot = _mixed(line.product) >> 20
    status = {0: "auditing", 1: "auditing", 2: "editingRequired", 3: "editingRequired"}.get(lot % 100)
    on_sale = "offline" if 4 <= lot % 100 < 10 else "onSelling"
    created = wall(at - timedelta(days=30), BEIJING)
    price = line.cents // line.quantity
    return (product_id(line.product), line.name, line.category, price, status or on_sale, created, created)


def _orders(
    world: World, members: list[Member], products: Products, affiliated: list[tuple[object, ...]]
) -> Iterator[tuple[object, ...]]:
    """The rows of all orders; `products` and `affiliated` are filled on the way."""
    names = {member.account: member.name for member in members}
    for purchase in world.purchases(PARTY):
        course = run(purchase, world.last)
        for line in purchase.lines:
            products.setdefault(line.product, (line, purchase.at))
        id_ = order_id(purchase.number)
        if mixed_of(id_) % 7 == 0:
            first = product_id(purchase.lines[0].product)
            affiliated.append(affiliate_order(purchase, id_, first, course))
        moments = (purchase.at, course.paid, course.sent, course.modified)
        yield (
            id_,
            purchase.account,
            names.get(purchase.account),
            course.status,
            course.end_reason,
            *(wall(moment) if moment else None for moment in moments),
            _lines(purchase),
            course.sent is not None and world.last - purchase.at <= TRACKED,
        )


def _lines(purchase: Purchase) -> str:
    lines = [
        (product_id(line.product), line.name, line.category, line.quantity, line.cents)
        for line in purchase.lines
    ]
    return orjson.dumps(lines).decode()


def run(purchase: Purchase, now: datetime) -> Course:
    """The course of a purchase until `now`: sent after 3 days, received after 14; 2 in 100 end otherwise."""
    at, age = purchase.at, now - purchase.at
    paid, sent, received = at + timedelta(minutes=10), at + timedelta(days=3), at + timedelta(days=14)
    fate = (_mixed(purchase.number) >> 20) % 100
    if fate == 0 and age > timedelta(days=1):
        return Course("FINISH", "cancel_order_close_trade", None, None, at + timedelta(days=1))
    if age <= timedelta(days=1):
        return Course("RISK_CONTROL", None, paid, None, paid)
    if age <= timedelta(days=3):
        return Course("WAIT_SELLER_SEND_GOODS", None, paid, None, at + timedelta(days=1))
    if age <= timedelta(days=14):
        return Course("WAIT_BUYER_ACCEPT_GOODS", None, paid, sent, sent)
    return Course("FINISH", "refund_order_close_trade" if fate == 1 else None, paid, sent, received)


def order_id(number: int) -> int:
    """The order id of a basket number below 2^40: 16 digits, and odd: no double holds one beyond 2^53."""
    return _FIRST + _mixed(number) * 1_000


def mixed_of(id_: int) -> int:
    """The number below 2^40, as good as drawn by lot, that an order's id was made of."""
    return (id_ - _FIRST) // 1_000


def product_id(number: int) -> int:
    """The product id of a product number: 17 digits, and odd, so that no double holds it."""
    return 32_000_000_000_000_001 + 2 * number


def _mixed(number: int) -> int:
    """The numbers below 2^40 in another order: multiplying by an odd number repeats none of them."""
    return number * 0x9E3779B97F4A7C15 % 2**40
