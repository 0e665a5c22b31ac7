"""Callers: who sends a request, by its headers; and whether who opened a connection still may have it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from starlette.requests import HTTPConnection, Request

from gateway.errors import Refusal
from gateway.oauth.tokens import Caller
from gateway.telemetry.notes import note
from gateway.telemetry.tracing import phase

PAUSE = 0.5
"""Seconds between two looks at the token of a connection; what is revoked is read as often."""


class Authenticator(Protocol):
    """Knows callers by their tokens."""

    async def authenticate(
        self, authorization: str | None, method: str = "POST", proofs: Sequence[str] = (), path: str = ""
    ) -> Caller:
        """The caller behind an Authorization header and the proofs in DPoP headers, at a path below the endpoint.

        Raises `Refusal` (401).
        """

    async def recognize(self, authorization: str | None) -> Caller:
        """The same without a proof, for a connection that was opened with one. Raises `Refusal`."""


def authorization(request: HTTPConnection) -> str | None:
    """The Authorization header. Raises `Refusal` 400 where there are several (RFC 6750, 3.1)."""
    sent = request.headers.getlist("authorization")
    if len(sent) > 1:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_request"'}
        raise Refusal(400, "BAD_REQUEST", "Send one Authorization header.", challenge)
    return sent[0] if sent else None


async def sender(authenticator: Authenticator, request: Request, path: str = "") -> Caller:
    """The caller that a request's headers bring, of whom its line in the log tells too. Raises `Refusal`."""
    proofs = request.headers.getlist("dpop")
    with phase("authenticate"):
        caller = await authenticator.authenticate(authorization(request), request.method, proofs, path)
    note(party=caller.party, application=caller.application, purpose=caller.purpose)
    return caller


async def lapse(authenticator: Authenticator, sent: str | None, caller: Caller) -> Refusal:
    """Wait until a token that was good is so no more; the refusal it meets with then."""
    while True:
        await asyncio.sleep(min(PAUSE, max(0.01, caller.expires - time.time())))
        try:
            caller = await authenticator.recognize(sent)
        except Refusal as refusal:
            return refusal
