"""Deliveries: what becomes of a call and its answer on the way, where faults strike."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.sandboxes.bodies import CHANGES, changed
from gateway.sandboxes.calls import Call
from gateway.sandboxes.connections import connection_of, reset

PIECES = 50
LARGEST = 2**30

_HTML = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>gateway error</body></html>"
INSTEAD = {
    "html": (200, b"text/html", _HTML),
    "empty": (200, b"application/json", b""),
    "error": (500, b"text/plain", b"Internal Server Error"),
    "unavailable": (503, b"text/plain", b"Service Unavailable"),
}
"""What comes instead of an answer: status, media type, body."""


@dataclass(slots=True)
class Answer:
    """An answer, whole, before it goes out."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass(slots=True)
class Delivery:
    """One call on its way to a sandbox and back."""

    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    call: Call
    now: float

    async def run(self) -> None:
        """Carry the call out as far as the faults let it, and bring the answer as they leave it."""
        if hang := self.call.strike("hang"):
            await self._silent(hang.seconds)
        elif self.call.strike("reset"):
            await self._reset()
        elif self.call.strike("flood"):
            await self._flood()
        elif instead := next(filter(self.call.strike, INSTEAD), None):
            status, kind, body = INSTEAD[instead]
            await self._bring(Answer(status, [(b"content-type", kind)], body))
        else:
            await self._carried_out()

    @property
    def _sheet(self) -> bool:
        return bool(self.scope["path"].endswith(".csv"))

    async def _carried_out(self) -> None:
        answer = await self._answer()
        if slow := self.call.strike("slow"):
            await self._pause(slow.seconds)
        for change in CHANGES:
            if strike := self.call.strike(change):
                answer.body = changed(answer.body, change, strike.chance, self._sheet)
        if self.call.strike("cut"):
            answer.body = answer.body[: len(answer.body) // 2]
        if self.call.strike("lost"):
            await self._reset()
        else:
            await self._bring(answer)

    async def _answer(self) -> Answer:
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)

        await self.app(self.scope, self.receive, keep)
        return Answer(
            sent[0]["status"], list(sent[0]["headers"]), b"".join(each.get("body", b"") for each in sent[1:])
        )

    async def _bring(self, answer: Answer) -> None:
        await self.send(started(answer, self.now))
        if self.call.strike("truncated"):
            await self.send(_body(answer.body[: len(answer.body) // 2], more=True))
            connection_of(self.scope).close()
            await self._gone()
        elif drip := self.call.strike("drip"):
            size = -(-len(answer.body) // PIECES) or 1
            for start in range(0, len(answer.body), size):
                await self._pause(drip.seconds / PIECES)
                await self.send(_body(answer.body[start : start + size], more=True))
            await self.send(_body(b""))
        else:
            await self.send(_body(answer.body))

    async def _silent(self, seconds: float) -> None:
        await self._pause(seconds)
        connection_of(self.scope).abort()
        await self._gone()

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than the caller does."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._gone()

    async def _reset(self) -> None:
        reset(connection_of(self.scope))
        await self._gone()

    async def _flood(self) -> None:
        await self.send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"application/json")],
            }
        )
        gone = asyncio.create_task(self._gone())
        for _ in range(LARGEST // 2**20):
            if gone.done():
                break
            await self.send(_body(b" " * 2**20, more=True))
            await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)

    async def _gone(self) -> None:
        """Until the caller has hung up, or has been hung up on."""
        while (await self.receive())["type"] != "http.disconnect":
            pass


def started(answer: Answer, now: float) -> Message:
    """The head of an answer, with its length and the date by the partner's clock."""
    kept: Iterable[Any] = (
        each for each in answer.headers if each[0].lower() not in (b"content-length", b"date")
    )
    own = [
        (b"content-length", str(len(answer.body)).encode()),
        (b"date", formatdate(now, usegmt=True).encode()),
    ]
    return {"type": "http.response.start", "status": answer.status, "headers": [*kept, *own]}


def _body(body: bytes, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
