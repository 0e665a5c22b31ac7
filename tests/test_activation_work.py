"""Activations at work: what becomes of one when consents, rights, partners, workers or the database fall away."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, update
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.access.agreements import consents
from gateway.activations import work
from gateway.activations.activations import (
    activations,
    add,
    find,
)
from gateway.background import beside
from gateway.oauth.administration import disable
from gateway.store.database import writer
from gateway.store.readers import Readers
from gateway.upstream.partners import Partners
from tests.audiences import EMAILS, LISTS, WILLING, Agency, database, email, hashed, house, plan, withhold
from tests.conftest import Gateway

__all__ = ["database", "house"]


async def test_consent_that_is_withdrawn_before_it_goes_is_respected(house: Agency) -> None:
    """Whoever withdraws while myTarget cannot be reached is not among those who are sent."""
    house.stand.before = lambda method, name: 503 if name == "token.json" else None
    await house.activated()
    await house.called("POST token.json")
    async with house.gateway.writing() as connection:
        await connection.execute(delete(consents).where(consents.c.client_id == 10_000 + WILLING[0]))
    house.stand.before = lambda method, name: None
    await house.until("PROCESSING")
    [sent] = house.stand.lists.values()
    assert EMAILS ^ sent.hashes == {hashed(email(WILLING[0]))}


async def _forget(house: Agency) -> None:
    async with house.gateway.writing() as connection:
        await connection.execute(delete(consents))


async def _disable(house: Agency) -> None:
    async with house.gateway.writing() as connection:
        await disable(connection, "alibaba-app")


WITHDRAWN = {
    "AGREEMENT_MISSING": withhold,
    "TOO_FEW_CONSENTED": _forget,
    "SENDER_NOT_ALLOWED": _disable,
}


@pytest.mark.parametrize("reason", WITHDRAWN)
async def test_what_falls_away_before_it_goes_refuses_it(house: Agency, reason: str) -> None:
    house.stand.before = lambda method, name: 503 if name == "token.json" else None
    made = await house.activated()
    await WITHDRAWN[reason](house)
    house.stand.before = lambda method, name: None
    row = await house.until("REFUSED")
    assert (row.id, row.reason) == (made["id"], reason)
    assert not house.stand.lists


async def test_a_partner_that_is_away_is_not_waited_for_for_ever(house: Agency) -> None:
    """What was not sent within a day is not sent at all: by then somebody has sent it in another way."""
    house.stand.before = lambda method, name: 503 if name == "token.json" else None
    made = await house.activated()
    await house.called("POST token.json")
    async with house.gateway.writing() as connection:
        await connection.execute(update(activations).values(created_at="2026-01-01T00:00:00Z"))
    row = await house.until("REFUSED")
    assert (row.id, row.reason) == (made["id"], "NOT_SENT_IN_TIME")


async def test_what_may_have_been_sent_is_not_looked_for_for_ever(house: Agency) -> None:
    house.stand.after = _fails(500)
    await house.activated()
    await house.called(f"POST {LISTS}")
    house.stand.before = lambda method, name: 503 if method == "GET" else None
    async with house.gateway.writing() as connection:
        await connection.execute(update(activations).values(sent_at=1.0))
    row = await house.until("UNCERTAIN")
    assert row.reason.startswith("PARTNER_TRANSIENT: ")


def _fails(status: int) -> Any:
    return lambda method, name: status if (method, name) == ("POST", LISTS) else None


async def test_a_list_whose_answer_was_lost_is_found_and_not_sent_again(house: Agency) -> None:
    house.stand.after = _fails(500)
    await house.activated()
    row = await house.until("PROCESSING")
    [sent] = house.stand.lists.values()
    assert row.partner_id == str(sent.id)
    assert house.stand.calls[f"POST {LISTS}"] == 1


async def test_a_list_that_may_have_been_made_and_is_not_there_is_uncertain(house: Agency) -> None:
    """It is not sent again: somebody must look."""
    house.stand.before = _fails(500)
    made = await house.activated()
    await house.until("UNCERTAIN")
    assert (await house.seen(made["id"]))["reason"] == "NOT_CONFIRMED"
    assert (house.stand.calls[f"POST {LISTS}"], len(house.stand.lists)) == (1, 0)


async def test_a_list_that_my_target_puts_off_is_sent_later(house: Agency) -> None:
    """429 says that nothing was done."""
    house.stand.before = _fails(429)
    await house.activated()
    await house.called(f"POST {LISTS}")
    house.stand.before = lambda method, name: None
    await house.until("PROCESSING")
    assert len(house.stand.lists) == 1


async def test_a_list_that_my_target_refuses_is_refused(house: Agency) -> None:
    house.stand.before = _fails(400)
    made = await house.activated()
    await house.until("REFUSED")
    assert (await house.seen(made["id"]))["reason"] == "PARTNER_BUSINESS: 400"
    assert house.stand.calls[f"POST {LISTS}"] == 1


async def test_a_list_that_is_deleted_is_gone(house: Agency) -> None:
    await house.activated()
    await house.until("PROCESSING")
    house.stand.lists.clear()
    await house.until("GONE")


async def test_a_list_that_is_left_out_for_once_is_not_gone(house: Agency) -> None:
    await house.activated()
    await house.until("PROCESSING")
    kept = dict(house.stand.lists)
    house.stand.lists.clear()
    house.stand.calls.clear()
    await house.hurry()
    await house.called(f"GET {LISTS}")
    house.stand.lists.update(kept)
    house.stand.nearly()
    await house.until("READY")


async def test_what_takes_long_is_looked_at_less_often(house: Agency) -> None:
    """A list may take hours to get ready, and each look at it counts against the partner's quota."""
    house.stand.app.state.user_lists.held_at = "mapping"
    await house.activated()
    await house.until("PROCESSING")
    async with house.gateway.writing() as connection:
        await connection.execute(update(activations).values(sent_at=time.time() - 7_200))
    async with asyncio.timeout(15):
        while (await house.rows())[0].due < time.time() + 300:
            await house.hurry()
            await asyncio.sleep(0.03)


