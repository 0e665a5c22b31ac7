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
from gateway.endpoint.media_types import GRAPHQL_JSON, HTML, JSON, media_type
from gateway.errors import Refusal
from gateway.leaving import leaving

logger = logging.getLogger("gateway.endpoint")

_KNOWN = 1_000


class Shedding:
    """ASGI middleware around all else: refuses at once who was refused before, as long as there is still no room.

    Who that is it knows by the Authorization header, which was good when it was first refused. A request that is shed
    has no id and no line in the log; there is one line a second that counts them.
    """

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission
        self._known: dict[bytes, str] = {}
        self._shed: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"] != "/graphql" or scope["method"] == "OPTIONS":
            await self._app(scope, receive, send)
            return
        known = self._known and self._known.get(_authorization(scope))
        # Who leaves tells each client so, which is not done here.
        if known and not leaving.begun and (refusal := self._admission.refusal(known)) is not None:
            kind = _kind(scope)
            if kind != HTML:
                self._count(known)
                await refused_answer(refusal, kind)(scope, receive, send)
                return
        await self._app(scope, receive, send)
        ticket = scope.get(TICKET)
        if ticket is not None and ticket.turned_away:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[_authorization(scope)] = ticket.application

    def _count(self, application: str) -> None:
        if not self._shed:
            asyncio.get_running_loop().call_later(1, self._tell)
        self._shed[application] += 1

    def _tell(self) -> None:
        for application, requests in self._shed.items():
            logger.warning("shed", extra={"application": application, "requests": requests})
        self._shed.clear()


def _authorization(scope: Scope) -> bytes:
    return next((value for name, value in scope["headers"] if name == b"authorization"), b"")


def _kind(scope: Scope) -> str:
    """What the request would be answered as: whatever it accepts, it is shed."""
    try:
        kind = media_type(Request(scope))
    except Refusal:
        return JSON
    return kind if kind in (GRAPHQL_JSON, HTML) else JSON
