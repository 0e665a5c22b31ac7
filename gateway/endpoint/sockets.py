"""Sockets: WebSockets at `/graphql`, from the handshake to the close."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.endpoint.answers import refused_answer
from gateway.endpoint.callers import Authenticator, authorization
from gateway.endpoint.connections import PATIENCE, Connections, Crowded
from gateway.endpoint.conversations import PROTOCOL, Conversation
from gateway.endpoint.execution import Execution
from gateway.endpoint.media_types import JSON
from gateway.endpoint.messages import Closing
from gateway.errors import Refusal
from gateway.oauth.tokens import Caller
from gateway.settings import Settings

logger = logging.getLogger("gateway.endpoint.sockets")


class Sockets:
    """`/graphql` for WebSockets, as an ASGI application.

    As over HTTP, no cookie is read, so that a page of another site has no caller; and it gets no connection either.
    """

    def __init__(
        self,
        settings: Settings,
        authenticator: Authenticator,
        execution: Execution,
        connections: Connections,
    ) -> None:
        self._settings = settings
        self._authenticator = authenticator
        self._execution = execution
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold one connection; what is refused of its handshake is answered over HTTP."""
        socket = WebSocket(scope, receive, send)
        scope["request_id"] = uuid.uuid4().hex
        try:
            caller = await self._opened(socket)
            with self._connections.opened():
                await self._hold(socket, caller)
        except Refusal as refusal:
            await socket.send_denial_response(refused_answer(refusal, JSON))
        except WebSocketDisconnect:
            return

    async def _opened(self, socket: WebSocket) -> Caller | None:
        """The caller that the handshake's headers bring, if they do. Raises `Refusal`."""
        origin = socket.headers.get("origin")
        if origin is not None and origin != self._settings.origin:
            raise Refusal(403, "FORBIDDEN_ORIGIN", "No other origin's pages are let in.")
        sent = authorization(socket)
        if sent is None:
            return None
        return await self._authenticator.authenticate(sent, "GET", socket.headers.getlist("dpop"))

    async def _hold(self, socket: WebSocket, caller: Caller | None) -> None:
        if PROTOCOL not in socket.scope["subprotocols"]:
            # Said after the handshake, for a browser tells nobody of what was said in it.
            await socket.accept()
            await socket.close(4406, f"Subprotocol not acceptable: speak {PROTOCOL}")
            return
        await socket.accept(PROTOCOL)
        try:
            with contextlib.ExitStack() as nameless:
                nameless.enter_context(
                    self._connections.nameless(socket.client.host if socket.client else "")
                )
                conversation = Conversation(
                    socket,
                    self._settings,
                    self._authenticator,
                    self._execution,
                    self._connections,
                    caller,
                    nameless,
                )
                await conversation.hold()
        except Crowded:
            await self._close(socket, Closing(1013, "Try again later: too many connections wait for a token"))
        except Closing as closing:
            await self._close(socket, closing)
        except Exception:
            logger.exception("unhandled", extra={"request_id": socket.scope["request_id"]})
            await self._close(socket, Closing(1011, "The gateway failed"))

    async def _close(self, socket: WebSocket, closing: Closing) -> None:
        # One that does not read is not told.
        with contextlib.suppress(TimeoutError, WebSocketDisconnect):
            async with asyncio.timeout(PATIENCE):
                await socket.close(closing.code, closing.reason)
