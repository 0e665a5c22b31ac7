"""Rounds over the real sandboxes: all comes, once; and what a kill, a bad record or a lost partner costs."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy.exc import OperationalError
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.alibaba.pacific import wall
from gateway.access.pseudonyms import secret
from gateway.clients.linking import LinkReport
from gateway.connector import Batch, Cursor, Dataset, PartnerError, Upstream
from gateway.discovery import discover
from gateway.store.database import migrate, writer
from gateway.sync.pull import pull
from gateway.sync.rounds import Source, pull_all
from tests.connectors.test_contract import keys_of, served, small_purchases

OUT_OF_LIFE = {"sync_cursors", "dead_letters", "alembic_version"}
"""Tables that say when something was done; their moments differ from run to run."""

Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the sandboxes serve, made once."""
    folder = tmp_path_factory.mktemp("furnished")
    for each in discover():
        assert each.furnish is not None
        each.furnish(small_purchases(), folder)
    return folder


@dataclass
class Venture:
    """A gateway's state folder and the partners it pulls, whose books a test may change."""

    state: Path
    books: Path
    sources: list[Source]
    calls: int = 0
    meddle: Callable[[int], None] = lambda number: None

    @property
    def file(self) -> Path:
        return self.state / "gateway.db"

    async def round(self) -> LinkReport:
        """One round."""
        engine = writer(self.file)
        try:
            return await pull_all(
                engine, self.sources, secret(self.state / "linking.key"), lambda *_: lambda _: None
            )
        finally:
            await engine.dispose()

    def rows(self, *left_out: str) -> Rows:
        """All rows of all tables, but for moments of the pulls."""
        with closing(sqlite3.connect(self.file)) as found:
            names = [name for (name,) in found.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            return {
                name: sorted(found.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
                for name in names
                if name not in OUT_OF_LIFE and name not in left_out
            }

    def ask(self, sql: str, *values: Any) -> list[Any]:
        """Look into the gateway's database."""
        with closing(sqlite3.connect(self.file)) as found:
            return found.execute(sql, values).fetchall()

    def change(self, book: str, sql: str, *values: Any) -> int:
        """Change a partner's books; how many rows that concerned."""
        with closing(sqlite3.connect(self.books / f"{book}.db")) as found, found:
            return found.execute(sql, values).rowcount

    def write_settings(self) -> None:
        """The settings that lead to the sandboxes, for a process of its own."""
        lines: list[str] = []
        for source in self.sources:
            lines += [
                f"[connectors.{source.name}]",
                *(f'{key} = "{value}"' for key, value in source.settings.items()),
            ]
        (self.state / "settings.toml").write_text("\n".join(lines))

    def counted(self, app: ASGIApp) -> ASGIApp:
        """The app, which tells at each call the how-manieth of all it is."""

        async def count(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                self.calls += 1
                self.meddle(self.calls)
            await app(scope, receive, send)

        return count


@asynccontextmanager
async def venture(folder: Path, furnished: Path) -> AsyncIterator[Venture]:
    """All partners' sandboxes at work over books of their own, and an empty database."""
    books = folder / "books"
    shutil.copytree(furnished, books)
    found = Venture(folder / "state", books, [])
    migrate(found.file)
    async with AsyncExitStack() as stack:
        for each in discover():
            assert each.sandbox is not None
            keys = keys_of(each)
            url = await stack.enter_async_context(served(found.counted(each.sandbox(books, keys))))
            found.sources.append(Source(each.name, {**keys, "url": url}, each.datasets))
        yield found


@pytest.fixture
async def at_work(tmp_path: Path, furnished: Path) -> AsyncIterator[Venture]:
    """See `venture`."""
    async with venture(tmp_path, furnished) as found:
        yield found


# What comes


async def test_a_round_brings_everything_and_each_row_has_its_client(at_work: Venture) -> None:
    """Accounts, profiles, orders and lines of both partners, segments and the fund's books; each has its client."""
    report = await at_work.round()
    world = small_purchases()
    bought = {party: list(world.purchases(party)) for party in ("ALIBABA", "MAILRU")}
    lines = {party: sum(len(each.lines) for each in found) for party, found in bought.items()}
    members = {party: len(world.members(party)) for party in bought}
    for table in ("accounts", "profiles"):
        assert dict(at_work.ask(f"SELECT party, count(*) FROM {table} GROUP BY party")) == members
    # On Pandao each product is an order of its own.
    orders = {"ALIBABA": len(bought["ALIBABA"]), "MAILRU": lines["MAILRU"]}
    assert dict(at_work.ask("SELECT party, count(*) FROM orders GROUP BY party")) == orders
    assert at_work.ask("SELECT count(*) FROM order_lines") == [(sum(lines.values()),)]
    assert at_work.ask("SELECT count(*) FROM fund_reports") == [(4,)]
    assert at_work.ask("SELECT count(*) FROM mailru_segment_members")[0][0] > 0
    for table in ("profiles", "orders", "mailru_segment_members"):
        of_account = f"FROM {table} JOIN accounts ON accounts.id = account_id"
        assert at_work.ask(f"SELECT * {of_account} WHERE {table}.client_id IS NOT accounts.client_id") == []
        assert at_work.ask(f"SELECT * FROM {table} WHERE client_id IS NULL") == []
    assert (report.accounts, report.stamped) == (sum(members.values()), 0)
    assert at_work.ask("SELECT count(*) FROM dead_letters") == [(0,)]


async def test_amounts_and_times_are_the_worlds(at_work: Venture) -> None:
    """Cents stay cents and a purchase's moment its moment, through two partners' ways of writing them."""
    await at_work.round()
    world = small_purchases()
    cents = sum(line.cents for purchase in world.purchases("ALIBABA") for line in purchase.lines)
    assert at_work.ask("SELECT sum(total_minor) FROM orders WHERE party = 'ALIBABA'") == [(cents,)]
    assert at_work.ask("SELECT sum(total_minor) FROM order_lines WHERE currency = 'USD'") == [(cents,)]
    for party in ("ALIBABA", "MAILRU"):
        moments = {purchase.at.strftime("%Y-%m-%dT%H:%M:%SZ") for purchase in world.purchases(party)}
        assert {
            moment for (moment,) in at_work.ask("SELECT placed_at FROM orders WHERE party = ?", party)
        } == moments


async def test_a_second_round_changes_nothing(at_work: Venture) -> None:
    """Not a row, and it asks the partners far less than the first."""
    await at_work.round()
    before, calls = at_work.rows(), at_work.calls
    assert {name for name, rows in before.items() if rows} >= {"clients", "accounts", "orders", "order_lines"}
    report = await at_work.round()
    assert at_work.rows() == before
    assert at_work.calls - calls < calls / 2
    assert (report.linked, report.founded, report.stamped) == (0, 0, 0)


async def test_what_is_new_or_changed_comes_with_the_next_round(at_work: Venture) -> None:
    """New orders, a new member, and new states of old ones; an order's lines are replaced together."""
    await at_work.round()
    now = datetime.now(UTC) - timedelta(minutes=5)
    [(order, buyer)] = many_lines(at_work)
    pacific = wall(now)
    one_line = orjson.dumps([[32_000_000_000_000_001, "Tea", "GROCERY", 1, 700]]).decode()
    sql = "UPDATE orders SET status = 'FINISH', end_reason = NULL, lines = ?, modified = ? WHERE id = ?"
    assert at_work.change("alibaba", sql, one_line, pacific, order) == 1
    columns = "9000000000000001, buyer, buyer_name, 'NEW_WORD', NULL, ?, paid, sent, ?, lines"
    sql = f"INSERT INTO orders SELECT {columns} FROM orders WHERE id = ?"
    assert at_work.change("alibaba", sql, pacific, pacific, order) == 1
    sql = (
        "INSERT INTO users VALUES (?, '7777777777', 'Новая Клиентка', 'new@example.org', NULL, NULL, NULL, ?)"
    )
    assert at_work.change("mailru", sql, now.isoformat()[:19], now.isoformat()[:19]) == 1
    await at_work.round()
    assert at_work.ask("SELECT total_minor FROM orders WHERE id = ?", f"AlibabaOrder:{order}") == [(700,)]
    assert at_work.ask("SELECT line, name FROM order_lines WHERE order_id = ?", f"AlibabaOrder:{order}") == [
        (1, "Tea")
    ]
    [(status, raw, account, client)] = at_work.ask(
        "SELECT status, status_raw, account_id, client_id FROM orders WHERE id = 'AlibabaOrder:9000000000000001'"
    )
    assert (status, raw, account) == ("UNKNOWN", "NEW_WORD", f"ALIBABA:{buyer}")
    assert client is not None
    [(client,)] = at_work.ask("SELECT client_id FROM accounts WHERE id = 'MAILRU:7777777777'")
    assert at_work.ask("SELECT client_id FROM profiles WHERE account_id = 'MAILRU:7777777777'") == [(client,)]
    assert client is not None


def many_lines(at_work: Venture) -> list[Any]:
    """An order of several lines, and who bought it, from the partner's books."""
    with closing(sqlite3.connect(at_work.books / "alibaba.db")) as books:
        sql = "SELECT id, buyer FROM orders ORDER BY json_array_length(lines) DESC LIMIT 1"
        return books.execute(sql).fetchall()


async def test_the_last_word_about_a_parent_counts_within_a_batch(at_work: Venture) -> None:
    """The same order twice in one batch, first with more lines: only the later ones remain."""
    [source] = [each for each in at_work.sources if each.name == "alibaba"]
    [orders] = [each for each in source.datasets if each.name == "orders"]
    async with Upstream(source.name, source.settings) as upstream:
        first = await anext(orders.pull(upstream, {}))
    [record] = [each for each in first.records if len(each["product_list"]["order_product_dto"]) > 2][:1]
    shorter = orjson.loads(orjson.dumps(record))
    del shorter["product_list"]["order_product_dto"][1:]
    await keep_batch(at_work, orders, Batch([record, shorter], {}))
    assert len(at_work.ask("SELECT * FROM order_lines")) == 1
    await keep_batch(at_work, orders, Batch([shorter, record], {}))
    assert len(at_work.ask("SELECT * FROM order_lines")) == len(record["product_list"]["order_product_dto"])


async def keep_batch(at_work: Venture, dataset: Dataset, batch: Batch) -> None:
    """Keep one batch as a pull does."""

    async def given(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
        yield batch

    engine = writer(at_work.file)
    async with Upstream("alibaba", {"url": "http://127.0.0.1:1"}) as upstream:
        await pull(engine, upstream, "alibaba", replace(dataset, pull=given))
    await engine.dispose()


# What cannot be read or kept

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
    assert at_work.ask("SELECT count(*) FROM fund_reports") == [(4,)]


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


async def test_what_failed_comes_with_the_next_round(
    at_work: Venture, tmp_path: Path, furnished: Path
) -> None:
    """After a round in which both partners fell silent midway, the next makes all as if nothing had been."""

    def fall_silent(call: int) -> None:
        if call > 12:
            raise ConnectionError

    at_work.meddle = fall_silent
    with pytest.raises(PartnerError):
        await at_work.round()
    midway = at_work.ask("SELECT id FROM orders")
    assert midway
    at_work.meddle = lambda number: None
    await at_work.round()
    assert len(midway) < len(at_work.ask("SELECT id FROM orders"))
    assert at_work.rows() == (await undisturbed(tmp_path, furnished, at_work)).rows()


async def undisturbed(folder: Path, furnished: Path, like: Venture) -> Venture:
    """What a single round makes of the same books with the same secret."""
    async with venture(folder / "undisturbed", furnished) as found:
        shutil.copy(like.state / "linking.key", found.state)
        await found.round()
    return found


async def test_killed_at_any_moment_a_sync_goes_on_where_it_was(tmp_path: Path, furnished: Path) -> None:
    """`gateway sync`, killed five times and then left alone, makes the same rows as one that nobody disturbed."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # of the moments, should this ever fail
    draw = random.Random(seed)
    async with venture(tmp_path / "disturbed", furnished) as disturbed:
        disturbed.write_settings()
        assert secret(disturbed.state / "linking.key")
        other = await undisturbed(tmp_path, furnished, disturbed)
        lines = dict(other.ask(LINES))
        for calls in (3, 8, 10, 12, 9):
            await killed(disturbed, disturbed.calls + calls, draw.uniform(0, 0.04))
            # Whatever was kept is whole: an order has all its lines.
            found = dict(disturbed.ask(LINES))
            assert found.items() <= lines.items()
            assert found.keys() == {order for (order,) in disturbed.ask("SELECT id FROM orders")}
        assert found
        await disturbed.round()
        assert disturbed.rows("agreements") == other.rows("agreements")


LINES = "SELECT order_id, count(*) FROM order_lines GROUP BY order_id"


async def killed(disturbed: Venture, call: int, after: float) -> None:
    """Run `gateway sync` and kill it, like a power cut of the process, some time after a certain call to a partner."""
    loop = asyncio.get_running_loop()
    async with gateway(disturbed.state, "sync") as process:

        def strike(number: int) -> None:
            if number == call:
                loop.call_later(after, process.kill)

        disturbed.meddle = strike
        await process.communicate()
    disturbed.meddle = lambda number: None
    assert process.returncode == -signal.SIGKILL


@asynccontextmanager
async def gateway(state: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command line in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway", *arguments),
        env={**os.environ, "GATEWAY_STATE": str(state)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
