"""myTarget's API v2: calls behind its token; whole lists out of `{count, offset, limit, items}` pages."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from connectors.mailru.answers import accept
from connectors.mailru.tokens import access_token
from gateway.connector import Answer, Kind, PartnerError, Request, Upstream

T = TypeVar("T")

PAGE = 1000
WALKS = 5

NOTHING: Mapping[str, str] = {}

_NUMBER = re.compile(r"/[0-9]+(/|\.json)")
_GROUP = re.compile(r"/api/v[0-9]+/((?:remarketing/)?\w+)")
"""What a call is about, by which it is counted; which groups there are is published of user lists alone."""

_RENEWABLE = ("expired_token", "invalid_token")


async def read(
    upstream: Upstream, path: str, query: Mapping[str, str] = NOTHING, *, live: bool = False
) -> Any:
    """The answer to a GET. Where callers wait for it (`live`), those who ask the same at the same time share it."""
    key = (path, tuple(sorted(query.items()))) if live else None

    async def ask(token: str) -> Any:
        return await upstream.read(lambda: _request("GET", path, token, query=query), accept, key)

    return await _authorized(upstream, ask)


async def write(
    upstream: Upstream, path: str, body: bytes, content_type: str, accept: Callable[[Answer], T]
) -> T:
    """What `accept` makes of the answer to a POST, which is not repeated once myTarget may have done it."""

    async def ask(token: str) -> T:
        return await upstream.write(
            lambda: _request("POST", path, token, body=body, headers={"Content-Type": content_type}), accept
        )

    return await _authorized(upstream, ask)


async def _authorized(upstream: Upstream, ask: Callable[[str], Awaitable[T]]) -> T:
    """What a call gives; a token that was refused, which is before anything is done, is renewed once."""
    token = await _token(upstream)
    try:
        return await ask(token)
    except PartnerError as error:
        if error.code not in _RENEWABLE:
            raise
    return await ask(await _token(upstream, refused=token))


async def _token(upstream: Upstream, refused: str | None = None) -> str:
    """The token; where none is to be had, nothing was asked with it."""
    try:
        return await access_token(upstream, refused)
    except PartnerError as error:
        error.unheard = True
        raise


def _request(
    method: str,
    path: str,
    token: str,
    *,
    query: Mapping[str, str] = NOTHING,
    body: bytes | None = None,
    headers: Mapping[str, str] = NOTHING,
) -> Request:
    name = _NUMBER.sub(r"/{}\1", path)
    sent = {**headers, "Authorization": f"Bearer {token}"}
    about = _GROUP.match(path)
    group = f"{method} {about[1]}" if about else ""
    return Request(method, path, query, headers=sent, name=name, body=body, group=group)


async def whole_list(
    upstream: Upstream, path: str, key: str, query: Mapping[str, str] = NOTHING
) -> list[Any]:
    """All items of a list, read anew when it shifts between pages. `query` goes along with every page's place.

    Raises `PartnerError`: TRANSIENT when it does so each of `WALKS` times, DRIFT for an answer of another
    form.
    """
    for _ in range(WALKS):
        found = await _walk(upstream, path, key, query)
        if found is not None:
            return found
    raise PartnerError(Kind.TRANSIENT, f"the list {path} changed each time it was read")


async def _walk(upstream: Upstream, path: str, key: str, query: Mapping[str, str]) -> list[Any] | None:
    """All items, or None when a page does not begin with the last item of the one before it."""
    items, count = await _page(upstream, path, 0, query)
    while len(items) < count:
        more, count = await _page(upstream, path, max(len(items) - 1, 0), query)
        if len(more) < 2 or not items or more[0].get(key) != items[-1].get(key):
            return None
        items += more[1:]
    return items


async def _page(
    upstream: Upstream, path: str, offset: int, query: Mapping[str, str]
) -> tuple[list[dict[str, Any]], int]:
    page = await read(upstream, path, {**query, "limit": str(PAGE), "offset": str(offset)})
    if isinstance(page, dict):
        items, count = page.get("items"), page.get("count")
        if isinstance(items, list) and isinstance(count, int) and all(isinstance(i, dict) for i in items):
            return items, count
    raise PartnerError(Kind.DRIFT, f"the answer to {path} is not a page of a list")
