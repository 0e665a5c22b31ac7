"""Load: requests that arrive when they arrive, whether or not the ones before were answered, as from many callers.

It speaks as much HTTP as it must: who makes five times the load must not be what is measured.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import NamedTuple, cast

IN_TIME = 2.0
"""Seconds after which an answer is of no use to who asked."""

PATIENCE = 20.0
"""Seconds that all answers are waited for, once nothing more is sent."""

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class Stream(NamedTuple):
    """An application's requests: so many a second, each with this token and one of these bodies."""

    name: str
    rate: float
    token: str
    bodies: Sequence[bytes]

    def requests(self) -> list[bytes]:
        """The bytes to send."""
        return [self._request(body) for body in self.bodies]

    def _request(self, body: bytes) -> bytes:
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {self.token}\r\nAccept: */*\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


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
    def good(self) -> int:
        """How many were answered in time."""
        return self.statuses["200"]

    @property
    def percentiles(self) -> tuple[float, float]:
        """Half and 99 of 100 were faster, in milliseconds."""
        if len(self.times) < 2:
            return 0.0, 0.0
        cuts = quantiles(self.times, n=100)
        return cuts[49] * 1000, cuts[98] * 1000


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """What became of them all."""
    statuses = sum((each.statuses for each in outcomes), Counter[str]())
    return Outcome(statuses, [seconds for each in outcomes for seconds in each.times])


class Exchange(asyncio.Protocol):
    """A connection with at most one request on its way, whose status `answer` gets."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[str] | None = None
        self._got = b""
        self._missing = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes) -> asyncio.Future[str]:
        """Send a request."""
        self.answer = asyncio.get_running_loop().create_future()
        self._got, self._missing = b"", -1
        self._transport.write(request)
        return self.answer

    def data_received(self, data: bytes) -> None:
        """Read a part of the answer."""
        if self._missing < 0:
            self._got += data
            head, end, rest = self._got.partition(b"\r\n\r\n")
            if not end:
                return
            found = _LENGTH.search(head)
            assert found is not None, head
            self._missing, data = int(found[1]), rest
        self._missing -= len(data)
        if self._missing == 0 and self.answer is not None and not self.answer.done():
            self.answer.set_result(self._got[9:12].decode())

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_result("failed")

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    @property
    def is_open(self) -> bool:
        """Whether it can be used again."""
        return not self._transport.is_closing()


class Connections:
    """As many connections to one port as there are requests on their way."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[Exchange] = []
        self.all: list[Exchange] = []

    async def ask(self, request: bytes, outcome: Outcome, due: float) -> None:
        """Send a request and note what became of it."""
        while self._idle and not self._idle[-1].is_open:
            self._idle.pop()
        exchange = self._idle.pop() if self._idle else await self._open()
        if exchange is None:
            outcome.note("failed", 0)
            return
        outcome.note(await exchange.ask(request), time.perf_counter() - due)
        self._idle.append(exchange)

    async def _open(self) -> Exchange | None:
        try:
            _, exchange = await asyncio.get_running_loop().create_connection(
                Exchange, "127.0.0.1", self._port
            )
        except OSError:
            return None
        self.all.append(exchange)
        return exchange


async def arriving(port: int, streams: Sequence[Stream], seconds: float) -> Mapping[str, Outcome]:
    """Send the streams' requests for so long, each at the moments of a Poisson process; what became of them."""
    found = {stream.name: Outcome() for stream in streams}
    connections = Connections(port)
    await asyncio.gather(*(_send(connections, each, found[each.name], seconds) for each in streams))
    for each in connections.all:
        each.close()
    return found


async def _send(connections: Connections, stream: Stream, outcome: Outcome, seconds: float) -> None:
    chance, requests = random.Random(stream.name), stream.requests()
    due = time.perf_counter()
    ends = due + seconds
    at_work: set[asyncio.Task[None]] = set()
    while due < ends:
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        task = asyncio.create_task(connections.ask(chance.choice(requests), outcome, time.perf_counter()))
        at_work.add(task)
        task.add_done_callback(at_work.discard)
        due += chance.expovariate(stream.rate)
    if at_work:
        await asyncio.wait(at_work, timeout=PATIENCE)


async def pressing(port: int, stream: Stream, connections: int, seconds: float) -> Mapping[str, Outcome]:
    """Ask all the time on so many connections, each again when it was answered: what the gateway can do at most."""
    outcome, requests = Outcome(), stream.requests()
    ends = time.perf_counter() + seconds
    opened = Connections(port)

    async def press(number: int) -> None:
        while (due := time.perf_counter()) < ends:
            number += 1
            await opened.ask(requests[number % len(requests)], outcome, due)

    await asyncio.gather(*(press(number) for number in range(connections)))
    for each in opened.all:
        each.close()
    return {stream.name: outcome}
