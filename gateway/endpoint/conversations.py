"""Conversations: GraphQL over WebSocket, message by message.

The subprotocol `graphql-transport-ws` (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md). The older one,
which called itself `graphql-ws`, is not spoken here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.admission.memory import Held
from gateway.endpoint.answers import disclosed, execution_result, invalid_errors, refused_errors
from gateway.endpoint.callers import Authenticator, authorization, lapse
from gateway.endpoint.connections import PATIENCE, Connections
from gateway.endpoint.execution import Execution
from gateway.endpoint.messages import FIRST, Closing, Pace, closing_of, identity, parsed, payload, token
from gateway.endpoint.operations import Operation, operation_in
from gateway.engine.documents import InvalidDocument
from gateway.errors import Refusal
from gateway.logs import operation_logged
from gateway.oauth.tokens import Caller
from gateway.settings import Settings

PROTOCOL = "graphql-transport-ws"

OPERATIONS = 50
"""Operations that one connection may have at work at once."""


class Conversation:
    """One connection, from `connection_init` on.

    `caller` is who the handshake's headers brought, if they did; `nameless` ends when its caller is known.
    """

    def __init__(
        self,
        socket: WebSocket,
        settings: Settings,
        authenticator: Authenticator,
        execution: Execution,
        connections: Connections,
        caller: Caller | None,
        nameless: ExitStack,
    ) -> None:
        self._socket = socket
        self._settings = settings
        self._authenticator = authenticator
        self._execution = execution
        self._connections = connections
        self._handshake = caller
        self._nameless = nameless
        self._caller: Caller | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._tasks = asyncio.TaskGroup()
        self._counted = ExitStack()
        self._pace = Pace()

    async def hold(self) -> None:
        """Talk until the client is gone; whatever ends, its operations end with it. Raises `Closing`."""
        closing: Closing | None = None
        try:
            with self._counted:
                async with self._tasks as tasks:
                    tasks.create_task(self._end_with_the_worker())
                    tasks.create_task(self._read())
        except* WebSocketDisconnect:
            pass
        except* Closing as several:
            closing = several.exceptions[0]  # type: ignore[assignment]
        if closing is not None:
            raise closing

    async def _end_with_the_worker(self) -> None:
        await self._connections.ending.wait()
        raise Closing(1001, "Going away: connect again")

    async def _end_with_the_token(self, sent: str | None, caller: Caller) -> None:
        raise closing_of(await lapse(self._authenticator, sent, caller))

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(self._settings.deadline):
                while self._caller is None:
                    await self._take(await self._message())
        except TimeoutError:
            raise Closing(4408, "Connection initialisation timeout") from None
        while True:
            await self._take(await self._message())

    async def _message(self) -> dict[str, Any]:
        await self._pace.keep()
        event = await self._socket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code", 1005))
        most = self._settings.max_body
        return parsed(event.get("text"), most if self._caller else min(most, FIRST))

    async def _take(self, message: Mapping[str, Any]) -> None:
        match message.get("type"):
            case "connection_init":
                await self._initialise(message)
            case "ping":
                await self._send("pong", **payload(message))
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                task = self._operations.pop(identity(message), None)
                if task is not None:
                    task.cancel()
            case _:
                raise Closing(4400, "Invalid message: there is no such type")

    async def _initialise(self, message: Mapping[str, Any]) -> None:
        if self._caller is not None:
            raise Closing(4429, "Too many initialisation requests")
        header, sent = authorization(self._socket), token(payload(message).get("payload"))
        if None not in (header, sent) and header != sent:
            raise Closing(4403, "Forbidden: send one token, in the handshake or here")
        try:
            caller = self._handshake or await self._recognize(sent)
            self._counted.enter_context(self._execution.admission.kept(caller.application, Held.CONNECTIONS))
        except Refusal as refusal:
            raise closing_of(refusal) from None
        self._tasks.create_task(self._end_with_the_token(header or sent, caller))
        self._caller = caller
        self._nameless.close()
        await self._send("connection_ack")

    async def _recognize(self, sent: str | None) -> Caller:
        if (sent or "").lower().startswith("dpop "):
            raise Closing(4403, "Forbidden: a bound token comes in the handshake's headers, with its proof")
        return await self._authenticator.recognize(sent)

    async def _subscribe(self, message: Mapping[str, Any]) -> None:
        if self._caller is None:
            raise Closing(4401, "Unauthorized")
        name = identity(message)
        if name in self._operations:
            raise Closing(4409, f"Subscriber for {name} already exists")
        try:
            operation = operation_in(message.get("payload"))
            if len(self._operations) >= OPERATIONS:
                text = f"A connection may have {OPERATIONS} operations at work."
                raise Refusal(429, "TOO_MANY_OPERATIONS", text)
        except Refusal as refusal:
            if refusal.code == "BAD_REQUEST":
                raise Closing(4400, f"Invalid message: {refusal.message}") from None
            await self._send("error", id=name, payload=refused_errors(refusal))
            return
        working = self._operate(name, self._caller, operation)
        self._operations[name] = self._tasks.create_task(working)

    async def _operate(self, name: str, caller: Caller, operation: Operation) -> None:
        who = {"party": caller.party, "application": caller.application, "purpose": caller.purpose}
        with operation_logged(self._socket.scope["request_id"], who):
            await self._answer(name, caller, operation)

    async def _answer(self, name: str, caller: Caller, operation: Operation) -> None:
        request_id = self._socket.scope["request_id"]
        last: dict[str, Any] = {"type": "complete"}
        try:
            with self._execution.admission.ticket(caller.application) as ticket:
                async with self._execution.results(caller, operation, ticket) as results:
                    async for result in results:
                        await self._send("next", id=name, payload=execution_result(result, request_id))
        except (Closing, WebSocketDisconnect):
            raise
        except Refusal as refusal:
            last = {"type": "error", "payload": refused_errors(refusal)}
        except InvalidDocument as invalid:
            last = {"type": "error", "payload": invalid_errors(invalid)}
        except Exception as error:
            masked = disclosed(GraphQLError("", original_error=error), request_id)
            last = {"type": "error", "payload": [masked]}
        # Before it is said, for then the client may use the id again.
        if self._operations.get(name) is asyncio.current_task():
            del self._operations[name]
        await self._send(id=name, **last)

    async def _send(self, type: str, **members: Any) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._socket.send_text(orjson.dumps({"type": type, **members}).decode())
        except TimeoutError:
            raise Closing(1013, "Try again later: what was sent is not being read") from None
