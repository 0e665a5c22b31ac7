"""Load: requests that arrive when they arrive, whether or not the ones before were answered, as from many callers."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import NamedTuple

import aiohttp

IN_TIME = 2.0
"""Seconds after which an answer is of no use to who asked."""


class Stream(NamedTuple):
    """An application's requests: so many a second, each with this token and one of these bodies."""

    name: str
    rate: float
    token: str
    bodies: Sequence[bytes]


@dataclass
class Outcome:
    """What became of one application's requests: by status, and the seconds of those that were answered in time."""

    statuses: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)

    def note(self, status: str, seconds: float) -> None:
        """Count an answer."""
        late = status == "200" and seconds > IN_TIME
        self.statuses["late" if late else status] += 1
        if status == "200" and not late:
            self.times.append(seconds)

    @property
    def percentiles(self) -> tuple[float, float]:
        """Half and 99 of 100 were faster, in milliseconds."""
        if len(self.times) < 2:
            return 0.0, 0.0
        cuts = quantiles(self.times, n=100)
        return cuts[49] * 1000, cuts[98] * 1000


async def arriving(address: str, streams: Sequence[Stream], seconds: float) -> Mapping[str, Outcome]:
    """Send the streams' requests for so long, each at the moments of a Poisson process; what became of them."""
    found = {stream.name: Outcome() for stream in streams}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(_send(session, address, each, found[each.name], seconds) for each in streams))
    return found


async def _send(
    session: aiohttp.ClientSession, address: str, stream: Stream, outcome: Outcome, seconds: float
) -> None:
    chance = random.Random(stream.name)
    started = due = time.perf_counter()
    at_work: set[asyncio.Task[None]] = set()
    while due < started + seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(_ask(session, address, stream, chance.choice(stream.bodies), due, outcome))
        at_work.add(task)
        task.add_done_callback(at_work.discard)
        due += chance.expovariate(stream.rate)
    await asyncio.gather(*at_work)


async def _ask(
    session: aiohttp.ClientSession, address: str, stream: Stream, body: bytes, due: float, outcome: Outcome
) -> None:
    headers = {"Authorization": f"Bearer {stream.token}", "Content-Type": "application/json"}
    status = "failed"
    try:
        async with session.post(address, data=body, headers=headers, timeout=_PATIENCE) as response:
            await response.read()
            status = str(response.status)
    except (aiohttp.ClientError, TimeoutError):
        pass
    outcome.note(status, time.perf_counter() - due)


_PATIENCE = aiohttp.ClientTimeout(total=20)


async def pressing(address: str, stream: Stream, connections: int, seconds: float) -> Outcome:
    """Ask all the time on so many connections, each again when it was answered: what the gateway can do at most."""
    outcome = Outcome()
    ends = time.perf_counter() + seconds

    async def press(session: aiohttp.ClientSession, number: int) -> None:
        turn = number
        while (due := time.perf_counter()) < ends:
            turn += 1
            await _ask(session, address, stream, stream.bodies[turn % len(stream.bodies)], due, outcome)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(press(session, number) for number in range(connections)))
    return outcome
