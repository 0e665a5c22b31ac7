"""Streams: results as server-sent events, each operation on a connection of its own.

The "distinct connections mode" of the GraphQL over SSE protocol
(https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md); the other, in which one connection is reserved and
then shared by requests, is not offered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.types import Send

from gateway.admission.memory import Held
from gateway.admission.tickets import Ticket
from gateway.endpoint.answers import KEPT, execution_result, invalid_errors, refused_errors
from gateway.endpoint.callers import Authenticator, authorization, lapse
from gateway.endpoint.connections import PATIENCE, Connections, first
from gateway.endpoint.execution import Execution
from gateway.endpoint.media_types import EVENTS
from gateway.endpoint.operations import Operation
from gateway.engine.documents import InvalidDocument
from gateway.errors import Refusal
from gateway.oauth.tokens import Caller

logger = logging.getLogger("gateway.endpoint.streams")

KEEP_ALIVE = 12.0
"""Seconds of silence after which a comment is sent, so that nothing on the way takes the connection for dead."""

_COMMENT = b":\n\n"
_COMPLETE = b"event: complete\ndata:\n\n"
_TOLD = {**KEPT, "Content-Type": f"{EVENTS}; charset=utf-8", "X-Accel-Buffering": "no"}
_HEADERS = [(name.lower().encode(), value.encode()) for name, value in _TOLD.items()]


class Streams:
    """Answers operations by streams."""

    def __init__(self, authenticator: Authenticator, execution: Execution, connections: Connections) -> None:
        self._authenticator = authenticator
        self._execution = execution
        self._connections = connections

    async def answer(
        self, request: Request, send: Send, caller: Caller, operation: Operation, ticket: Ticket
    ) -> None:
        """Answer a request that was read, until all is said, or its caller is gone or has no right to more.

        Raises `Refusal` before anything is sent.
        """
        stream = _Stream(send, request.scope.get("request_id"), ticket)
        held = self._execution.admission.kept(caller.application, Held.CONNECTIONS)
        with held, self._connections.opened():
            try:
                done = await first(
                    self._write(stream, caller, operation, ticket),
                    request.receive(),
                    lapse(self._authenticator, authorization(request), caller),
                    self._connections.ending.wait(),
                    stream.beat(),
                )
                if 0 not in done and 1 not in done:
                    await stream.end(done.get(2))
            except TimeoutError:
                logger.info("stream not read", extra={"request_id": stream.request_id})

    async def _write(self, stream: _Stream, caller: Caller, operation: Operation, ticket: Ticket) -> None:
        try:
            async with self._execution.results(caller, operation, ticket) as results:
                await stream.begin()
                async for result in results:
                    await stream.next(execution_result(result, stream.request_id))
        except InvalidDocument as invalid:
            # To who listens for events, a status would say nothing.
            await stream.begin()
            await stream.next({"errors": invalid_errors(invalid)})
        await stream.end()


class _Stream:
    """One response at work."""

    def __init__(self, send: Send, request_id: str | None, ticket: Ticket) -> None:
        self.request_id = request_id
        self._ticket = ticket
        self._send = send
        self._begun = asyncio.Event()

    async def begin(self) -> None:
        """Let the client know that it is listened to."""
        # Before it has, for it may be stopped while it sends.
        self._begun.set()
        headers = [*_HEADERS, *self._ticket.headers]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._write(_COMMENT)

    async def next(self, body: Mapping[str, Any]) -> None:
        """Send a result."""
        await self._write(b"event: next\ndata: " + orjson.dumps(body) + b"\n\n")

    async def beat(self) -> None:
        """Send comments, without end."""
        await self._begun.wait()
        while True:
            await asyncio.sleep(KEEP_ALIVE)
            await self._write(_COMMENT)

    async def end(self, refusal: Refusal | None = None) -> None:
        """Say that this is all; and why, if it was refused in the middle. Raises the refusal before the beginning."""
        if refusal is not None:
            if not self._begun.is_set():
                raise refusal
            await self.next({"errors": refused_errors(refusal)})
        if not self._begun.is_set():
            await self.begin()
        await self._write(_COMPLETE, last=True)

    async def _write(self, chunk: bytes, last: bool = False) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._send({"type": "http.response.body", "body": chunk, "more_body": not last})
