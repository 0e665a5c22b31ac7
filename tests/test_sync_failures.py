"""Rounds over the real sandboxes: what a bad record, a lost partner or a kill costs."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from connectors.alibaba.pacific import wall
from gateway.connector import Batch, Cursor, PartnerError, Upstream
from gateway.secrets import secret
from tests.faults.kills import DECLARED, killed, undisturbed
from tests.partners import books, small_purchases
from tests.venture import Venture, at_work, gateway, keep_batch, many_lines, venture

__all__ = ["at_work", "books"]

CANARY = "canary-4f1d"


async def test_an_unreadable_record_is_put_aside_once_and_the_rest_comes(at_work: Venture) -> None:
    """The dead letter says why, without a value; another round, which sees the record again, adds no second one."""
    [(order, _)] = many_lines(at_work)
    late = wall(datetime.now(UTC) - timedelta(minutes=5))
    assert at_work.change(
        "alibaba", "UPDATE orders SET created = ?, modified = ? WHERE id = ?", CANARY, late, order
    )
    newest = "(SELECT order_id FROM orders ORDER BY updated DESC LIMIT 1)"
    assert at_work.change(
        "mailru", f"UPDATE orders SET state = '', user_id = ? WHERE order_id = {newest}", CANARY
    )
    for _ in range(2):
        await at_work.round()
        letters = at_work.ask(
            "SELECT connector, dataset, reason, record FROM dead_letters ORDER BY connector"
        )
        assert [letter[:2] for letter in letters] == [("alibaba", "orders"), ("mailru", "orders")]
        assert [letter[2] for letter in letters] == [
            "gmt_create is not a date and time",
            "state is missing or not a string",
        ] or all(CANARY not in letter[2] and letter[2] for letter in letters)
        assert all(CANARY in letter[3] for letter in letters)
    world = small_purchases()
    expected = sum(1 for _ in world.purchases("ALIBABA")) - 1
    assert at_work.ask("SELECT count(*) FROM orders WHERE party = 'ALIBABA'") == [(expected,)]
    expected = sum(len(purchase.lines) for purchase in world.purchases("MAILRU")) - 1
    assert at_work.ask("SELECT count(*) FROM orders WHERE party = 'MAILRU'") == [(expected,)]


async def test_a_record_whose_rows_the_database_refuses_is_put_aside_too(at_work: Venture) -> None:
    """One row that breaks a rule of the database costs its own record, lines and all, and no other."""
    [(order, _)] = many_lines(at_work)
    with closing(sqlite3.connect(at_work.file)) as database:
        database.execute(
            "CREATE TRIGGER refusing BEFORE INSERT ON order_lines "
            f"WHEN new.order_id = 'AlibabaOrder:{order}' AND new.line > 1 "
            f"BEGIN SELECT RAISE(ABORT, '{CANARY}'); END"
        )
    await at_work.round()
    assert at_work.ask("SELECT connector, dataset, reason FROM dead_letters") == [
        ("alibaba", "orders", "the database refused its rows: SQLITE_CONSTRAINT_TRIGGER")
    ]
    for table, column in (("orders", "id"), ("order_lines", "order_id"), ("alibaba_orders", "order_id")):
        assert at_work.ask(f"SELECT * FROM {table} WHERE {column} = 'AlibabaOrder:{order}'") == []
    expected = sum(1 for _ in small_purchases().purchases("ALIBABA")) - 1
    assert at_work.ask("SELECT count(*) FROM orders WHERE party = 'ALIBABA'") == [(expected,)]


@pytest.mark.parametrize(
    "value", [{"a": 1}, 2**63, "\ud800"], ids=["no SQL type", "65 bits", "half a character"]
)
async def test_values_that_no_column_holds_cost_their_record_alone(at_work: Venture, value: Any) -> None:
    """What a connector overlooked is put aside as well."""
    [source] = [each for each in at_work.sources if each.name == "mailru"]
    [users] = [each for each in source.datasets if each.name == "users"]

    def read(record: Any) -> Any:
        rows = users.read(record)
        if record == bad:
            [[profile]] = [values for table, values in rows.items() if table.name == "profiles"]
            profile["birth_year"] = value  # type: ignore[index]
        return rows

    async with Upstream(source.name, source.settings) as upstream:
        [batch] = [each async for each in users.pull(upstream, {})]
    bad = batch.records[3]
    await keep_batch(at_work, replace(users, read=read), batch)
    assert len(at_work.ask("SELECT reason FROM dead_letters")) == 1
    assert len(at_work.ask("SELECT * FROM accounts")) == len(batch.records) - 1


async def test_a_batch_and_its_cursor_are_kept_together_or_not_at_all(at_work: Venture) -> None:
    """When the database itself fails in the middle of a batch, neither its first rows nor its cursor are there."""
    with closing(sqlite3.connect(at_work.file)) as database:
        database.execute(
            "CREATE TRIGGER failing AFTER INSERT ON order_lines BEGIN DELETE FROM no_such_table; END"
        )
    with pytest.raises(OperationalError):
        await at_work.round()
    assert at_work.ask("SELECT * FROM orders") == at_work.ask("SELECT * FROM order_lines") == []
    assert at_work.ask("SELECT dataset FROM sync_cursors WHERE dataset = 'orders'") == []
    assert at_work.ask("SELECT * FROM dead_letters") == []
    assert at_work.ask("SELECT * FROM accounts") != []


# What a lost partner costs


async def test_a_partner_that_is_down_costs_the_others_nothing(at_work: Venture) -> None:
    """The others are pulled and linked; what failed is said without a key or an address, and the exit code is 2."""
    keys = {value for source in at_work.sources for value in source.settings.values()}
    [down] = [number for number, source in enumerate(at_work.sources) if source.name == "alibaba"]
    lost = {**at_work.sources[down].settings, "url": "http://127.0.0.1:1"}
    at_work.sources[down] = at_work.sources[down]._replace(settings=lost)
    at_work.write_settings()
    async with gateway(at_work.state, "sync") as process:
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"Traceback" not in errors
    said = " ".join(errors.decode().split())
    assert said.startswith("gateway: alibaba members: no answer from alibaba")
    assert not any(key in said for key in keys)
    lines = sum(len(purchase.lines) for purchase in small_purchases().purchases("MAILRU"))
    assert at_work.ask("SELECT party, count(*) FROM orders WHERE client_id IS NOT NULL GROUP BY party") == [
        ("MAILRU", lines)
    ]
    assert at_work.ask("SELECT count(*) FROM fund_reports") == [(5,)]


async def test_one_failing_dataset_costs_no_other(at_work: Venture) -> None:
    """An exception nobody thought of ends the pull it is in, and is told by its kind and place, without its text."""
    [number] = [number for number, source in enumerate(at_work.sources) if source.name == "mailru"]
    source = at_work.sources[number]

    def fail(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
        raise KeyError(CANARY)

    spoilt = [replace(each, pull=fail) if each.name == "orders" else each for each in source.datasets]
    at_work.sources[number] = source._replace(datasets=spoilt)
    with pytest.raises(PartnerError) as caught:
        await at_work.round()
    assert str(caught.value).startswith("mailru orders: KeyError at ")
    assert CANARY not in str(caught.value)
    assert at_work.ask("SELECT DISTINCT party FROM orders") == [("ALIBABA",)]
    assert at_work.ask("SELECT count(*) FROM mailru_segments") != [(0,)]


async def test_while_a_partner_is_silent_others_can_write(at_work: Venture) -> None:
    """What came so far is committed, and the database is nobody's until the partner speaks again."""
    [source] = [each for each in at_work.sources if each.name == "mailru"]
    [users] = [each for each in source.datasets if each.name == "users"]
    written = asyncio.Event()

    async def halting(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
        async for batch in users.pull(upstream, cursor):
            yield batch
            await asyncio.wait_for(written.wait(), 10)

    async def write() -> None:
        # No event tells of another connection's commit.
        while not at_work.ask("SELECT * FROM accounts"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        with closing(sqlite3.connect(at_work.file, timeout=1)) as database, database:
            database.execute("DELETE FROM agreements")
        written.set()

    at_work.sources = [source._replace(datasets=[replace(users, pull=halting)])]
    await asyncio.gather(at_work.round(), write())


async def test_what_failed_comes_with_the_next_round(at_work: Venture, tmp_path: Path, books: Path) -> None:
    """After a round in which both partners fell silent midway, the next makes all as if nothing had been."""
    answered = count()

    def fall_silent(call: int) -> None:
        if ("alibaba", "orders") in at_work.pulled and next(answered) > 3:
            raise ConnectionError

    at_work.meddle = fall_silent
    with pytest.raises(PartnerError):
        await at_work.round()
    midway = at_work.ask("SELECT id FROM orders")
    assert midway
    at_work.meddle = lambda number: None
    await at_work.round()
    assert len(midway) < len(at_work.ask("SELECT id FROM orders"))
    assert at_work.rows() == (await undisturbed(tmp_path, books, at_work)).rows()


async def test_killed_at_any_moment_a_sync_goes_on_where_it_was(tmp_path: Path, books: Path) -> None:
    """`gateway sync`, killed five times and then left alone, makes the same rows as one that nobody disturbed."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # of the moments, should this ever fail
    draw = random.Random(seed)
    async with venture(tmp_path / "disturbed", books) as disturbed:
        disturbed.write_settings()
        assert secret(disturbed.state / "linking.key")
        other = await undisturbed(tmp_path, books, disturbed)
        lines = dict(other.ask(LINES))
        for calls in (3, 12, 40, 60):
            assert await killed(disturbed, disturbed.calls + calls, draw.uniform(0, 0.04))
            _check(disturbed, lines)
        assert await killed(disturbed, after=draw.uniform(0, 0.04), once="SELECT id FROM orders LIMIT 1")
        assert _check(disturbed, lines)
        await disturbed.round()
        assert disturbed.rows(*DECLARED) == other.rows(*DECLARED)


LINES = "SELECT order_id, count(*) FROM order_lines GROUP BY order_id"


def _check(disturbed: Venture, lines: dict[str, int]) -> int:
    """Whatever was kept is whole: an order has all its lines. How many orders there are."""
    found = dict(disturbed.ask(LINES))
    assert found.items() <= lines.items()
    assert found.keys() == {order for (order,) in disturbed.ask("SELECT id FROM orders")}
    return len(found)
