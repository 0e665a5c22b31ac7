"""Tokens of myTarget, of which one client may hold five, used or not.

So the whole process shares one. A token that has expired is refreshed, which replaces it and makes no further
one; whoever waits meanwhile takes the new one, for a second refresh would kill it. Processes that ended leave
theirs behind, unused: at the ceiling all are deleted, once, and whoever loses a live one that way asks for
another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.mailru.answers import CEILING, accept
from gateway.connector import Kind, PartnerError, Request, Upstream

_TOKEN = "/api/v2/oauth2/token.json"  # noqa: S105 - a path
_DELETE = "/api/v2/oauth2/token/delete.json"


@dataclass(frozen=True, slots=True)
class Token:
    """A pair as granted. The answer's other fields change types between versions; nothing rests on them."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)


class Tokens:
    """The one token of a client."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._token: Token | None = None

    async def current(self, upstream: Upstream) -> str:
        """The access token; the first caller fetches it, others wait for that."""
        async with self._lock:
            if self._token is None:
                self._token = await _granted(upstream)
            return self._token.access

    async def renewed(self, upstream: Upstream, refused: str, expired: bool) -> str:
        """An access token in place of one that was refused."""
        async with self._lock:
            if self._token is None or self._token.access == refused:
                stale, self._token = self._token, None
                self._token = await _renewed(upstream, stale if expired else None)
            return self._token.access


_TOKENS: dict[tuple[str, str], Tokens] = {}


def tokens(upstream: Upstream) -> Tokens:
    """The token of the client that the settings name, shared by all pulls of the process."""
    key = upstream.settings["url"], upstream.settings["client_id"]
    return _TOKENS.setdefault(key, Tokens())


async def _renewed(upstream: Upstream, expired: Token | None) -> Token:
    if expired is not None and expired.refresh is not None:
        try:
            return await _ask(upstream, {"grant_type": "refresh_token", "refresh_token": expired.refresh})
        except PartnerError as error:
            if error.kind is not Kind.AUTH:
                raise
    return await _granted(upstream)


async def _granted(upstream: Upstream) -> Token:
    try:
        return await _ask(upstream, {"grant_type": "client_credentials"})
    except PartnerError as error:
        if error.code != CEILING:
            raise
    await _post(upstream, _DELETE, {})
    return await _ask(upstream, {"grant_type": "client_credentials"})


async def _ask(upstream: Upstream, form: Mapping[str, str]) -> Token:
    answer = await _post(upstream, _TOKEN, form)
    access = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(access, str) or not access:
        raise PartnerError(Kind.DRIFT, "myTarget's token answer holds no token")
    refresh = answer.get("refresh_token")
    return Token(access, refresh if isinstance(refresh, str) else None)


async def _post(upstream: Upstream, path: str, form: Mapping[str, str]) -> Any:
    client = {name: upstream.settings[name] for name in ("client_id", "client_secret")}
    return await upstream.read(lambda: Request("POST", path, form={**form, **client}, name=path), accept)
