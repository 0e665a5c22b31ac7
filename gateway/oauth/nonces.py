"""Nonces: what the gateway gives to applications to put into their proofs, so that no proof is made long before."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest, digest
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.secrets import secret

SLOT = 60
"""Seconds after which another nonce is given out; one is taken for a slot longer, and one early from a faster clock."""


class Nonces:
    """Nonces that need no memory (RFC 9449, 8): each is the time, under a key that all workers share.

    `clock` gives seconds since the epoch.
    """

    def __init__(self, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock

    def current(self) -> str:
        """The nonce to give out now; nobody can tell the next one."""
        return self._nonce(self._slot())

    def accepts(self, nonce: str) -> bool:
        """Whether the nonce is one that was given out, and not long ago."""
        now, given = self._slot(), nonce.encode(errors="surrogatepass")
        return any(compare_digest(self._nonce(slot).encode(), given) for slot in (now, now - 1, now + 1))

    def offered(self, app: ASGIApp) -> Offering:
        """The application, with a nonce in each answer to who sent a proof; token service and resource share them."""
        return Offering(app, self)

    def _slot(self) -> int:
        return int(self._clock() // SLOT)

    def _nonce(self, slot: int) -> str:
        return urlsafe_b64encode(digest(self._key, b"nonce %d" % slot, "sha256")[:18]).decode()


@dataclass(frozen=True, slots=True)
class Offering:
    """An ASGI application around another: each answer to who sent a proof brings a nonce for the next one."""

    app: ASGIApp
    nonces: Nonces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def offer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["DPoP-Nonce"] = self.nonces.current()
            await send(message)

        proves = scope["type"] == "http" and "dpop" in Headers(scope=scope)
        await self.app(scope, receive, offer if proves else send)


def nonces(state: Path) -> Nonces:
    """Nonces under the key of a state folder, which is made at the first call."""
    return Nonces(secret(state / "nonces.key"))
