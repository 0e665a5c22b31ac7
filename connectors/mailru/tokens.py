"""Tokens of myTarget, of which one client may hold five, used or not.

So all workers and syncs share one, which the gateway's token store keeps. A token that has expired is refreshed, which
replaces it and makes no further one; where its refresh token was deleted too (unused for a month), a new one is asked
for. Installations that are gone leave theirs behind: at the ceiling all are deleted, once, and whoever loses a live one
that way asks for another. Documented: target.my.com, "API authorization".
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from connectors.mailru.answers import CEILING, accept
from gateway.connector import Kind, PartnerError, Request, Token, Upstream

_TOKEN = "/api/v2/oauth2/token.json"  # noqa: S105 - a path
_DELETE = "/api/v2/oauth2/token/delete.json"


async def access_token(upstream: Upstream, refused: str | None = None) -> str:
    """The access token of the client that the settings name; another one than a `refused` one."""
    found = await upstream.token("mytarget", _acquired, _refreshed, refused)
    return found.access


async def _acquired(upstream: Upstream) -> Token:
    try:
        return await _ask(upstream, {"grant_type": "client_credentials"})
    except PartnerError as error:
        if error.code != CEILING:
            raise
    await _post(upstream, _DELETE, {})
    return await _ask(upstream, {"grant_type": "client_credentials"})


async def _refreshed(upstream: Upstream, stale: Token) -> Token:
    return await _ask(upstream, {"grant_type": "refresh_token", "refresh_token": stale.refresh or ""})


async def _ask(upstream: Upstream, form: Mapping[str, str]) -> Token:
    answer = await _post(upstream, _TOKEN, form)
    access = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(access, str) or not access:
        raise PartnerError(Kind.DRIFT, "myTarget's token answer holds no token")
    refresh, now = answer.get("refresh_token"), time.time()
    return Token(access, refresh if isinstance(refresh, str) else None, _end(answer, now), now)


def _end(answer: Mapping[str, Any], now: float) -> float | None:
    """When it ends; its life comes as a number or as a text with one."""
    life = answer.get("expires_in")
    if isinstance(life, str) and life.isascii() and life.isdigit() and len(life) < 12:
        life = int(life)
    return now + life if type(life) is int else None


async def _post(upstream: Upstream, path: str, form: Mapping[str, str]) -> Any:
    client = {name: upstream.settings[name] for name in ("client_id", "client_secret")}
    return await upstream.read(lambda: Request("POST", path, form={**form, **client}, name=path), accept)
