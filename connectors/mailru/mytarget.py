"""myTarget's API v2: reading behind its token; whole lists out of `{count, offset, limit, items}` pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.mailru.answers import accept
from connectors.mailru.tokens import tokens
from gateway.connector import Kind, PartnerError, Request, Upstream

PAGE = 1000
WALKS = 5

NOTHING: Mapping[str, str] = {}

_NUMBER = re.compile(r"/[0-9]+/")

_RENEWABLE = ("expired_token", "invalid_token")


async def read(upstream: Upstream, path: str, query: Mapping[str, str]) -> Any:
    """The answer to a GET. A token that was refused is renewed, once."""
    held = tokens(upstream)
    token = await held.current(upstream)
    try:
        return await _read(upstream, path, query, token)
    except PartnerError as error:
        if error.code not in _RENEWABLE:
            raise
        token = await held.renewed(upstream, token, expired=error.code == "expired_token")
    return await _read(upstream, path, query, token)


async def _read(upstream: Upstream, path: str, query: Mapping[str, str], token: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    name = _NUMBER.sub("/{}/", path)
    return await upstream.read(lambda: Request("GET", path, query, headers=headers, name=name), accept)


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
