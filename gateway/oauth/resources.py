"""Resource indicators (RFC 8707): what a token is asked for, which can be the gateway's one resource."""

from __future__ import annotations

from collections.abc import Iterable

from authlib.oauth2.rfc6749 import OAuth2Error


class InvalidTarget(OAuth2Error):  # type: ignore[misc]
    """A token is asked for a resource that the token service does not serve (RFC 8707, 2)."""

    error = "invalid_target"


def check_resources(resources: Iterable[str], audience: str) -> None:
    """Hold a request to `audience`, however often it says it; without a word a token is for that too.

    It is compared as it is written. Raises `InvalidTarget`.
    """
    if any(resource != audience for resource in resources):
        raise InvalidTarget(f"The one resource that tokens are issued for is {audience}.")
