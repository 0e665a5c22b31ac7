"""What the token service forgets: what is long over, when the next of its kind begins, and no more than that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Table, delete, text, update

from gateway.oauth.authorizations import KEPT, authorizations
from gateway.oauth.codes import _KEPT as CODES_KEPT
from gateway.oauth.codes import CODE_LIFETIME, codes
from gateway.oauth.refreshes import REFRESH_LIFETIME, refresh_tokens
from gateway.oauth.revocations import revocations
from gateway.oauth.sessions import sessions
from gateway.oauth.spent import spent
from gateway.oauth.tokens import LIFETIME
from gateway.store.tables import instant
from tests.people import Flow, Here, here

__all__ = ["here"]


async def aged(here: Here, days: float, *ended: Table) -> str:
    """The only authorization there is, so many days old; what refers to it in these tables is gone."""
    [family] = await here.rows(authorizations)
    async with here.writing() as connection:
        for table in ended:
            await connection.execute(delete(table).where(table.c.authorization_id == family.id))
        created = instant(datetime.now(UTC) - timedelta(days=days))
        await connection.execute(update(authorizations).values(created_at=created))
    return str(family.id)


async def remain(here: Here) -> set[str]:
    """The authorizations that there are after another person's consent, but for that."""
    before = {row.id for row in await here.rows(authorizations)}
    await Flow(here.browser()).tokens()
    return before & {row.id for row in await here.rows(authorizations)}


async def test_an_authorization_that_is_long_over_is_forgotten(here: Here) -> None:
    await Flow(here.browser()).tokens()
    await aged(here, 32.1, codes, refresh_tokens)
    assert await remain(here) == set()


@pytest.mark.parametrize("days", [0.1, 31.9])
async def test_an_authorization_that_is_younger_is_kept(here: Here, days: float) -> None:
    """Though nothing is left of what followed from it."""
    await Flow(here.browser()).tokens()
    family = await aged(here, days, codes, refresh_tokens)
    assert await remain(here) == {family}


@pytest.mark.parametrize("gone", [codes, refresh_tokens], ids=lambda table: table.name)
async def test_an_authorization_is_kept_while_anything_refers_to_it(here: Here, gone: Table) -> None:
    """A code or a refresh token that is not forgotten yet, however old it all is."""
    await Flow(here.browser()).tokens()
    family = await aged(here, 99, gone)
    assert await remain(here) == {family}


def test_an_authorization_outlives_all_that_follows_from_it() -> None:
    """Refresh tokens, the memory of codes, and the access tokens that either brought last."""
    follows = max(REFRESH_LIFETIME, CODE_LIFETIME + CODES_KEPT) + timedelta(seconds=LIFETIME)
    assert timedelta(days=1) < KEPT - follows


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (authorizations, "created_at"),
        (codes, "expires_at"),
        (codes, "authorization_id"),
        (refresh_tokens, "expires_at"),
        (refresh_tokens, "authorization_id"),
        (revocations, "revoked_at"),
        (sessions, "expires_at"),
        (spent, "expires_at"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
async def test_what_is_over_is_found_without_reading_the_rest(here: Here, table: Table, column: str) -> None:
    """By an index: a busy service has thousands of each that are not over."""
    condition = f"{column} = 'x'" if column.endswith("_id") else f"{column} < 'x'"
    async with here.writing() as connection:
        plan: Any = await connection.execute(
            text(f"EXPLAIN QUERY PLAN DELETE FROM {table.name} WHERE {condition}")
        )
        assert f"ix_{table.name}_{column}" in " ".join(row.detail for row in plan)
