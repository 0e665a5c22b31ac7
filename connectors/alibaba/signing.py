"""Signatures of AliExpress's protocols, over the parameters as they are sent.

Documented by the partner: the string to sign is every parameter's name and value, sorted by name and joined
without any separator, as plain UTF-8 before URL-encoding; `sign` itself, files, and empty names or values
are left out. TOP signs with MD5 or HMAC-MD5 (`/router/rest`, until 2023), IOP with HMAC-SHA256. The
partner's pages write plain `sha256` and, once, `hmac_md5(md5(secret…secret))`; its own samples contradict
both.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

import orjson


def texts(parameters: Mapping[str, object]) -> dict[str, str]:
    """Parameters as the texts that are both sent and signed; None is left out.

    Booleans are the words `true` and `false`; objects and lists are one JSON text.
    """
    return {name: _text(value) for name, value in parameters.items() if value is not None}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (Mapping, list, tuple)):
        return orjson.dumps(value).decode()
    return str(value)


def joined(parameters: Mapping[str, str | bytes]) -> str:
    """The string to sign. Files are bytes, and not part of it."""
    return "".join(
        name + value
        for name, value in sorted(parameters.items())
        if name and name != "sign" and value and isinstance(value, str)
    )


def sign_md5(parameters: Mapping[str, str | bytes], secret: str) -> str:
    """TOP with `sign_method=md5`: MD5 of the string wrapped in the secret; 32 upper-case hex digits."""
    wrapped = (secret + joined(parameters) + secret).encode()
    return hashlib.md5(wrapped, usedforsecurity=False).hexdigest().upper()


def sign_hmac(parameters: Mapping[str, str | bytes], secret: str) -> str:
    """TOP with `sign_method=hmac`: HMAC-MD5 under the secret; 32 upper-case hex digits."""
    return hmac.new(secret.encode(), joined(parameters).encode(), hashlib.md5).hexdigest().upper()


def sign_sha256(parameters: Mapping[str, str | bytes], secret: str, path: str = "") -> str:
    """IOP: HMAC-SHA256 under the secret; 64 upper-case hex digits.

    `path` is the API's path on `/rest`, such as `/auth/token/create`, and stands before the string; a
    business method on `/sync` is a parameter like any other and has none.
    """
    return hmac.new(secret.encode(), (path + joined(parameters)).encode(), hashlib.sha256).hexdigest().upper()
