"""Signatures: JWTs that others signed, taken apart and verified without heeding what they say of their own making."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderParameter

MAX_HEADER = 4096
"""Characters of a coded header: joserfc's own 512 leave no room for an RSA key in it."""

RSA_SIZES = range(2048, 8193)
"""Bits of an RSA key: fewer can be broken, more let a stranger order work."""

_FAMILIES: Mapping[str, tuple[str, str | None]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "Ed25519": ("OKP", "Ed25519"),
    "EdDSA": ("OKP", "Ed25519"),
    **{f"{scheme}{size}": ("RSA", None) for scheme in ("RS", "PS") for size in (256, 384, 512)},
}

ASYMMETRIC = tuple(_FAMILIES)
"""All algorithms that there are for somebody else's tokens: a secret shared with them would sign as well as they do."""

_KINDS: Mapping[str, tuple[type[ECKey] | type[OKPKey] | type[RSAKey], tuple[str, ...]]] = {
    "EC": (ECKey, ("crv", "x", "y")),
    "OKP": (OKPKey, ("crv", "x")),
    "RSA": (RSAKey, ("n", "e")),
}

_BAD = (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""What joserfc and cryptography raise over what a stranger wrote."""


class Registry(JWSRegistry):
    """The algorithms and header parameters that a kind of JWT may have; `strict` refuses all others."""

    default_header_registry: dict[str, HeaderParameter] = {}  # noqa: RUF012 - joserfc's own declaration
    max_header_length = MAX_HEADER

    def __init__(
        self, algorithms: Collection[str], members: Mapping[str, HeaderParameter], *, strict: bool = True
    ) -> None:
        super().__init__(dict(members), algorithms, strict)

    def get_alg(self, name: str) -> Any:
        """The algorithm of that name; EdDSA is the former one of Ed25519 (RFC 9864)."""
        if name not in (self.allowed or ()):
            raise ValueError("the algorithm is not allowed")
        return self.algorithms["Ed25519" if name == "EdDSA" else name]


class Jwt:
    """A JWT of which only the form has been checked: header and claims are not to be believed until `verify`.

    Raises `ValueError`, without a word of its content, for what is none or has another header than it may have.
    """

    def __init__(self, token: str, registry: Registry) -> None:
        self._registry = registry
        try:
            self._signed = jws.extract_compact(token.encode(), registry=registry)
            self.header: dict[str, Any] = self._signed.headers()
            registry.check_header(self.header)
            self.algorithm: str = self.header["alg"]
            registry.get_alg(self.algorithm)
            self.claims: dict[str, Any] = json.loads(self._signed.payload)
        except _BAD:
            raise ValueError("no JWT of this kind") from None
        if not isinstance(self.claims, dict):
            raise ValueError("no JWT of this kind")

    def verify(self, key: Key) -> bool:
        """Whether this key made the signature."""
        try:
            return jws.validate_compact(self._signed, key, registry=self._registry)
        except _BAD:
            return False


def claimed_issuer(token: str) -> str:
    """Who a token says has issued it, which says whose keys to look for and nothing more; empty for what is none."""
    try:
        issuer = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))["iss"]
    except (ValueError, IndexError, TypeError, KeyError, RecursionError):
        return ""
    return issuer if isinstance(issuer, str) else ""


def public_key(jwk: Any, algorithm: str) -> Key:
    """The key that a JWK is, for an algorithm of `ASYMMETRIC`: canonical, of good size, public and nothing else.

    Raises `ValueError` for any other.
    """
    kind, curve = _FAMILIES[algorithm]
    key_class, members = _KINDS[kind]
    try:
        if jwk["kty"] != kind or (curve and jwk["crv"] != curve):
            raise ValueError("a key of another kind")
        # Read without a word on its size, and written anew: a key has one thumbprint however its numbers were spelt.
        raw: Any = key_class.binding.import_from_dict({name: jwk[name] for name in members})
        key = key_class(raw, None)
        good = all(key[name] == jwk[name] for name in members) and (kind != "RSA" or _sound(key))
    except _BAD:
        raise ValueError("no key for the algorithm") from None
    if not good or jwk.keys() & {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}:
        raise ValueError("no key for the algorithm")
    return key


def fits(jwk: Mapping[str, Any], algorithm: str) -> bool:
    """Whether a published JWK says that it may verify this algorithm's signatures."""
    kind, curve = _FAMILIES[algorithm]
    same = ("Ed25519", "EdDSA") if curve == "Ed25519" else (algorithm,)
    return (
        jwk.get("kty") == kind
        and (curve is None or jwk.get("crv") == curve)
        and jwk.get("use", "sig") == "sig"
        and ("alg" not in jwk or jwk["alg"] in same)
    )


def _sound(key: Any) -> bool:
    numbers = key.public_key.public_numbers()
    return key.public_key.key_size in RSA_SIZES and 3 <= numbers.e < 2**32
