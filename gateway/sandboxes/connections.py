"""Connections: how a sandbox is served, so that it reaches the sockets that it is told to misuse."""

from __future__ import annotations

import asyncio
import socket
import struct

import uvicorn
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

KEY = "gateway.sandboxes.connection"
"""Where a call's connection stands among the extensions of its ASGI scope."""

_HANDSHAKE = b"\x16"
"""The first byte of TLS."""

_LINGER = struct.pack("ii", 1, 0)
"""Closing throws away what is unsent, and tells the peer by a reset."""


class Reachable(HttpToolsProtocol):
    """A connection over HTTP that the application reaches, and a place where a TLS handshake may stall."""

    _stalls = False

    def data_received(self, data: bytes) -> None:
        """Take what came; a handshake that is to stall is never answered."""
        if self._stalls:
            return
        if data.startswith(_HANDSHAKE) and self.cycle is None:
            seconds = getattr(self.app, "stalls", lambda: None)()
            if seconds is not None:
                self._stalls = True
                self.loop.call_later(seconds, self.transport.abort)
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["extensions"] = {KEY: {"transport": self.transport}}


def reachable(config: uvicorn.Config) -> uvicorn.Config:
    """The same configuration, for a sandbox that may be told to misbehave; its clock is its own."""
    config.http = Reachable
    config.date_header = False
    config.proxy_headers = False
    return config


def connection_of(scope: Scope) -> asyncio.Transport:
    """The connection of a call. Raises `ConnectionResetError` where the server shows none, which ends it as well."""
    found = scope.get("extensions", {}).get(KEY)
    if found is None:
        raise ConnectionResetError("the sandbox ends this connection")
    transport: asyncio.Transport = found["transport"]
    return transport


def reset(connection: asyncio.Transport) -> None:
    """End a connection by a reset."""
    connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    connection.abort()
