"""Runs: how the pull of each dataset fares, for those who look after it; nothing in it is anybody's.

The rows are there from the first start on. What a pull says of itself is written with what it keeps, so it costs no
transaction of its own; and a run that was killed is over when it has not been heard of for `HEARD`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Integer,
    ScalarSelect,
    Text,
    and_,
    bindparam,
    delete,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.access.rules import agreed, follows
from gateway.errors import PartnerError
from gateway.store.queries import Query
from gateway.store.tables import Instant, instant, table

sync_runs = table(
    "sync_runs",
    Column("connector", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("party", Text),
    Column("dead_letters", Integer, nullable=False),
    Column("running_until", Instant),
    Column("failed_at", Instant),
    Column("failure", Text),
    Column("retry_at", Instant),
    rows=agreed("syncs", owner="this.party"),
)
"""A row a dataset. A failure stands until a pull has succeeded. What is no party's, the command line alone tells."""

sync_cursors = table(
    "sync_cursors",
    Column("connector", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("cursor", Text, nullable=False),
    Column("records", Integer, nullable=False),
    Column("pulled_at", Instant, nullable=False),
    rows=follows("sync_runs", "sync_runs.connector = this.connector AND sync_runs.dataset = this.dataset"),
)
"""Where each dataset's pull stands."""

dead_letters = table(
    "dead_letters",
    Column("connector", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("seen_at", Instant, nullable=False),
)
"""Records that cannot be read, each once, with the reason; `digest` is the SHA-256 of the record. See `letters`."""

HEARD = timedelta(minutes=5)
"""How long a run counts as one after it was heard of; a partner may be waited for for minutes."""


class Declared(NamedTuple):
    """A dataset, and whose it is; None for that of a carrier."""

    connector: str
    dataset: str
    party: str | None


STATUSES = Query(
    select(
        sync_runs.c.connector,
        sync_runs.c.dataset,
        sync_cursors.c.pulled_at,
        func.coalesce(sync_cursors.c.records, 0).label("records"),
        sync_runs.c.dead_letters,
        func.coalesce(
            sync_runs.c.running_until > func.strftime("%Y-%m-%dT%H:%M:%SZ", "now"), literal(0)
        ).label("running"),
        sync_runs.c.failed_at,
        sync_runs.c.failure,
        sync_runs.c.retry_at,
    )
    .select_from(
        sync_runs.outerjoin(
            sync_cursors,
            and_(
                sync_cursors.c.connector == sync_runs.c.connector,
                sync_cursors.c.dataset == sync_runs.c.dataset,
            ),
        )
    )
    .order_by(sync_runs.c.connector, sync_runs.c.dataset)
)
"""How each dataset fares that the reader may know of."""


async def declare(connection: AsyncConnection, datasets: Iterable[Declared]) -> None:
    """Have a row for each dataset there is, and for no other."""
    known = list(datasets)
    key = tuple_(sync_runs.c.connector, sync_runs.c.dataset)
    await connection.execute(delete(sync_runs).where(key.not_in([each[:2] for each in known])))
    named: dict[str, Any] = {name: bindparam(name) for name in Declared._fields}
    new = insert(sync_runs).values(**named, dead_letters=_letters(named["connector"], named["dataset"]))
    kept = new.on_conflict_do_update(
        index_elements=["connector", "dataset"], set_={"party": new.excluded.party}
    )
    await connection.execute(kept, [each._asdict() for each in known])


async def begin(connection: AsyncConnection, connector: str, dataset: str) -> None:
    """A pull is at work, or is still."""
    until = instant(datetime.now(UTC) + HEARD)
    await _write(connection, connector, dataset, {"running_until": until})


async def end(connection: AsyncConnection, connector: str, dataset: str) -> None:
    """A pull has brought all there is."""
    gone = dict.fromkeys(("running_until", "failed_at", "failure", "retry_at"))
    await _write(connection, connector, dataset, gone)


async def fail(connection: AsyncConnection, connector: str, dataset: str, error: Exception) -> None:
    """A pull ended before that. Of the error its kind alone is kept."""
    now = datetime.now(UTC)
    partners = isinstance(error, PartnerError)
    wait = error.retry_after if isinstance(error, PartnerError) else None
    told = {
        "running_until": None,
        "failed_at": instant(now),
        "failure": error.kind.value if partners else type(error).__name__,  # type: ignore[attr-defined]
        "retry_at": instant(now + timedelta(seconds=wait)) if wait else None,
    }
    await _write(connection, connector, dataset, told)


async def count_letters(connection: AsyncConnection, connector: str, dataset: str) -> None:
    """Say how many records were put aside."""
    await _write(connection, connector, dataset, {"dead_letters": _letters(connector, dataset)})


async def count_all_letters(connection: AsyncConnection) -> None:
    """Say so of every dataset."""
    counted = _letters(sync_runs.c.connector, sync_runs.c.dataset).correlate(sync_runs)
    await connection.execute(update(sync_runs).values(dead_letters=counted))


def _letters(connector: Any, dataset: Any) -> ScalarSelect[int]:
    """How many there are of a dataset."""
    of = and_(dead_letters.c.connector == connector, dead_letters.c.dataset == dataset)
    return select(func.count()).select_from(dead_letters).where(of).scalar_subquery()


async def _write(
    connection: AsyncConnection, connector: str, dataset: str, values: Mapping[str, Any]
) -> None:
    run = and_(sync_runs.c.connector == connector, sync_runs.c.dataset == dataset)
    await connection.execute(update(sync_runs).where(run).values(**values))
