"""Shedding: a flood is refused before anything is done for it, so that the time is for those who are served."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.admission.admission import Admission
from gateway.admission.tickets import TICKET
from gateway.endpoint.answers import refused_answer
from gateway.endpoint.media_types import media_type
from gateway.leaving import leaving

logger = logging.getLogger("gateway.endpoint")

_KNOWN = 1_000

_Key = tuple[bytes | None, bytes | None]


class Shedding:
    """ASGI middleware around all else: refuses at once who was refused before, as long as there is still no room.

    Who that is it knows by the Authorization header, which was good when it was first refused. A request that is shed
    has no id and no line in the log; there is one line a second that counts them.
    """

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission
        self._known: dict[_Key, tuple[str, str]] = {}
        self._shed: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"] != "/graphql" or scope["method"] == "OPTIONS":
            await self._app(scope, receive, send)
            return
        key = _key(scope)
        known = self._known.get(key)
        # Who leaves tells each client so, which is not done here.
        if known and not leaving.begun and (refusal := self._admission.refusal(known[0])) is not None:
            self._count(known[0])
            await refused_answer(refusal, known[1])(scope, receive, send)
            return
        await self._app(scope, receive, send)
        ticket = scope.get(TICKET)
        if ticket is not None and ticket.turned_away:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[key] = ticket.application, media_type(Request(scope))

    def _count(self, application: str) -> None:
        if not self._shed:
            asyncio.get_running_loop().call_later(1, self._tell)
        self._shed[application] += 1

    def _tell(self) -> None:
        for application, requests in self._shed.items():
            logger.warning("shed", extra={"application": application, "requests": requests})
        self._shed.clear()


def _key(scope: Scope) -> _Key:
    authorization = accept = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value
        elif name == b"accept":
            accept = value
    return authorization, accept
