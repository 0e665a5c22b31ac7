"""Messages, as TMC queues them: given out again and again until they are confirmed.

As the partner documents it: the fields of a message, 10 to 200 at once, 200 confirmed at once, at least once and in no
certain order, ids beyond 2^53. Modelled: that what is consumed is given again at once; the partner waits some minutes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import orjson

from connectors.alibaba.pacific import moment, wall
from connectors.alibaba.profiles import beijing
from connectors.alibaba.sandbox.admission import invalid
from connectors.alibaba.sandbox.listings import Record

TABLE = """
CREATE TABLE messages (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, content TEXT NOT NULL, published TEXT NOT NULL
);
"""

FIRST = 7_091_800_003_790_954_036
MOST = 200


class Change(NamedTuple):
    """An order that came to have a status."""

    order: int
    status: str
    at: datetime


def queue(database: sqlite3.Connection, changes: Iterable[Change]) -> None:
    """Put a message for each change into the queue."""
    (newest,) = database.execute("SELECT coalesce(max(id), ?) FROM messages", [FIRST]).fetchone()
    rows = [(newest + place, *_message(change)) for place, change in enumerate(changes, 1)]
    database.executemany("INSERT INTO messages VALUES (?, ?, ?, ?)", rows)


def queue_newest(database: sqlite3.Connection, number: int = 30) -> None:
    """Put messages of the orders that changed last into the queue."""
    sql = "SELECT id, status, modified FROM orders ORDER BY modified DESC, id LIMIT ?"
    rows = database.execute(sql, [number]).fetchall()
    queue(database, (Change(order, status, moment(at, "modified")) for order, status, at in reversed(rows)))


def _message(change: Change) -> tuple[str, str, str]:
    words = "".join(each.capitalize() for each in change.status.split("_"))
    content = {
        "login_id": "cn1500000017",
        "order_id": str(change.order),
        "current_status": change.status,
        "last_status": "",
        "order_change_time": wall(change.at),
    }
    published = beijing(change.at + timedelta(seconds=2))
    return f"aliexpress_order_{words}", orjson.dumps(content).decode(), published


def consume(database: sqlite3.Connection, parameters: Mapping[str, str]) -> Record:
    """`taobao.tmc.messages.consume`: the oldest that are not confirmed. Raises `CallError`."""
    quantity = parameters.get("quantity", "100")
    if not quantity.isdecimal() or not 10 <= int(quantity) <= MOST:
        raise invalid("quantity")
    rows = database.execute("SELECT * FROM messages ORDER BY id LIMIT ?", [int(quantity)]).fetchall()
    if not rows:
        return {}
    messages = [
        {
            "id": row["id"],
            "topic": row["topic"],
            "content": row["content"],
            "pub_time": row["published"],
            "pub_app_key": "12497914",
            "user_id": 1_500_000_017,
            "user_nick": "cn1500000017",
        }
        for row in rows
    ]
    simplify = parameters.get("simplify") == "true"
    return {"messages": messages if simplify else {"tmc_message": messages}}


def confirm(database: sqlite3.Connection, parameters: Mapping[str, str]) -> Record:
    """`taobao.tmc.messages.confirm`: these are not given again. Raises `CallError`."""
    ids = parameters.get("s_message_ids", "").split(",")
    if len(ids) > MOST or not all(each.isdecimal() and len(each) < 20 for each in ids):
        raise invalid("s_message_ids")
    with database:
        database.executemany("DELETE FROM messages WHERE id = ?", [(int(each),) for each in ids])
    return {"is_success": True}


def permit(database: sqlite3.Connection, parameters: Mapping[str, str]) -> Record:
    """`taobao.tmc.user.permit`: the seller's messages are queued, as they are here in any case."""
    return {"is_success": True}


def now() -> datetime:
    """The partner's clock."""
    return datetime.now(UTC).replace(microsecond=0)
