"""What Mail.ru Group's sandbox serves follows from the world; and the small world that the tests share."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.mailru.sandbox import furnish
from gateway.connector import Upstream
from gateway.demo.world import Line, Member, Purchase
from gateway.store.database import migrate
from tests.partners import served

KEYS = {"access_token": "pandao token?&", "client_id": "gateway", "client_secret": "a secret"}
CATEGORIES = ("CHEESE", "SOUP", "BEEF", "YOGURT")
START = datetime(2017, 1, 1, 8, tzinfo=UTC)


class SmallWorld:
    """60 members and 400 purchases of 1 to 6 lines, one every 20 hours, with the interface of the demo's world."""

    last = START + timedelta(hours=399 * 20)

    def members(self, party: str) -> list[Member]:
        """Some lack an e-mail, some a phone."""
        return [self._member(number) for number in range(60)]

    def _member(self, number: int) -> Member:
        email = f"ivan.{number}@mail.ru" if number % 3 else None
        phone = f"8 (916) 555-{number:04d}" if number % 4 else None
        born = 1950 + number if number % 5 else None
        since = START - timedelta(days=number)
        return Member(f"{5_000_000_000 + number}", f"Иван {number}-й", email, phone, "Тверь", born, since)

    def purchases(self, party: str) -> Iterator[Purchase]:
        """Oldest first."""
        for number in range(400):
            lines = tuple(self._line(number, line) for line in range(1 + number % 6))
            account = f"{5_000_000_000 + number * number % 60}"
            yield Purchase(31_000_000_000 + number, account, START + timedelta(hours=20 * number), lines)

    def _line(self, number: int, line: int) -> Line:
        product = (number * 7 + line * 3) % 90
        category = CATEGORIES[product % 7 % 4]
        return Line(10_000_000 + product, f"Product {product}", category, 1 + number % 3, 99 + number * line)


def orders_of(world: SmallWorld) -> list[tuple[Purchase, Line]]:
    """Each line with its purchase: what Pandao calls an order."""
    return [(purchase, line) for purchase in world.purchases("MAILRU") for line in purchase.lines]


@asynccontextmanager
async def partner(app: ASGIApp) -> AsyncIterator[Upstream]:
    """The connector's way to the app."""
    async with served(app) as url, Upstream("mailru", {**KEYS, "url": url}) as upstream:
        yield upstream


def meddled(app: ASGIApp, path: str, call: int, meddle: Callable[[], None]) -> ASGIApp:
    """The app, but just before the n-th call of a path something happens."""
    calls: Counter[str] = Counter()

    async def meddling(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and path in scope["path"]:
            calls[path] += 1
            if calls[path] == call:
                meddle()
        await app(scope, receive, send)

    return meddling


def write(folder: Path, sql: str, *values: Any) -> int:
    """Change the sandbox's books; how many rows that concerned."""
    with closing(sqlite3.connect(folder / "mailru.db")) as books, books:
        return books.execute(sql, values).rowcount


def look(folder: Path, sql: str, *values: Any) -> list[Any]:
    """Look into the sandbox's books."""
    with closing(sqlite3.connect(folder / "mailru.db")) as books:
        return books.execute(sql, values).fetchall()


@cache
def furnished() -> bytes:
    """The books of the small world, made once."""
    with TemporaryDirectory() as folder:
        furnish(SmallWorld(), Path(folder))  # type: ignore[arg-type]
        return (Path(folder) / "mailru.db").read_bytes()


@cache
def migrated() -> bytes:
    """The gateway's database before anything is in it, made once."""
    with TemporaryDirectory() as folder:
        migrate(Path(folder) / "gateway.db")
        return (Path(folder) / "gateway.db").read_bytes()


def new_database(folder: Path) -> Path:
    """A gateway's database of the newest form in the folder."""
    path = folder / "gateway.db"
    path.write_bytes(migrated())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mailru.db").write_bytes(furnished())
    return tmp_path


def test_the_same_world_makes_the_same_books(tmp_path: Path) -> None:
    furnish(SmallWorld(), tmp_path)  # type: ignore[arg-type]
    assert (tmp_path / "mailru.db").read_bytes() == furnished()


async def test_no_order_was_changed_after_the_newest_purchase(folder: Path) -> None:
    [(latest,)] = look(folder, "SELECT max(updated) FROM orders")
    assert latest <= SmallWorld.last.isoformat()[:19]


async def test_segments_follow_from_what_was_bought(folder: Path) -> None:
    visits: Counter[tuple[str, str]] = Counter()
    spent: Counter[str] = Counter()
    for purchase in SmallWorld().purchases("MAILRU"):
        visits.update((purchase.account, category) for category in {line.category for line in purchase.lines})
        spent[purchase.account] += sum(line.cents for line in purchase.lines)
    soup = {account for (account, category), times in visits.items() if category == "SOUP" and times >= 3}
    richest = {account for account, _ in spent.most_common(-(-len(spent) // 10))}
    found: dict[str, set[str]] = {}
    for name, account in look(folder, "SELECT name, user_id FROM segments JOIN members ON segment_id = id"):
        found.setdefault(name, set()).add(account)
    assert len(found) == len(CATEGORIES) + 1
    assert found["Buys often: Soup"] == soup
    assert found["Big spenders"] == richest