async def test_of_two_workers_one_sends(house: Agency) -> None:
    """And what a worker announced that died meanwhile, the next one looks for."""
    gateway = house.gateway
    async with house.gateway.writing() as connection:
        await connection.exec_driver_sql(
            "CREATE TRIGGER held AFTER INSERT ON activations BEGIN"
            " UPDATE activations SET worker = 'dead', lease = 9e12 WHERE id = new.id; END"
        )
    made = await house.activated()
    await asyncio.sleep(0.1)
    assert (await house.seen(made["id"]))["state"] == "PLANNED"
    async with gateway.writing() as connection:
        await connection.exec_driver_sql(
            "UPDATE activations SET state = 'SENDING', lease = 1.0, sent_at = 1.0"
        )
    await house.until("UNCERTAIN")
    assert not house.stand.calls[f"POST {LISTS}"]


async def test_a_database_that_was_busy_for_once_loses_no_hold(
    gateway: Gateway, database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or another would take over while this worker is still sending, and its word would count no more."""
    monkeypatch.setattr(work, "LEASE", 0.03)
    made = await add(database, plan())
    engine, tries = writer(gateway.settings.database), iter([True])
    worker = work.Worker(engine, Readers(Path()), Partners([], {}, Path()), {})

    def fail_once(*_: object) -> None:
        if next(tries, False):
            raise TimeoutError

    async with database.begin() as connection:
        await connection.execute(update(activations).values(worker=worker._name, due=None))
    event.listen(engine.sync_engine, "checkout", fail_once)
    async with beside(worker._hold(made.id)), asyncio.timeout(5):
        while (await find(database, "ALIBABA", made.id)).lease is None:  # type: ignore[union-attr]  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await engine.dispose()
