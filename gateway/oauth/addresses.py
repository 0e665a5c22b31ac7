"""Addresses: whether two URIs are the same one, however they are written (RFC 3986, 6.2)."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

_PORTS = {"https": ":443", "http": ":80"}
_CODED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


def normalised(address: str) -> str | None:
    """An address without query and fragment in its one normal form; None for what is no http(s) address."""
    # Python would drop tabs and line ends from within an address, and make one of what is none.
    if not re.fullmatch(r"[!-~]+", address) or re.search(r"%(?![0-9A-Fa-f]{2})", address):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    scheme, host = parts.scheme.lower(), _host(parts)
    if scheme not in _PORTS or not host:
        return None
    return f"{scheme}://{host}{_path(parts.path)}"


def _host(parts: SplitResult) -> str:
    host = parts.netloc.lower().removesuffix(_PORTS.get(parts.scheme.lower(), ""))
    return host.removesuffix(":")


def _path(path: str) -> str:
    kept: list[str] = []
    segments = _CODED.sub(_plain, path).removeprefix("/").split("/")
    if segments[-1] in (".", ".."):
        segments.append("")
    for segment in segments:
        if segment == "..":
            kept[-1:] = []
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept)


def _plain(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if _UNRESERVED.fullmatch(character) else found[0].upper()
