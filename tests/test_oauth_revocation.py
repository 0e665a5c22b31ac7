"""Revocation: what was taken back is refused by every worker within the stated bound."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, create_engine, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.app import create_app
from gateway.errors import Refusal
from gateway.oauth import administration, users
from gateway.oauth.blocks import blocks
from gateway.oauth.revocations import KEPT, Revocations, is_revoked, revocations, revoke
from gateway.oauth.tokens import LIFETIME, Caller
from gateway.store.database import writer
from gateway.store.followed import TRUSTED
from gateway.store.tables import instant
from tests.conftest import ORIGIN, Gateway
from tests.inspection import CALLER, Inspection, here, until
from tests.people import LI, Flow

__all__ = ["here"]


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.begin() as opened:
        revocations.create(opened)
        yield opened
    engine.dispose()


def kept(connection: Connection) -> dict[str, str]:
    return {row.key: row.revoked_at for row in connection.execute(select(revocations))}


def service(issued: float) -> Caller:
    return Caller("ALIBABA", "shop", frozenset(), "analytics", token="one", issued=issued)


def test_a_revocation_is_kept_until_every_token_it_concerns_has_expired(connection: Connection) -> None:
    """The table, and what each worker holds in memory, is bounded by what was revoked in the last minutes."""
    assert KEPT > LIFETIME
    now = datetime.now(UTC)
    for key, age in (("token:kept", LIFETIME), ("token:old", KEPT + 5)):
        revoked_at = instant(now - timedelta(seconds=age))
        connection.execute(insert(revocations).values(key=key, revoked_at=revoked_at))
    revoke(connection, "token:new")
    assert kept(connection).keys() == {"token:kept", "token:new"}


def test_revoking_again_concerns_what_was_issued_meanwhile(connection: Connection) -> None:
    """A second time is no error, and counts from now."""
    past = instant(datetime.now(UTC) - timedelta(seconds=5))
    connection.execute(insert(revocations).values(key="user:ivan", revoked_at=past))
    revoke(connection, "user:ivan")
    assert kept(connection)["user:ivan"] > past


def test_what_is_enabled_again_gets_new_tokens_and_none_of_the_old(connection: Connection) -> None:
    """Disabled because a secret leaked, and enabled with a new one: the thief's token stays dead."""
    now = time.time()
    revoke(connection, "application:shop")
    assert is_revoked(connection, service(issued=now - 1))
    assert not is_revoked(connection, service(issued=now + 2))
    assert is_revoked(connection, service(issued=0)), "an outside issuer's, of whose clock nothing is known"


# What applications end themselves (RFC 7009)


async def test_an_application_ends_its_access_token_and_no_other(here: Inspection) -> None:
    """Trap 15: Authlib's endpoint knows no signed tokens. The bound is two seconds."""
    token, other = await here.service_token(), await here.service_token()
    assert await here.works(token)
    await here.revoke("silent", token)
    assert await until(lambda: refused(here, token)) < 2
    assert await here.works(other)
    assert await here.works(await here.service_token())


