"""Subscriptions at two workers: each follows by itself, both know what is revoked, and both say when they end."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.store.database import writer
from tests.subscribers import CHANGED, Socket, Station, Subscribed
from tests.test_workers import Pair, serving
from tests.world import speaking_world, write

MANY = 6
"""Connections at once."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with serving(tmp_path_factory.mktemp("workers")) as found:
        asyncio.run(fill(found))
        yield found


async def fill(pair: Pair) -> None:
    """Everybody who speaks, in the base of gateways that serve already."""
    database = writer(pair.settings.database)
    async with database.begin() as connection:
        await write(connection, speaking_world())
    await database.dispose()


def station_of(pair: Pair) -> Station:
    return Station(pair.settings, int(pair.settings.origin.rpartition(":")[2]))


async def listen(stack: AsyncExitStack, pair: Pair, token: str) -> list[Socket]:
    """Sockets that listen, so many that some are at either worker: each has put its word down then."""
    station, found = station_of(pair), []

    async def listen_once() -> Socket:
        socket = await stack.enter_async_context(station.socket())
        await socket.init(token)
        await (await socket.subscribe()).heard("AlibabaOrder:ADA")
        return socket

    for _ in range(10):
        found += await asyncio.gather(*(listen_once() for _ in range(MANY)))
        if station.ask("SELECT count(*) FROM order_listeners") == [(2,)]:
            return found
    raise AssertionError("one worker took them all")


async def test_whoever_is_at_either_worker_hears_of_a_change(pair: Pair) -> None:
    """Which nobody told the workers of."""
    async with AsyncExitStack() as stack:
        sockets = await listen(stack, pair, pair.token())
        word = sockets[0].station.change("AlibabaOrder:ADA")
        for socket in sockets:
            await Subscribed(socket, "1").until("AlibabaOrder:ADA", word)


async def test_a_disabled_application_is_closed_at_both_within_the_bound(pair: Pair) -> None:
    """By the operator's command."""
    async with AsyncExitStack() as stack:
        token, station = pair.token(), station_of(pair)
        sockets = await listen(stack, pair, token)
        events = await stack.enter_async_context(station.stream(CHANGED, token))
        await events.heard("AlibabaOrder:ADA")
        await asyncio.to_thread(pair.run, "app", "disable", "silent")
        ended = time.monotonic()
        try:
            codes = {(await socket.closed())[0] for socket in sockets}
            while "data" in (result := await events.next()):
                pass
            assert time.monotonic() - ended < 2.5
            assert codes == {4403}
            assert [each["extensions"]["code"] for each in result["errors"]] == ["UNAUTHENTICATED"]
            assert await events.event() == ("complete", None)
        finally:
            await asyncio.to_thread(pair.run, "app", "enable", "silent")


def test_a_worker_that_ends_says_so(tmp_path: Path) -> None:
    """1001, upon which clients come again elsewhere; streams are complete. And nothing keeps the process."""
    with serving(tmp_path) as pair:
        asyncio.run(fill(pair))
        asyncio.run(_end(pair))
        assert pair.process.wait(20) == 0


async def _end(pair: Pair) -> None:
    async with AsyncExitStack() as stack:
        token, station = pair.token(), station_of(pair)
        sockets = await listen(stack, pair, token)
        streams = [await stack.enter_async_context(station.stream(CHANGED, token)) for _ in range(MANY)]
        await asyncio.gather(*(each.heard("AlibabaOrder:ADA") for each in streams))
        pair.process.send_signal(signal.SIGTERM)
        assert {(await socket.closed())[0] for socket in sockets} == {1001}
        for events in streams:
            while (event := await events.event())[0] == "next":
                assert event[1]["data"]
            assert event == ("complete", None)
