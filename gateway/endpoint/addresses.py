"""Operations in an address: the parameters of a GET, as GraphQL over HTTP has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from gateway.endpoint.identifiers import NAMES
from gateway.errors import Refusal

MAX_ADDRESS = 16_384
"""Bytes that the parameters may have; longer operations are for POST."""

_TEXTS, _JSON = ("query", "operationName", *NAMES), ("variables", "extensions")


def parameters(request: Request) -> Mapping[str, Any]:
    """The members of a request that its address has, as a POST's body would have them.

    Raises `Refusal` 414, and 400 for what is no text, no JSON, or there twice (two readers could take it for two
    requests).
    """
    found: dict[str, Any] = {}
    for name, value in _pairs(request.scope["query_string"]):
        if name in found:
            raise Refusal(400, "BAD_REQUEST", f"`{name}` is in the address twice.")
        if name in _TEXTS:
            found[name] = value
        elif name in _JSON:
            found[name] = _value(name, value)
    # An empty name is none (GraphQL over HTTP, "GET"): forms send one.
    found["operationName"] = found.get("operationName") or None
    return found


def _pairs(query: bytes) -> list[tuple[str, str]]:
    if len(query) > MAX_ADDRESS:
        message = f"The address may have {MAX_ADDRESS} bytes of parameters; send longer operations with POST."
        raise Refusal(414, "URI_TOO_LONG", message)
    try:
        return parse_qsl(query.decode(), keep_blank_values=True, errors="strict")
    except ValueError:
        raise Refusal(400, "BAD_REQUEST", "The address is not UTF-8.") from None


def _value(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Refusal(400, "BAD_REQUEST", f"`{name}` is not JSON.") from None
