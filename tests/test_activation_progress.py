"""Progress of activations: followed to its end, in steps that say nothing of anybody, and once for all who follow."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from sqlalchemy import event, update
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.activations import desk
from gateway.activations.activations import (
    activations,
    add,
)
from gateway.activations.desk import Desk
from gateway.app import create_app
from gateway.oauth.tokens import Caller
from gateway.store.database import writer
from gateway.store.readers import Readers
from tests.audiences import PROGRESS, PURPOSE, SCOPES, Agency, database, house, plan
from tests.conftest import Gateway
from tests.door import listening
from tests.subscribers import Station
from tests.subscribers import errors as codes

__all__ = ["database", "house"]


@pytest.mark.parametrize("transport", ["socket", "stream"])
async def test_progress_is_followed_to_its_end(house: Agency, transport: str) -> None:
    """Over a WebSocket or as server-sent events, in another worker: each state once, and then no more will come."""
    made = await house.activated()
    with listening(create_app(house.gateway.settings)) as port:
        station = Station(house.gateway.settings, port)
        token = house.gateway.token("ALIBABA", SCOPES, PURPOSE)
        found = asyncio.create_task(_followed(station, transport, token, made["id"]))
        await house.until("PROCESSING")
        house.stand.nearly()
        await house.until("READY")
        states = await asyncio.wait_for(found, 15)
        stranger = house.gateway.token("MAILRU", SCOPES, PURPOSE)
        [refused] = await _followed(station, transport, stranger, made["id"])
    told = [each["data"]["activationProgress"] for each in states]
    assert told[-1] == await house.seen(made["id"])
    order = ["PLANNED", "SENDING", "PROCESSING", "READY"]
    places = [order.index(each["state"]) for each in told]
    assert places == sorted(places)
    assert places[-1] == 3
    assert (refused["data"], codes(refused)) == (None, ["NOT_FOUND"])


@pytest.mark.parametrize("count", ["sent", "coverage"])
async def test_one_person_more_or_less_is_neither_shown_nor_told(house: Agency, count: str) -> None:
    """Two audiences that differ by a person would say whether the partner knows it; a step is a hundred."""
    made = await house.activated()
    await house.until("PROCESSING")
    await _count(house, count, 2_100)
    engine = writer(house.gateway.settings.database)
    follower = Desk(engine, None, {}, {}, print, 0.01)  # type: ignore[arg-type]
    sender = Caller("ALIBABA", "alibaba-app", frozenset(), PURPOSE)
    async with aclosing(follower.follow(sender, "mailru", made["id"])) as progress:
        assert getattr((await anext(progress))[0], count) == 2_100
        await _count(house, count, 2_199)
        assert (await house.seen(made["id"]))[count] == 2_100
        told = asyncio.create_task(anext(progress))
        await asyncio.sleep(0.1)
        assert not told.done()
        await _count(house, count, 2_200)
        assert getattr((await told)[0], count) == 2_200
    await engine.dispose()
    assert (await house.seen(made["id"]))[count] == 2_200


async def _count(house: Agency, count: str, exact: int) -> None:
    """What is kept of an activation that nobody else changes any more."""
    async with house.gateway.writing() as connection:
        held = {"worker": "dead", "lease": 9e12, "due": None, count: exact}
        await connection.execute(update(activations).values(held))


async def test_many_who_follow_one_activation_share_the_looks(
    gateway: Gateway, database: AsyncEngine
) -> None:
    """A thousand subscribers cost the database no more than one; each is told of the change, once."""
    made, sender = await add(database, plan()), plan().audience.sender
    looks: list[object] = []
    event.listen(database.sync_engine, "checkout", lambda *_: looks.append(None))
    counter = desk.Desk(database, Readers(gateway.settings.database), {}, {}, lambda: None, pause=0.01)

    async def states() -> list[str]:
        return [row.state async for [row] in counter.follow(sender, "mailru", made.id)]

    crowd = [asyncio.create_task(states()) for _ in range(50)]
    while len(looks) < 53:  # noqa: ASYNC110 - it is looked at as anybody would
        await asyncio.sleep(0.01)
    before = len(looks)
    await asyncio.sleep(0.1)
    assert len(looks) - before <= 12
    async with gateway.writing() as connection:
        await connection.execute(update(activations).values(state="READY"))
    assert await asyncio.gather(*crowd) == [["PLANNED", "READY"]] * 50


async def _followed(station: Station, transport: str, token: str, id: str) -> list[Any]:
    """All results of a subscription that ends by itself."""
    found = []
    if transport == "socket":
        async with station.socket() as socket:
            await socket.init(token)
            await socket.subscribe(PROGRESS, variables={"id": id})
            while (message := await socket.hear())["type"] == "next":
                found.append(message["payload"])
            assert message["type"] == "complete"
        return found
    async with station.stream(PROGRESS, token, variables={"id": id}) as events:
        while (event := await events.event())[0] == "next":
            found.append(event[1])
        assert event[0] == "complete"
    return found
