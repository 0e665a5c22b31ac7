"""Media types: what an answer may be written as, and which of them a request wants most (RFC 9110, 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from gateway.errors import Refusal

GRAPHQL_JSON = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"
EVENTS = "text/event-stream"

_QUALITY = re.compile(r";\s*q=([01](?:\.[0-9]{0,3})?)\s*(?:;|$)")


@lru_cache(maxsize=256)
def media_type(method: str, accept: str) -> str:
    """The media type to answer with: the one that an Accept header wants most of all there are. Raises `Refusal` 406.

    A browser gets the page; a wildcard means plain JSON, for who writes one may not know GraphQL's own type. A stream
    gets who wants nothing else as much, for some clients name it beside the others.
    """
    wanted = accepted(accept)
    anything = wanted.get("application/*", wanted.get("*/*", 0))
    offers = {JSON: wanted.get(JSON, anything), GRAPHQL_JSON: wanted.get(GRAPHQL_JSON, anything)}
    if GRAPHQL_JSON in wanted:
        offers = dict(reversed(offers.items()))
    if method in ("GET", "HEAD"):
        offers = {HTML: wanted.get(HTML, wanted.get("text/*", 0)), **offers}
    if method != "HEAD":
        offers[EVENTS] = wanted.get(EVENTS, 0)
    best = max(offers, key=lambda kind: offers[kind])
    if not offers[best]:
        raise Refusal(406, "NOT_ACCEPTABLE", f"Accept {GRAPHQL_JSON}, {JSON} or {EVENTS}.")
    return best


def accepted(header: str) -> Mapping[str, float]:
    """The media ranges of an Accept header, each with its quality; where it is empty, `*/*`."""
    found: dict[str, float] = {}
    for each in header.lower().split(","):
        name, separator, parameters = each.partition(";")
        quality = _QUALITY.search(separator + parameters)
        found[name.strip()] = float(quality[1]) if quality else 1.0
    found.pop("", None)
    return found or {"*/*": 1.0}
