"""Query: how the pulls fare."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from gateway.access.request import Access
from gateway.access.scopes import requires
from gateway.clients.scalars import BigInt, DateTime
from gateway.engine.batch import batch
from gateway.store.queries import Row
from gateway.sync.runs import STATUSES


@strawberry.type(directives=[requires("ops:read")])
class SyncFailure:
    """Why the last pull of a dataset ended before its end."""

    kind: str = strawberry.field(
        description="What kind of failure, as in errors of partners: AUTH, THROTTLED, TRANSIENT, DRIFT and others."
    )
    at: DateTime
    retry_at: DateTime | None = strawberry.field(
        description="When the partner wants to be asked again; null where it did not say."
    )


def failures(rows: Sequence[Row], access: Access) -> list[SyncFailure | None]:
    """Why the last pull ended before its end; null where it did not."""
    return [
        SyncFailure(kind=row.failure, at=row.failed_at, retry_at=row.retry_at) if row.failure else None
        for row in rows
    ]


def running(rows: Sequence[Row], access: Access) -> list[bool]:
    """Whether a pull is at work now."""
    return [bool(row.running) for row in rows]


@strawberry.type(directives=[requires("ops:read")])
class SyncStatus:
    """How the pull of a dataset fares."""

    connector: str
    dataset: str
    pulled_at: DateTime | None = strawberry.field(
        description="When something was last kept; null before the first pull."
    )
    records: BigInt = strawberry.field(description="Records pulled since the first, repeated ones included.")
    dead_letters: BigInt = strawberry.field(
        description="Records of the last 30 days that are put aside because they cannot be read."
    )
    running: bool = batch(running, needs=["running"])
    failure: SyncFailure | None = batch(failures, needs=["failure", "failed_at", "retry_at"])


async def sync_statuses(roots: Sequence[None], access: Access) -> list[list[Row]]:
    """How the pulls fare of each dataset of the caller's party, and of others' as agreed."""
    found = await access.fetch(STATUSES)
    return [found for _ in roots]


@strawberry.type
class SyncQuery:
    """What pulling adds to the queries."""

    sync_status: list[SyncStatus] = batch(sync_statuses, requires=requires("ops:read"), list_size=50, cost=5)
