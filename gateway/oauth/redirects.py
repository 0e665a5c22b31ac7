"""Redirects: where a browser may be sent back to, and the address it is sent to with an answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode, urlsplit

from gateway.errors import SettingsError

# Only the addresses themselves: `localhost` may be anybody's (RFC 8252, 8.3).
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?((?:[/?].*)?)", re.DOTALL)

_HOST = re.compile(r"[A-Za-z0-9.:-]+")


# The characters of RFC 3986 but "*", which some would read as a wildcard, and "#".
_PLAIN = re.compile(r"https?://[A-Za-z0-9\-._~:/?@!$&'()+,;=%\[\]]{1,2000}")

_PLACE = re.compile(r"([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[::1\])(?::([1-9][0-9]{0,4}))?")


def check_redirect_uri(uri: str) -> None:
    """Raise `SettingsError` unless this is one address, the same to all software, that only its owner listens on."""
    if not _PLAIN.fullmatch(uri):
        raise _fault(uri, "must be https (or http on loopback), in plain characters, without * and fragment")
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise _fault(uri, "has no host") from None
    place = _PLACE.fullmatch(parts.netloc)
    if place is None or int(place[2] or 1) > 65535:
        raise _fault(uri, "must name a host in small letters, at most with a port, and no user")
    if parts.scheme == "http" and place[1] not in ("127.0.0.1", "[::1]", "localhost"):
        raise _fault(uri, "must be https, or http on 127.0.0.1, [::1] or localhost")
    if "%" in parts.path or {".", ".."} & set(parts.path.split("/")):
        raise _fault(uri, "must not encode its path, nor have dots for a segment of it")


def _fault(uri: str, reason: str) -> SettingsError:
    return SettingsError(f"the redirect URI {uri!a} {reason}")


def registered(sent: str, known: Iterable[str], native: bool) -> bool:
    """Whether `sent` is one of the `known` addresses, character by character (RFC 9700, 2.1).

    Only the port of a loopback address is free where the application is a `native` one (RFC 8252, 7.3): it takes the
    port it gets.
    """
    known = set(known)
    if sent in known:
        return sent.isascii()
    return native and (wanted := _portless(sent)) is not None and wanted in map(_portless, known)


def _portless(address: str) -> tuple[str, ...] | None:
    found = _LOOPBACK.fullmatch(address)
    return found and found.groups()


def answered(address: str, parameters: Mapping[str, str | None]) -> str:
    """The address with these parameters behind those it has; what is None is left out."""
    sent = urlencode({name: value for name, value in parameters.items() if value is not None})
    separator = "" if address.endswith(("?", "&")) else "&" if "?" in address else "?"
    return f"{address}{separator}{sent}"


def target(address: str) -> str:
    """The source expression of CSP that lets a form be answered with a redirect there."""
    parts = urlsplit(address)
    # A policy has no form for an address of IPv6, nor for that of an application on the device.
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc):
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"
