"""HTTP as uvicorn reads it, but for a flood: that is refused as soon as the headers of a request have come.

What a server does until an application is called takes longer than all that shedding does after it; so much, that
refusing five times what can be served would take a third of the time there is.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.endpoint.shedding import FLOODS, Floods, Shed

_ANSWERED: Any = SimpleNamespace(response_complete=True, message_event=asyncio.Event())


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._floods: Floods | None = app_state.get(FLOODS)

    def on_headers_complete(self) -> None:
        """Answer the request, or have the application do so."""
        shed = self._shed()
        if shed is None:
            super().on_headers_complete()
            return
        # What comes of its body now is for an answer that is complete.
        self.cycle = _ANSWERED
        self.transport.write(self._written(shed))
        self.on_response_complete()

    def _shed(self) -> Shed | None:
        """What a request of a flood is answered, where nothing else is to be thought of."""
        plain = (
            self._floods is not None
            and self.url == b"/graphql"
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
            and (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
        )
        return self._floods.answer("POST", self.headers) if plain and self._floods else None

    def _written(self, shed: Shed) -> bytes:
        status = f"HTTP/1.1 {shed.status} {HTTPStatus(shed.status).phrase}\r\n".encode()
        headers = [*self.server_state.default_headers, *shed.headers]
        lines = [part for name, value in headers for part in (name, b": ", value, b"\r\n")]
        return b"".join([status, *lines, b"\r\n", shed.body])
