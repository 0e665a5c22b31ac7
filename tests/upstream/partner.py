"""A partner behind a socket that keeps its connections, and answers each call as a test has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from gateway.errors import Kind, PartnerError
from gateway.upstream.http import Answer, Request
from gateway.upstream.terms import Terms
from gateway.upstream.upstream import Upstream

Writer = asyncio.StreamWriter
Reply = bytes | Callable[[Writer], Awaitable[None]]

ASKED = Request("GET", "/rates", name="rates")


def http(body: bytes = b"[1]", status: str = "200 OK", *headers: str) -> bytes:
    """An answer as it is on the wire."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def silence(writer: Writer) -> None:
    """No answer."""
    await asyncio.sleep(60)


class Partner:
    """Answers in order, the last one for all that follow; counts calls, connections, and calls at a time."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = replies
        self.heard: list[bytes] = []
        self.connections = 0
        self.working = self.most = 0
        self.gone = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        """One connection, to its end."""
        self.connections += 1
        try:
            while True:
                self.heard.append(await reader.readuntil(b"\r\n\r\n"))
                await self._reply(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _reply(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        reply = self._replies[min(len(self.heard), len(self._replies)) - 1]
        self.working += 1
        self.most = max(self.most, self.working)
        try:
            if isinstance(reply, bytes):
                writer.write(reply)
                return
            working = asyncio.ensure_future(reply(writer))
            hung_up = asyncio.ensure_future(reader.read(1))
            done, rest = await asyncio.wait({working, hung_up}, return_when=asyncio.FIRST_COMPLETED)
            for each in rest:
                each.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            if hung_up in done:
                self.gone.set()
                raise ConnectionError
        finally:
            self.working -= 1


@asynccontextmanager
async def reached(
    partner: Partner, terms: Terms | None = None, live: bool = True, **options: Any
) -> AsyncIterator[Upstream]:
    """The way to a partner."""
    server = await asyncio.start_server(partner.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings = {"url": url, "other": url}
    async with server, Upstream("bank", settings, terms or Terms(), live=live, **options) as upstream:
        yield upstream


def accept(answer: Answer) -> Any:
    """What a connector does with an answer: on the body, whatever the status."""
    if answer.status == 404:
        return None
    if answer.status >= 500:
        raise PartnerError(Kind.TRANSIENT, f"HTTP {answer.status}")
    found = answer.json()
    if isinstance(found, dict) and "ban" in found:
        raise PartnerError(
            Kind.THROTTLED, "throttled", code="ApiCallLimit", retry_after=found["ban"], unheard=True
        )
    if isinstance(found, dict):
        raise PartnerError(Kind.BUSINESS, "refused", code=found["code"])
    return found


def soon(upstream: Upstream, seconds: float) -> Upstream:
    """The partner for one who has so many seconds."""
    return upstream.until(asyncio.get_running_loop().time() + seconds)
