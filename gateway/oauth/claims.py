"""Claims of a JWT (RFC 7519, 4), read as what they must be. What is not raises `ValueError`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def text(claims: Mapping[str, Any], name: str) -> str:
    """A claim that is a text with something in it."""
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is not a text")
    # JSON can spell half a character, which no database takes.
    value.encode()
    return value


def moment(claims: Mapping[str, Any], name: str) -> float:
    """A claim that is a time, in seconds since the epoch."""
    value = claims.get(name)
    # The bounds also keep out infinity and what is not a number, at which nothing would ever expire.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**53:
        raise ValueError(f"{name} is not a moment")
    return value
