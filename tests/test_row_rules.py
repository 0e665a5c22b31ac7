"""Row rules hold whatever shape a statement takes, and whoever had the connection before."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import column, exists, func, select, text, union

from gateway.clients.accounts import accounts, profiles
from gateway.clients.orders import order_lines, orders
from gateway.oauth.tokens import Caller
from gateway.settings import Settings
from gateway.store.database import writer
from gateway.store.queries import Query
from gateway.store.readers import CallerConnection, Readers
from tests.conftest import ALL_SCOPES, empty_database
from tests.world import speaking_world, write

ALIBABA, MAILRU, RDIF = (
    Caller(party, f"{party} app", frozenset(ALL_SCOPES["ALIBABA"].split()), "analytics")
    for party in ("ALIBABA", "MAILRU", "RDIF")
)
NARROW = replace(ALIBABA, scopes=frozenset(["clients:read", "alibaba:read"]))

AT_ALIBABA = [f"AlibabaOrder:{name}" for name in ("ADA", "BORIS", "DINA", "ILYA")]
AT_PANDAO = [
    f"PandaoOrder:{name}" for name in ("ADA", "BORIS", "CLARA", "ELENA", "FYODOR", "GALINA", "HARITON")
]
SEEN = {
    "Alibaba": (ALIBABA, [*AT_ALIBABA, "PandaoOrder:ADA", "PandaoOrder:CLARA"]),
    "Alibaba without mailru:read": (NARROW, AT_ALIBABA),
    "Mail.ru": (MAILRU, ["AlibabaOrder:ADA", *AT_PANDAO]),
    "the fund": (RDIF, []),
}
"""Whose orders each caller sees; `tests.test_access` says why."""


@pytest.fixture
async def database(tmp_path: Path) -> Path:
    """A database with everybody in it."""
    settings = Settings(state=tmp_path)
    await empty_database(settings)
    engine = writer(settings.database)
    async with engine.begin() as connection:
        await write(connection, speaking_world())
    await engine.dispose()
    return settings.database


@pytest.fixture
async def readers(database: Path) -> AsyncIterator[Readers]:
    """A pool of one connection, so that every caller follows another on it."""
    pool = Readers(database, 1)
    await pool.open()
    yield pool
    await pool.close()


def sql(statement: str) -> Query:
    """A statement in SQL of one column, as no batch function writes it and any could."""
    return Query(text(statement).columns(column("found")))  # type: ignore[arg-type]


a, b = orders.alias("a"), orders.alias("b")
shapes = {
    "plain": select(orders.c.id),
    "of an alias": select(a.c.id),
    "of a subquery": select(select(orders).subquery().c.id),
    "of a CTE": select(select(orders).cte("c").c.id),
    "joined": select(orders.c.id).join(accounts, accounts.c.id == orders.c.account_id),
    "joined to itself": select(a.c.id).join(b, a.c.id == b.c.id),
    "outer joined": select(orders.c.id).outerjoin(profiles, profiles.c.account_id == orders.c.account_id),
    "from its lines": select(order_lines.c.order_id).distinct(),
    "outer joined from its lines": select(orders.c.id).select_from(order_lines).outerjoin(orders).distinct(),
    "united": union(select(orders.c.id), select(order_lines.c.order_id)),
    "with EXISTS": select(orders.c.id).where(exists().where(order_lines.c.order_id == orders.c.id)),
    "with IN": select(orders.c.id).where(orders.c.id.in_(select(order_lines.c.order_id))),
    "grouped": select(orders.c.id).group_by(orders.c.id).having(func.count() == 1),
    "through a window": select(func.first_value(orders.c.id).over(partition_by=orders.c.id).label("id")),
}  # fmt: skip
texts = {
    "of the temporary schema": "SELECT id FROM temp.orders",
    "of a CTE with the table's own name": "WITH orders AS (SELECT * FROM temp.orders) SELECT id FROM orders",
    "with a comma": "SELECT o.id FROM orders o, clients c WHERE c.id = o.client_id",
    "naturally joined": "SELECT id FROM orders NATURAL JOIN (SELECT id FROM orders)",
    "from clients": "SELECT o.id FROM clients c LEFT JOIN orders o ON o.client_id = c.id WHERE o.id IS NOT NULL",
    "right joined": "SELECT orders.id FROM (SELECT 1) RIGHT JOIN orders ON 1",
    "in brackets": "SELECT [id] FROM [orders]",
    "in capitals": 'SELECT "ID" FROM "ORDERS"',
    "materialised": "WITH o AS MATERIALIZED (SELECT * FROM orders) SELECT id FROM o",
    "recursive": """WITH RECURSIVE o(id) AS (SELECT min(id) FROM orders UNION ALL SELECT (SELECT min(id) FROM orders
        WHERE id > o.id) FROM o WHERE o.id IS NOT NULL) SELECT id FROM o WHERE id IS NOT NULL""",
    "except nothing": "SELECT id FROM orders EXCEPT SELECT id FROM orders WHERE 0",
    "scalar": "SELECT (SELECT o.id) FROM orders o",
    "packed in JSON": "SELECT value FROM json_each((SELECT json_group_array(id) FROM orders))",
    "under a forged right": """WITH caller_right AS (SELECT 'MAILRU' AS owner, 'orders' AS dataset, 0 AS consent)
        SELECT id FROM orders WHERE (SELECT max(owner) FROM caller_right) = 'MAILRU'""",
    "under a forged caller": """WITH caller AS (SELECT 'MAILRU' AS party, 'analytics' AS purpose)
        SELECT id FROM orders WHERE (SELECT party FROM caller) = 'MAILRU'""",
    "under forged accounts": """WITH accounts AS (SELECT 505 AS client_id UNION SELECT client_id FROM orders)
        SELECT o.id FROM clients c JOIN orders o ON o.client_id = c.id JOIN accounts a ON a.client_id = c.id""",
}  # fmt: skip
STATEMENTS = {name: Query(each) for name, each in shapes.items()} | {
    n: sql(each) for n, each in texts.items()
}


@pytest.mark.parametrize("who", SEEN)
async def test_a_caller_sees_its_rows_and_no_others_in_whatever_shape(readers: Readers, who: str) -> None:
    """Each shape of statement gives the same orders: those that the promises of access give the caller."""
    caller, expected = SEEN[who]
    for name, query in STATEMENTS.items():
        found = sorted(row[0] for row in await readers.fetch(caller, query))
        assert found == sorted(expected), name


COUNTS = [
    "SELECT count(*) FROM orders",
    "SELECT count(1) FROM orders",
    "SELECT count(id) FROM orders",
    "SELECT count(*) FROM (SELECT * FROM orders)",
    "SELECT count(*) FROM orders o WHERE EXISTS (SELECT 1 FROM order_lines l WHERE l.order_id = o.id)",
    "SELECT sum(1) FROM order_lines",
    "SELECT total(total_minor) / 1000 FROM orders",
    "SELECT (SELECT count(*) FROM orders)",
    "SELECT json_array_length(json_group_array(id)) FROM orders",
]


@pytest.mark.parametrize("statement", COUNTS)
async def test_what_is_counted_or_summed_is_what_is_seen(readers: Readers, statement: str) -> None:
    """No aggregate knows of more."""
    for caller, expected in SEEN.values():
        [(number,)] = await readers.fetch(caller, sql(statement))
        assert (number or 0) == len(expected)


ROUND_THE_VIEWS = [
    "SELECT id FROM main.orders",
    "SELECT count(*) FROM main.orders",
    "SELECT count(*) FROM MAIN.orders",
    'SELECT 1 FROM "Main"."Orders"',
    "SELECT o.id FROM main.orders AS o",
    "SELECT rowid FROM main.accounts",
    "SELECT (SELECT count(*) FROM MAIN.accounts)",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM Main.accounts)",
    "SELECT id FROM orders UNION SELECT id FROM main.orders",
    "WITH orders AS (SELECT * FROM main.orders) SELECT id FROM orders",
    "WITH caller_right AS MATERIALIZED (SELECT * FROM main.orders) SELECT id FROM caller_right",
    "WITH accounts AS (SELECT 1 FROM MAIN.accounts) SELECT count(*) FROM accounts",
    "SELECT client_id FROM main.consents",
    "SELECT recipient FROM main.agreements",
    "SELECT count(*) FROM main.agreements",
    "SELECT name FROM sqlite_master",
    "SELECT name FROM sqlite_schema",
    "SELECT count(*) FROM sqlite_master",
    "SELECT sql FROM sqlite_temp_master",
    "SELECT sql FROM temp.sqlite_schema",
    "SELECT name FROM pragma_table_list",
    "SELECT name FROM pragma_table_info('orders')",
    "SELECT count(*) FROM pragma_database_list",
    "SELECT version_num FROM main.alembic_version",
    "SELECT key FROM json_tree('[1]')",
    "SELECT load_extension('x')",
    "PRAGMA database_list",
    "PRAGMA query_only = 0",
    "PRAGMA writable_schema = 1",
    "ATTACH ':memory:' AS other",
    "DETACH temp",
    "BEGIN",
    "SAVEPOINT here",
    "VACUUM",
    "ANALYZE",
    "REINDEX",
    "INSERT INTO orders (id) VALUES ('x')",
    "INSERT INTO main.consents VALUES (505, 'ALIBABA', 'analytics', '2017-01-01T00:00:00Z', NULL)",
    "UPDATE main.accounts SET party = 'ALIBABA'",
    "UPDATE accounts SET party = 'ALIBABA' RETURNING id",
    "DELETE FROM main.consents",
    "UPDATE caller SET party = 'MAILRU'",
    "UPDATE temp.caller SET party = 'MAILRU' RETURNING 1",
    "INSERT INTO caller VALUES ('MAILRU', 'analytics', '[]')",
    "DELETE FROM caller",
    "CREATE TEMP VIEW mine AS SELECT * FROM main.orders",
    "CREATE TEMP TABLE orders (id)",
    "CREATE TABLE other (id)",
    "DROP VIEW orders",
    "DROP VIEW temp.orders",
    "ALTER TABLE temp.caller RENAME TO mine",
    "CREATE TEMP TRIGGER t INSTEAD OF INSERT ON orders BEGIN SELECT 1; END",
]


def _digest(path: Path) -> bytes:
    return sha256(path.read_bytes()).digest()


@pytest.mark.parametrize("statement", ROUND_THE_VIEWS)
async def test_there_is_no_way_round_the_views(database: Path, readers: Readers, statement: str) -> None:
    """Refused, before a row is read or written; what the caller may see is what it was."""
    before = _digest(database)
    with pytest.raises(sqlite3.Error):
        await readers.fetch(ALIBABA, sql(statement))
    assert _digest(database) == before
    for caller, expected in SEEN.values():
        assert len(await readers.fetch(caller, STATEMENTS["plain"])) == len(expected)


async def test_a_connection_that_nobody_took_shows_nothing(database: Path) -> None:
    """Of no table; the answer without a caller is no row."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, factory=CallerConnection)
    try:
        for name in ("orders", "accounts", "profiles", "clients", "order_lines", "consents", "agreements"):
            assert connection.execute(f"SELECT * FROM {name}").fetchall() == []
    finally:
        connection.close()


async def test_a_database_with_statistics_is_opened_like_any_other(database: Path) -> None:
    """`ANALYZE` leaves tables of SQLite's own behind, which are shown to nobody."""
    with sqlite3.connect(database) as connection:
        connection.execute("ANALYZE")
    connection.close()
    pool = Readers(database, 1)
    await pool.open()
    assert len(await pool.fetch(ALIBABA, STATEMENTS["plain"])) == 6
    with pytest.raises(sqlite3.Error):
        await pool.fetch(ALIBABA, sql("SELECT tbl FROM sqlite_stat1"))
    await pool.close()