async def test_a_refresh_token_ends_with_all_of_its_family(here: Inspection) -> None:
    """RFC 7009, 2.1: the access tokens of the same consent, and the refresh tokens that would follow."""
    tokens, others = await here.tokens("shop"), await here.tokens("shop")
    assert await here.works(tokens["access_token"])
    await here.revoke("shop", tokens["refresh_token"], token_type_hint="access_token")
    assert await until(lambda: refused(here, tokens["access_token"])) < 2
    answer = await Flow(here.http).refresh(tokens["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert await here.works(others["access_token"])
    assert (await Flow(here.http).refresh(others["refresh_token"])).status_code == 200


async def test_an_access_token_of_a_person_ends_alone(here: Inspection) -> None:
    tokens = await here.tokens("shop")
    await here.revoke("shop", tokens["access_token"])
    assert await until(lambda: refused(here, tokens["access_token"])) < 2
    again = await Flow(here.http).refresh(tokens["refresh_token"])
    assert await here.works(again.json()["access_token"])


async def test_an_application_on_a_device_ends_its_tokens_by_its_name(here: Inspection) -> None:
    """It has no secret; the token is proof enough (RFC 7009, 2.1)."""
    tokens = await here.tokens("desk")
    await here.revoke("desk", tokens["refresh_token"])
    assert await until(lambda: refused(here, tokens["access_token"])) < 2


async def test_nobody_ends_the_token_of_another(here: Inspection) -> None:
    """Not even one of the same party, or one that has no secret to prove itself by."""
    service, personal = await here.service_token(), await here.tokens("shop")
    for application in ("other", "pandao", "desk"):
        for token in (service, personal["access_token"], personal["refresh_token"]):
            answer = await here.show("revoke", application, token)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert (await here.told("silent", service))["active"] is True
    assert (await here.told("shop", personal["access_token"]))["active"] is True
    assert (await here.told("shop", personal["refresh_token"]))["active"] is True


async def test_what_is_no_token_has_ended_already(here: Inspection) -> None:
    """RFC 7009, 2.2: 200, for the application wanted it gone and it is; also twice."""
    token = await here.service_token()
    for each in ("x", "a.b.c", "é", "x" * 30_000, token, token):
        await here.revoke("silent", each)


async def test_a_secret_may_not_be_left_out(here: Inspection) -> None:
    """An application that has one does not become a public one by not sending it."""
    token = await here.service_token()
    answer = await here.http.post("/oauth/revoke", data={"client_id": "silent", "token": token})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    assert (await here.told("silent", token))["active"] is True


# What administrators end


async def test_tokens_of_a_disabled_application_stop_within_the_bound(here: Inspection) -> None:
    """A17."""
    service, other = await here.service_token("silent"), await here.service_token("pandao")
    assert await here.works(service)
    async with here.gateway.writing() as connection:
        await administration.disable(connection, "silent")
    assert await until(lambda: refused(here, service)) < 2
    assert await here.works(other)
    async with here.gateway.writing() as connection:
        await administration.enable(connection, "silent")
    await asyncio.sleep(1.1)
    assert await here.works(await here.service_token("silent"))
    assert await refused(here, service)


async def test_tokens_of_a_disabled_person_stop_within_the_bound(here: Inspection) -> None:
    """A17: and those of others go on."""
    tokens, service = await here.tokens("shop"), await here.service_token()
    assert await here.works(tokens["access_token"])
    async with here.gateway.writing() as connection:
        await users.disable(connection, LI)
    assert await until(lambda: refused(here, tokens["access_token"])) < 2
    assert await here.works(service)


# What a worker knows


def known(**more: Any) -> Caller:
    """A caller with all that a token can be revoked by."""
    return Caller(
        "ALIBABA", "shop", frozenset(), "analytics", **{"user": "li@x", "grant": "g", "token": "t", **more}
    )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    (tmp_path / "gateway.db").touch()
    engine = writer(tmp_path / "gateway.db")
    async with engine.begin() as connection:
        await connection.run_sync(blocks.create)
        await connection.run_sync(revocations.create)
    yield engine
    await engine.dispose()


@pytest.mark.parametrize("key", ["token:t", "grant:g", "application:shop", "user:li@x"])
async def test_a_token_ends_by_each_key_that_concerns_it_and_by_no_other(
    database: AsyncEngine, key: str
) -> None:
    worker = Revocations(database)
    async with database.begin() as connection:
        for other in ("token:g", "grant:t", "application:li@x", "user:shop", key.upper(), key + "x"):
            await connection.run_sync(revoke, other)
    await worker.refresh()
    assert not worker.revoked(known())
    async with database.begin() as connection:
        await connection.run_sync(revoke, key)
    await worker.refresh()
    assert worker.revoked(known())


async def test_a_worker_knows_no_more_than_what_still_counts(database: AsyncEngine) -> None:
    async with database.begin() as connection:
        gone = instant(datetime.now(UTC) - timedelta(seconds=KEPT + 5))
        await connection.execute(insert(revocations).values(key="token:t", revoked_at=gone))
    worker = Revocations(database)
    await worker.refresh()
    assert not worker.revoked(known())


async def test_who_has_not_read_the_table_lets_nobody_in(database: AsyncEngine) -> None:
    """Fail closed: nobody can know whether a token was revoked."""
    with pytest.raises(Refusal) as refusal:
        Revocations(database).revoked(known())
    assert (refusal.value.status, refusal.value.headers) == (503, {"Retry-After": "1"})


async def test_a_worker_that_cannot_read_refuses_after_the_stated_time(
    database: AsyncEngine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Until then it goes on by what it knows, and when the database is back it goes on at once."""
    clock = [0.0]
    worker, file = Revocations(database, lambda: clock[0]), tmp_path / "gateway.db"
    async with worker.followed():
        file.rename(tmp_path / "away.db")
        clock[0] = TRUSTED
        assert not worker.revoked(known())
        clock[0] = TRUSTED + 0.1
        with pytest.raises(Refusal) as refusal:
            worker.revoked(known())
        assert refusal.value.status == 503
        await until(lambda: said(caplog))
        (tmp_path / "away.db").rename(file)
        await until(lambda: answers(worker))
    assert [record.message for record in caplog.records] == ["revocations cannot be read"]


async def said(caplog: pytest.LogCaptureFixture) -> bool:
    return bool(caplog.records)


async def answers(worker: Revocations) -> bool:
    try:
        return not worker.revoked(known())
    except Refusal:
        return False


async def test_the_gateway_refuses_everybody_where_revocations_cannot_be_known(gateway: Gateway) -> None:
    """503 in the form of every other answer, not 401: the token may be good."""
    app = create_app(gateway.settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
        answer = await Gateway(gateway.settings, client, app).post(CALLER, gateway.token("ALIBABA"))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"


async def refused(here: Inspection, token: str) -> bool:
    return not await here.works(token)
