"""Revocation: what was taken back is refused by every worker within the stated bound."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, create_engine, insert, select

from gateway.oauth.revocations import KEPT, restore, revocations, revoke
from gateway.oauth.tokens import LIFETIME
from gateway.store.tables import instant


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.begin() as opened:
        revocations.create(opened)
        yield opened
    engine.dispose()


def kept(connection: Connection) -> dict[str, str]:
    return {row.key: row.expires_at for row in connection.execute(select(revocations))}


def test_a_revocation_is_kept_until_every_token_it_concerns_has_expired(connection: Connection) -> None:
    before = datetime.now(UTC)
    revoke(connection, "token:one")
    assert KEPT > LIFETIME
    assert kept(connection)["token:one"] >= instant(before + timedelta(seconds=KEPT))


def test_revoking_again_keeps_it_longer(connection: Connection) -> None:
    """A second time is no error, and counts from now."""
    soon = instant(datetime.now(UTC) + timedelta(seconds=5))
    connection.execute(insert(revocations).values(key="user:ivan", expires_at=soon))
    revoke(connection, "user:ivan")
    assert kept(connection)["user:ivan"] > soon


def test_old_revocations_are_forgotten(connection: Connection) -> None:
    """The table, and what each worker holds in memory, is bounded by what was revoked in the last minutes."""
    gone = instant(datetime.now(UTC) - timedelta(seconds=5))
    connection.execute(insert(revocations).values(key="token:old", expires_at=gone))
    revoke(connection, "token:new")
    assert kept(connection).keys() == {"token:new"}


def test_what_is_enabled_again_is_no_longer_revoked(connection: Connection) -> None:
    revoke(connection, "application:shop")
    revoke(connection, "application:other")
    restore(connection, "application:shop")
    restore(connection, "application:never-revoked")
    assert kept(connection).keys() == {"application:other"}
