"""Public keys: those by which an application's assertions are verified, as it registered them."""

from __future__ import annotations

import json
import secrets
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from joserfc.errors import InvalidKeyTypeError, JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.errors import SettingsError

TYPE_OF: Mapping[str, str] = {
    "RS256": "RSA",
    "PS256": "RSA",
    "ES256": "EC",
    "Ed25519": "OKP",
    "EdDSA": "OKP",
}
"""Each algorithm that may sign an assertion, with the type of its key. EdDSA is Ed25519's older name (RFC 9864)."""

MAX_KEYS = 4
"""Keys of one application, and so the most that are tried for an assertion that names none."""

MIN_RSA = 2048
MAX_RSA = 4096

PublicKey = RSAKey | ECKey | OKPKey

_KINDS: Mapping[str, type[PublicKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_CURVES = {"EC": "P-256", "OKP": "Ed25519"}
_MEMBERS = ("kty", "n", "e", "crv", "x", "y", "kid", "alg", "use")
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def read_keys(content: bytes) -> str:
    """The JWK Set (RFC 7517) to store for a file that holds one, a single JWK, or one key or certificate in PEM.

    Raises `SettingsError` with the reason, and never with what stands in the file.
    """
    try:
        entries = _entries(content)
        found = [_public(entry) for entry in entries]
    except (ValueError, TypeError, KeyError, AttributeError, JoseError, RecursionError):
        raise SettingsError("the file holds neither a JWK Set, a JWK, nor a public key in PEM") from None
    if not 1 <= len(found) <= MAX_KEYS:
        raise SettingsError(f"an application has 1 to {MAX_KEYS} public keys, the file has {len(found)}")
    return json.dumps({"keys": found})


@lru_cache(maxsize=256)
def keys_of(jwks: str | None) -> tuple[PublicKey, ...]:
    """The keys of a stored JWK Set, none of an application without."""
    entries = json.loads(jwks)["keys"] if jwks else ()
    return tuple(_KINDS[entry["kty"]].import_key(entry) for entry in entries)


def fitting(jwks: str | None, algorithm: str, kid: str | None) -> tuple[PublicKey, ...]:
    """The keys that may have made a signature by `algorithm`, under this key id where one is given.

    An id is no proof and may be held twice (RFC 7517, 4.5), so type and algorithm count too. A key registered without
    an id fits any. Keys that nobody holds fill up to `MAX_KEYS`: the work must not say how many there are, if any.
    """
    kind = TYPE_OF[algorithm]
    named = "Ed25519" if algorithm == "EdDSA" else algorithm
    found = tuple(
        key
        for key in keys_of(jwks)
        if key.key_type == kind
        and (kid is None or key.kid in (None, kid))
        and (key.alg is None or key.alg == named)
    )
    return found + (_NOBODYS[kind],) * (MAX_KEYS - len(found))


def _entries(content: bytes) -> list[dict[str, Any]]:
    if content.lstrip().startswith(b"{"):
        document = json.loads(content)
        return list(document["keys"]) if "keys" in document else [document]
    for kind in _KINDS.values():
        try:
            key = _imported(kind, content)
        except InvalidKeyTypeError:
            continue
        return [dict(key.as_dict(private=key.is_private))]
    raise ValueError


def _public(entry: dict[str, Any]) -> dict[str, str]:
    """A key with no more than what verifies. Raises `SettingsError` for one that is not for that."""
    if _PRIVATE & entry.keys():
        raise SettingsError("the file holds a private key; give the public one, and show nobody that one")
    if entry["kty"] not in _KINDS or entry.get("crv") != _CURVES.get(entry["kty"]):
        raise SettingsError("a public key must be RSA, EC on P-256, or OKP on Ed25519")
    if entry.get("use", "sig") != "sig" or "verify" not in entry.get("key_ops", ["verify"]):
        raise SettingsError("a public key must be one that verifies signatures")
    kept = {name: entry[name] for name in _MEMBERS if name in entry}
    if "alg" in kept:
        if TYPE_OF.get(kept["alg"]) != kept["kty"]:
            raise SettingsError(f"a public key must be for one of {', '.join(TYPE_OF)}")
        kept["alg"] = "Ed25519" if kept["alg"] == "EdDSA" else kept["alg"]
    key = _imported(_KINDS[kept["kty"]], kept)
    if isinstance(key, RSAKey) and not MIN_RSA <= key.public_key.key_size <= MAX_RSA:
        raise SettingsError(f"an RSA key must have {MIN_RSA} to {MAX_RSA} bits")
    return kept


def _imported(kind: type[PublicKey], value: Any) -> PublicKey:
    with warnings.catch_warnings():
        # joserfc only warns of a short RSA key; here it is refused.
        warnings.simplefilter("ignore", SecurityWarning)
        return kind.import_key(value)


def _nobodys_rsa() -> RSAKey:
    """To verify by a number that is no product of two known primes takes as long as by any other."""
    modulus = secrets.randbits(MIN_RSA) | 1 << (MIN_RSA - 1) | 1
    return RSAKey.import_key(RSAPublicNumbers(65537, modulus).public_key())


_NOBODYS: Mapping[str, PublicKey] = {
    "RSA": _nobodys_rsa(),
    "EC": ECKey.generate_key("P-256", private=False),
    "OKP": OKPKey.generate_key("Ed25519", private=False),
}
