"""Push, the sending side: what happens to an order here is told to whom it concerns, signed, and queued as well.

`POST /_events` makes things happen: `{"events": [{"order_id", "order_status", "end_reason"?, "at"?}], "push":
<address>?, "queue": <bool>?}` changes the books, and sends and queues a message of each. As the partner documents it:
what a message holds and how it is signed. Modelled: that it is sent once; the partner tries 12 times more, every 30
minutes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse

from connectors.alibaba.pacific import wall
from connectors.alibaba.push import sign_push
from connectors.alibaba.sandbox.messages import Change, now, queue

SELLER = "1500000017"


def message(change: Change, sent: datetime) -> bytes:
    """The body of a message."""
    said = {
        "seller_id": SELLER,
        "message_type": 0,
        "data": {
            "order_status": change.status,
            "trade_order_id": str(change.order),
            "status_update_time": int(change.at.timestamp()),
        },
        "timestamp": int(sent.timestamp() * 1000),
        "site": "ae_global",
    }
    return orjson.dumps(said)


async def send(address: str, settings: Mapping[str, str], bodies: Sequence[bytes]) -> list[int]:
    """Send messages one after the other; the statuses they were answered with."""
    # It takes a sixth of a sandbox's start, and few ever push.
    import aiohttp

    statuses = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        for body in bodies:
            headers = {"Authorization": sign_push(settings, body), "Content-Type": "application/json"}
            async with session.post(address, data=body, headers=headers) as answer:
                statuses.append(answer.status)
    return statuses


def happen(file: Path, events: Sequence[Mapping[str, Any]], queued: bool) -> list[Change]:
    """Change orders in the books; what happened."""
    moment = now()
    changes = []
    with closing(sqlite3.connect(file)) as database, database:
        for each in events:
            at = datetime.fromisoformat(each["at"]) if "at" in each else moment
            changes.append(Change(int(each["order_id"]), each["order_status"], at))
            database.execute(
                "UPDATE orders SET status = ?, end_reason = ?, modified = ? WHERE id = ?",
                (each["order_status"], each.get("end_reason"), wall(at), changes[-1].order),
            )
        if queued:
            queue(database, changes)
    return changes


async def events(file: Path, settings: Mapping[str, str], request: Request) -> JSONResponse:
    """`POST /_events`: see above."""
    asked = await request.json()
    changes = happen(file, asked["events"], asked.get("queue", False))
    statuses: list[int] = []
    if address := asked.get("push"):
        statuses = await send(address, settings, [message(each, now()) for each in changes])
    return JSONResponse({"happened": len(changes), "answers": statuses})
