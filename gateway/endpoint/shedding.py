"""Shedding: a flood is refused before anything is done for it, so that the time is for those who are served."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.admission.admission import Admission
from gateway.admission.tickets import TICKET
from gateway.endpoint.answers import count_rejected, refusing
from gateway.endpoint.media_types import GRAPHQL_JSON, HTML, JSON, media_type
from gateway.errors import Refusal
from gateway.leaving import leaving

logger = logging.getLogger("gateway.endpoint")

RawHeaders = Sequence[tuple[bytes, bytes]]

FLOODS = "floods"
"""Where the state of the application's lifespan has its `Floods`, for the server to look at."""

_KNOWN = 1_000


class Shed(NamedTuple):
    """The answer to a request that is refused."""

    status: int
    headers: RawHeaders
    body: bytes


class Floods:
    """Who was refused before, and is as long as there is still no room.

    Who that is it knows by the Authorization header, which was good when it was first refused. A request that is shed
    has no id and no line in the log; there is one line a second that counts them.
    """

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._known: dict[bytes, str] = {}
        self._answers: dict[tuple[str, str], Shed] = {}
        self._counts: Counter[str] = Counter()

    def answer(self, method: str, headers: RawHeaders) -> Shed | None:
        """What a request for the endpoint is refused with, one of a flood; None for any other."""
        # Who leaves tells each client so, which is not done here.
        if not self._known or leaving.begun:
            return None
        known = self._known.get(_value(headers, b"authorization"))
        if known is None or (refusal := self._admission.refusal(known)) is None:
            return None
        kind = _kind(method, _value(headers, b"accept"))
        if kind == HTML:
            return None
        self._count(known)
        count_rejected(refusal.code)
        found = self._answers.get((kind, refusal.message))
        if found is None:
            found = self._answers[kind, refusal.message] = _written(refusal, kind)
        return found

    def note(self, headers: RawHeaders, application: str) -> None:
        """An application was turned away; what comes with the same header is from now on part of a flood."""
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[_value(headers, b"authorization")] = application

    def _count(self, application: str) -> None:
        if not self._counts:
            asyncio.get_running_loop().call_later(1, self._tell)
        self._counts[application] += 1

    def _tell(self) -> None:
        for application, requests in self._counts.items():
            logger.warning("shed", extra={"application": application, "requests": requests})
        self._counts.clear()
        # Their words have numbers in them, which the operator may have changed since.
        self._answers.clear()


class Shedding:
    """ASGI middleware around all else: refuses floods, and notes who was turned away."""

    def __init__(self, app: ASGIApp, floods: Floods) -> None:
        self._app = app
        self._floods = floods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"] != "/graphql" or scope["method"] == "OPTIONS":
            await self._app(scope, receive, send)
            return
        shed = self._floods.answer(scope["method"], scope["headers"])
        if shed is not None:
            await send({"type": "http.response.start", "status": shed.status, "headers": [*shed.headers]})
            await send({"type": "http.response.body", "body": shed.body})
            return
        await self._app(scope, receive, send)
        ticket = scope.get(TICKET)
        if ticket is not None and ticket.turned_away:
            self._floods.note(scope["headers"], ticket.application)


def _value(headers: RawHeaders, wanted: bytes) -> bytes:
    for name, value in headers:
        if name == wanted:
            return value
    return b""


def _kind(method: str, accept: bytes) -> str:
    """What a request would be answered as: whatever it accepts, it is shed."""
    try:
        kind = media_type(method, accept.decode("latin-1"))
    except Refusal:
        return JSON
    return kind if kind in (GRAPHQL_JSON, HTML) else JSON


def _written(refusal: Refusal, kind: str) -> Shed:
    response = refusing(refusal, kind)
    return Shed(response.status_code, response.raw_headers, bytes(response.body))
