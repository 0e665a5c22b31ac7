"""Proofs of possession as a test makes them: good ones, and any other that carries a good signature all the same."""

from __future__ import annotations

import base64
import json
import time
import uuid
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

KEYS: dict[str, Key] = {
    "ES256": ECKey.generate_key("P-256"),
    "PS256": RSAKey.generate_key(2048),
    "Ed25519": OKPKey.generate_key("Ed25519"),
}
KEYS["EdDSA"] = KEYS["Ed25519"]
KEYS["RS256"] = KEYS["PS256"]
WEAK = RSAKey(generate_private_key(65537, 1024), None)
LARGE = RSAKey.generate_key(3072)
OTHER = ECKey.generate_key("P-256")


def coded(value: Any) -> str:
    """A value as a part of a JWT."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signed(header: Any, claims: Any, key: Key, algorithm: str | None = None) -> str:
    """A JWT of any header and payload with a good signature, whatever a library would say to them."""
    body = f"{coded(header)}.{coded(claims)}"
    name = algorithm or header["alg"]
    model = jws.JWSRegistry.algorithms["Ed25519" if name == "EdDSA" else name]
    return f"{body}.{coded(model.sign(body.encode(), key))}"


def header(algorithm: str = "ES256", key: Key | None = None) -> dict[str, Any]:
    """The header of a proof."""
    public = (key or KEYS[algorithm]).as_dict(private=False)
    members = {name: public[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in public}
    return {"typ": "dpop+jwt", "alg": algorithm, "jwk": members}


def claims(address: str, token: str | None = None, **other: Any) -> dict[str, Any]:
    """The claims of a proof for a POST to an address; `other` replaces some, with None takes one away."""
    found: dict[str, Any] = {"jti": uuid.uuid4().hex, "htm": "POST", "htu": address, "iat": int(time.time())}
    if token is not None:
        found["ath"] = coded(sha256(token.encode()).digest())
    return {name: value for name, value in {**found, **other}.items() if value is not None}


def proof(address: str, token: str | None = None, algorithm: str = "ES256", **other: Any) -> str:
    """A good proof, but for what `other` replaces in its claims."""
    return signed(header(algorithm), claims(address, token, **other), KEYS[algorithm])


def thumbprint(algorithm: str = "ES256") -> str:
    """What a token is bound to by this algorithm's key."""
    return KEYS[algorithm].thumbprint()
