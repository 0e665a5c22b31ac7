"""Messages: what a client may say over a WebSocket, how fast, and how a connection ends over what it may not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.endpoint.operations import NESTED
from gateway.errors import Refusal

BURST = 100
"""Messages that a client may send in a row."""

EACH = 0.02
"""Seconds between any more of them; they are read no faster."""

FIRST = 16_384
"""Characters of a message whose sender is not known yet; a token and all around it fit well."""

_LONG = 255
"""Characters of an operation's id, which comes back with each of its results."""


class Closing(Exception):
    """The connection ends, with a code and a reason of 123 bytes at most (RFC 6455, 5.5)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason.encode()[:123].decode(errors="ignore")


def parsed(text: str | None, limit: int) -> dict[str, Any]:
    """A message of so many characters at most; `text` is None for one that is no text. Raises `Closing`."""
    if text is None:
        raise Closing(4400, "Invalid message: send text")
    if len(text) > limit:
        raise Closing(1009, "Message too big")
    if text.count("{") + text.count("[") > NESTED:
        raise Closing(4400, f"Invalid message: it may have {NESTED} objects and lists")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Closing(4400, "Invalid message: it is not JSON") from None
    if not isinstance(message, dict):
        raise Closing(4400, "Invalid message: it is no JSON object")
    return message


class Pace:
    """How fast messages are read: so many at once, and then no more than so many a second."""

    def __init__(self) -> None:
        self._due = 0.0

    async def keep(self) -> None:
        """Wait until the next one may be read."""
        now = asyncio.get_running_loop().time()
        self._due = max(self._due, now - BURST * EACH) + EACH
        if self._due > now:
            await asyncio.sleep(self._due - now)


def payload(message: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of a message, if it has one, as a member."""
    payload = message.get("payload")
    if payload is None:
        return {}
    if not isinstance(payload, dict):
        raise Closing(4400, "Invalid message: its payload is no object")
    return {"payload": payload}


def identity(message: Mapping[str, Any]) -> str:
    identity = message.get("id")
    if not isinstance(identity, str) or not 0 < len(identity) <= _LONG:
        raise Closing(4400, f"Invalid message: its id is no text of 1 to {_LONG} characters")
    return identity


def token(payload: Mapping[str, Any] | None) -> str | None:
    """What a client puts into `connection_init` in place of the header."""
    for name, value in (payload or {}).items():
        if name.lower() == "authorization":
            if not isinstance(value, str):
                raise Closing(4400, f"Invalid message: {name} is no text")
            return value
    return None


def closing_of(refusal: Refusal) -> Closing:
    """How a connection ends whose caller is refused.

    4403 lets clients come again, and those of `graphql-ws` fetch a new token for that; 4401 is for who speaks before
    it is known, and ends them for good.
    """
    if refusal.status in (429, 503):
        return Closing(1013, f"Try again later: {refusal.message}")
    return Closing(4403, f"Forbidden: {refusal.message}")
