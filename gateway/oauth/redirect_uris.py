"""Redirect URIs: where a browser may be sent back to with a code (RFC 6749, 3.1.2), as registered."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from gateway.errors import SettingsError

LOOPBACK = ("127.0.0.1", "::1", "localhost")

# The characters of RFC 3986 but "*", which some would read as a wildcard, and "#".
_URI = re.compile(r"https?://[A-Za-z0-9\-._~:/?@!$&'()+,;=%\[\]]{1,2000}")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def check_redirect_uri(uri: str) -> None:
    """Raise `SettingsError` unless this is one address, the same to all software, that only its owner listens on."""
    if not _URI.fullmatch(uri):
        raise _fault(uri, "must be https (or http on loopback), in plain characters, without * and fragment")
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _fault(uri, "has a host or a port that is none") from None
    if "@" in parts.netloc or "%" in parts.netloc:
        raise _fault(uri, "must not name a user, nor encode its host")
    if port == 0 or parts.netloc.endswith(":") or not (_NAME.fullmatch(host) or host == "::1"):
        raise _fault(uri, "has a host or a port that is none")
    if parts.netloc != parts.netloc.lower():
        raise _fault(uri, "must have its host in small letters")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise _fault(uri, "must be https, or http on 127.0.0.1, [::1] or localhost")
    if "%" in parts.path or {".", ".."} & set(parts.path.split("/")):
        raise _fault(uri, "must not encode its path, nor have dots for a segment of it")


def _fault(uri: str, reason: str) -> SettingsError:
    return SettingsError(f"the redirect URI {uri!a} {reason}")
