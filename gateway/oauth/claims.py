"""Claims of a JWT (RFC 7519, 4), read as what they must be. What is not raises `ValueError`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def text(claims: Mapping[str, Any], name: str) -> str:
    """A claim that is a text with something in it."""
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is not a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        # JSON can spell half a character, which no database takes; the error would repeat it.
        raise ValueError(f"{name} is not a text") from None
    return value


def moment(claims: Mapping[str, Any], name: str) -> float:
    """A claim that is a time, in seconds since the epoch."""
    value = claims.get(name)
    # The bounds also keep out infinity and what is not a number, at which nothing would ever expire.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**53:
        raise ValueError(f"{name} is not a moment")
    return value


def bound_key(claims: Mapping[str, Any]) -> str | None:
    """The thumbprint of the key that a token is bound to (RFC 9449, 6.1), None for a bearer token.

    Any other binding is an error too: one that cannot be checked may not be passed over.
    """
    if "cnf" not in claims:
        return None
    confirmation = claims["cnf"]
    if not isinstance(confirmation, dict) or confirmation.keys() != {"jkt"}:
        raise ValueError("cnf cannot be checked")
    return text(confirmation, "jkt")
