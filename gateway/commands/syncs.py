"""`gateway sync --status`: how the pulls fare."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.commands.output import print_rows
from gateway.commands.transaction import run
from gateway.sync.runs import STATUSES

COLUMNS = ("name", "pulled_at", "records", "dead_letters", "running", "failure")


async def statuses(connection: AsyncConnection) -> list[dict[str, Any]]:
    """How each dataset fares."""
    found = await connection.exec_driver_sql(STATUSES.sql, tuple(STATUSES.bind({})))
    return [
        {"name": f"{row.connector} {row.dataset}", **row._mapping, "running": bool(row.running)}
        for row in found
    ]


def show(as_json: bool) -> None:
    """Print it."""
    print_rows(run(statuses), COLUMNS, as_json)
