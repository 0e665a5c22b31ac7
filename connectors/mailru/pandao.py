"""Pandao's merchant protocol in the Wish-v2 shape.

Modelled, not documented: Pandao left no public description, and Joom v2 and other relatives share this shape.
The token is the parameter `access_token`; an answer is `{code, message, data, paging}`, and a code other than
0 is an error whatever the HTTP status. `paging.next` is an address with the token in it: it is neither
followed nor shown.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gateway.connector import Answer, Kind, PartnerError, Request, Upstream

PAGE = 500
"""Records in a call; the most that the shape allows."""

READINGS = 3
"""How often a page is read that holds fewer records than it should."""

_BAD_TOKEN = {1015, 1016, 1018}


class Page(NamedTuple):
    """A page of a list: its records, and whether others follow."""

    records: list[Any]
    more: bool


async def changed_records(upstream: Upstream, path: str, since: str | None, start: int) -> Page:
    """Up to `PAGE` records changed since a moment (UTC, no zone), oldest change first, from `start` on.

    A page that others follow is full; one that is not has records left out, or the partner gives fewer at a time.
    """
    query = {"access_token": upstream.settings["access_token"], "start": str(start), "limit": str(PAGE)}
    if since is not None:
        query["since"] = since
    found = Page([], False)
    for _ in range(READINGS):
        page = await upstream.read(lambda: Request("GET", path, query, name=path), accept)
        found = max(found, page, key=lambda each: (len(each.records), each.more))
        if not found.more or len(found.records) >= PAGE:
            break
    return found


def accept(answer: Answer) -> Page:
    """The page in an answer. Raises `PartnerError`, without the partner's text, which may hold anything."""
    if answer.status == 429:
        raise PartnerError(Kind.THROTTLED, "Pandao asks to wait", retry_after=_seconds(answer))
    if answer.status >= 500:
        raise PartnerError(Kind.TRANSIENT, f"Pandao failed (HTTP {answer.status})")
    envelope = answer.json()
    code = envelope.get("code") if isinstance(envelope, dict) else None
    if not isinstance(code, int):
        raise PartnerError(Kind.DRIFT, f"Pandao's answer (HTTP {answer.status}) is not its envelope")
    if code != 0:
        kind = Kind.AUTH if code in _BAD_TOKEN or answer.status in (401, 403) else Kind.BUSINESS
        raise PartnerError(kind, "Pandao refused the call", code=str(code))
    if not isinstance(envelope.get("data"), list):
        raise PartnerError(Kind.DRIFT, "Pandao's answer holds no list")
    data, paging = envelope["data"], envelope.get("paging")
    follows = isinstance(paging, dict) and bool(paging.get("next"))
    return Page(data, follows or len(data) >= PAGE)


def _seconds(answer: Answer) -> float | None:
    asked = answer.headers.get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdigit() else None
