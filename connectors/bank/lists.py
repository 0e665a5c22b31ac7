"""Lists: the bank's JSON, behind OAuth's client credentials, in pages with a cursor.

A pull begins at the moment to which the last one came, an hour back, and its cursor keeps the bank's own cursor for
the page behind; the bank forgets those after a while, and then the list is read from that moment on again.
"""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.connector import (
    Answer,
    Batch,
    Cursor,
    Kind,
    Part,
    PartnerError,
    Request,
    Token,
    Upstream,
    by_cursor,
    instant,
)

LIMIT = "200"
OVERLAP = timedelta(hours=1)
KINDS = {401: Kind.AUTH, 403: Kind.AUTH, 429: Kind.THROTTLED}
FORGOTTEN = "invalid_cursor"
EXPIRED = "invalid_token"


def accept(answer: Answer) -> dict[str, Any]:
    """A JSON object. Raises `PartnerError`, with the bank's code, for anything else."""
    body = answer.json() if answer.body else None
    if answer.status == 200 and isinstance(body, dict):
        return body
    code = body.get("error") if isinstance(body, dict) else None
    kind = KINDS.get(answer.status, Kind.TRANSIENT if answer.status >= 500 else Kind.BUSINESS)
    kind = Kind.DRIFT if answer.status == 200 else kind
    wait = answer.headers.get("retry-after", "")
    raise PartnerError(
        kind,
        f"the bank answered HTTP {answer.status}",
        code=code if isinstance(code, str) else str(answer.status),
        retry_after=float(wait) if wait.isascii() and wait.isdigit() else None,
    )


async def _granted(upstream: Upstream) -> Token:
    settings = upstream.settings
    pair = f"{settings['client_id']}:{settings['client_secret']}".encode()
    headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    form = {"grant_type": "client_credentials"}
    answer = await upstream.read(
        lambda: Request("POST", "/oauth2/token", form=form, headers=headers, name="token"), accept
    )
    access, life = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(access, str) or not access or type(life) is not int:
        raise PartnerError(Kind.DRIFT, "the bank's token answer holds no token with an end")
    now = time.time()
    return Token(access, expires_at=now + life, granted_at=now)


async def page(upstream: Upstream, path: str, since: str, cursor: str | None) -> Part:
    """One page of what changed since a moment; with another token where the bank takes this one no more."""
    query = {"limit": LIMIT, **({"cursor": cursor} if cursor else {}), **({"since": since} if since else {})}

    async def ask(refused: str | None = None) -> dict[str, Any]:
        token = await upstream.token("bank", _granted, None, refused)
        headers = {"Authorization": f"Bearer {token.access}"}
        try:
            return await upstream.read(
                lambda: Request("GET", path, query, headers=headers, name=path), accept
            )
        except PartnerError as error:
            if error.code != EXPIRED or refused is not None:
                raise
            return await ask(token.access)

    answer = await ask()
    items, behind = answer.get("items"), answer.get("next")
    if not isinstance(items, list) or not (behind is None or isinstance(behind, str)):
        raise PartnerError(Kind.DRIFT, f"{path} answers no page")
    return Part(items, behind)


async def pull(upstream: Upstream, path: str, cursor: Cursor) -> AsyncIterator[Batch]:
    """Everything in a list that changed since the last pull, page by page."""
    since, newest, behind = cursor.get("since", ""), cursor.get("newest", ""), cursor.get("page")
    try:
        first = await page(upstream, path, since, behind)
    except PartnerError as error:
        if error.code != FORGOTTEN:
            raise
        first = await page(upstream, path, since, None)

    async def fetch(at: str | None) -> Part:
        return first if at == behind else await page(upstream, path, since, at)

    async for found, following in by_cursor(fetch, _key, behind):
        newest = max([newest, *filter(None, map(_changed, found))])
        place = {"since": since, "newest": newest, "page": following}
        yield Batch(found, place if following else {"since": _back(newest)})


def _key(item: Any) -> Any:
    return (item.get("id"), item.get("updated_at")) if isinstance(item, dict) else id(item)


def _changed(item: Any) -> str | None:
    """When it changed, in UTC; None for a thing that does not say so."""
    try:
        return instant(datetime.fromisoformat(item["updated_at"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _back(newest: str) -> str:
    """Where the next pull begins; what changed at a time to come hides nothing of the present."""
    if not newest:
        return ""
    return instant(min(datetime.fromisoformat(newest), datetime.now(UTC)) - OVERLAP)
