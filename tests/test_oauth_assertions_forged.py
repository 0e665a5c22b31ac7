"""private_key_jwt, forged: headers that ask for trust, signatures that are none, and JWTs made for something else."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.assertions import Key, claims, jwks, key, signed
from tests.proving import EC, ask, here, proves
from tests.test_oauth import World

__all__ = ["here"]


async def test_an_assertion_without_a_signature_proves_nothing(here: World) -> None:
    """CVE-2026-28802: `alg: none` is a JWT that anybody can write."""
    for algorithm in ("none", "None", "NONE", ""):
        assert not await proves(here, signed({"alg": algorithm}, claims()))
        assert not await proves(here, signed({"alg": algorithm}, claims(), key("EC"), "ES256"))
    assert not await proves(here, signed({}, claims(), key("EC"), "ES256"))
    assert not await proves(here, signed(EC, claims()))


@pytest.mark.parametrize("kind", ["EC", "RSA", "OKP"])
async def test_a_public_key_is_no_shared_secret(here: World, kind: str) -> None:
    """CVE-2024-37568: what is public, read as the key of an HMAC, would let anybody sign."""
    public = key(kind).as_pem(private=False)
    for secret in (public, public.strip(), jwks(key(kind)).encode()):
        for algorithm in ("HS256", "HS512"):
            assert not await proves(here, signed({"alg": algorithm}, claims(), secret))


async def test_the_hash_of_a_secret_signs_nothing(here: World) -> None:
    """The stored SHA-256 of `shop`'s secret, and the secret itself, are no keys."""
    known = here.secrets["shop"]
    for secret in (
        known.encode(),
        sha256(known.encode()).digest(),
        sha256(known.encode()).hexdigest().encode(),
    ):
        assert not await proves(here, signed({"alg": "HS256"}, claims("shop"), secret))


async def test_a_key_in_the_header_is_not_believed(here: World) -> None:
    """CVE-2026-27962: who brings the key to verify with has signed with it."""
    mine = key("EC", None, 9)
    public = mine.as_dict(private=False)
    brought: list[dict[str, Any]] = [
        {"jwk": public},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/certificate"},
        {"x5c": ["MIIB"]},
        {"jwk": public, "kid": mine.thumbprint()},
    ]
    for header in brought:
        assert not await proves(here, signed({"alg": "ES256", **header}, claims(), mine))
        # Nor does it pass beside a signature that is good without.
        assert not await proves(here, signed({"alg": "ES256", **header}, claims(), key("EC")))


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": False},
        {"crit": ["b64"], "b64": True},
        {"b64": False},
        {"crit": []},
        {"crit": "exp"},
        {"crit": ["nonsense"]},
        {"zip": "DEF"},
        {"enc": "A256GCM"},
        {"cty": "JWT"},
        {"kid": 5},
        {"kid": None},
        {"alg": ["ES256"]},
        {"alg": None},
        {"alg": {"a": 1}},
    ],
)
async def test_a_header_that_is_not_understood_is_refused(here: World, header: dict[str, Any]) -> None:
    """CVE-2025-59420 (`crit`), CVE-2026-48990 (`b64`): what is not understood may change what was signed."""
    assert not await proves(here, signed({"alg": "ES256", **header}, claims(), key("EC"), "ES256"))


@pytest.mark.parametrize(
    "typ", ["at+jwt", "dpop+jwt", "application/at+jwt", "logout+jwt", "JOSE", "", 5, None]
)
async def test_a_jwt_that_was_made_for_something_else_is_refused(here: World, typ: object) -> None:
    """RFC 8725, 3.11: a proof or a token, signed with the same key, is no authentication."""
    assert not await proves(here, signed({"alg": "ES256", "typ": typ}, claims(), key("EC")))


async def test_an_access_token_is_no_assertion(here: World) -> None:
    """What the service signed itself says nothing about who sends it."""
    token = (await here.ask()).json()["access_token"]
    assert not await proves(here, token)


@pytest.mark.parametrize(
    "algorithm", ["ES256K", "ES384", "ES512", "RS384", "RS512", "PS384", "PS512", "Ed448"]
)
async def test_other_algorithms_are_refused(here: World, algorithm: str) -> None:
    """A9: the metadata names those that are heard; with a key of the right type too."""
    curve = {"ES256K": "secp256k1", "ES384": "P-384", "ES512": "P-521"}.get(algorithm)
    by: Key = ECKey.generate_key(curve) if curve else key("OKP" if algorithm == "Ed448" else "RSA")
    assert not await proves(here, signed({"alg": algorithm}, claims(), by))


async def test_a_changed_assertion_is_refused(here: World) -> None:
    """One character more, less, or other, in any part."""
    good = signed(EC, claims(), key("EC"))
    header, payload, signature = good.split(".")
    other = signed(EC, claims("strict"), key("EC")).split(".")
    for bad in (
        f"{header}.{other[1]}.{signature}",
        f"{header}.{payload}.{signature[:-4]}",
        f"{header}.{payload}.",
        f"{header}..{signature}",
        f".{payload}.{signature}",
        f"{header}.{payload}",
        f"{good}.",
        f"{good}=",
        f"{good}.a.b",
        f" {good}",
        f"{good}\n",
        f"{header}.{payload}.{signature.swapcase()}",
    ):
        assert not await proves_or_unreadable(here, bad)


async def proves_or_unreadable(here: World, assertion: str) -> bool:
    """`proves` for what may not even have three parts."""
    return (await ask(here, assertion)).status_code == 200
