"""Assertions as an application makes them, and as nobody should: any header, any claims, any signature."""

from __future__ import annotations

import base64
import hmac
import json
import time
import uuid
from functools import cache
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from gateway.oauth.assertions import ASSERTION_TYPE

ISSUER = "https://gateway.example/oauth"

Key = RSAKey | ECKey | OKPKey


@cache
def key(kind: str, kid: str | None = None, number: int = 0) -> Key:
    """A key pair of a kind, `RSA`, `EC` or `OKP`; the same each time, another for each number."""
    named = {"kid": kid} if kid else None
    if kind == "RSA":
        return RSAKey.generate_key(2048, named)
    if kind == "EC":
        return ECKey.generate_key("P-256", named)
    return OKPKey.generate_key("Ed25519", named)


def jwks(*keys: Key, **members: str) -> str:
    """Public keys as a JWK Set, each with further members."""
    return json.dumps({"keys": [{**each.as_dict(private=False), **members} for each in keys]})


def claims(id: str = "batch", **changed: Any) -> dict[str, Any]:
    """The claims of a good assertion; a member that is changed to None is left out."""
    now = int(time.time())
    good = {"iss": id, "sub": id, "aud": ISSUER, "jti": uuid.uuid4().hex, "iat": now, "exp": now + 60}
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def signed(header: Any, payload: Any, by: Key | bytes | None = None, algorithm: str | None = None) -> str:
    """A JWS of anything: what is no text is written as JSON, the algorithm may be another than the header says.

    Bytes are the key of an HMAC, and without a key there is no signature.
    """
    parts = [
        part.encode("utf-8", "surrogatepass") if isinstance(part, str) else json.dumps(part).encode()
        for part in (header, payload)
    ]
    message = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = b"" if by is None else _signature(message, by, algorithm or header["alg"])
    return (message + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def _signature(message: bytes, by: Key | bytes, algorithm: str) -> bytes:
    if isinstance(by, bytes):
        return hmac.digest(by, message, f"sha{algorithm[2:]}")
    return JWSRegistry.algorithms[algorithm].sign(message, by)


def form(assertion: str, **more: str) -> dict[str, str]:
    """The parameters that carry an assertion."""
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, **more}
