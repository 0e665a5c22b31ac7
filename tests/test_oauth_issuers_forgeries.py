"""Forged tokens of outside issuers: whatever the JOSE of one tries, it is refused, and never with a 5xx."""

from __future__ import annotations

import hmac
import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from tests.door import Lines, log
from tests.idp import Idp, _provider, accepted, idp, refused, trust
from tests.proofs import KEYS, coded, signed

__all__ = ["_provider", "idp", "log"]

FOREIGN = ECKey.generate_key("P-256")


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "", "HS256", "ES384", "PS256", "RS256", "EdDSA", "x", 1, ["ES256"]]
)
async def test_an_algorithm_that_the_operator_did_not_name_is_refused(idp: Idp, algorithm: Any) -> None:
    """A5, A9: also one that the issuer's key could do."""
    sent = signed({**idp.header(), "alg": algorithm}, idp.claims(), idp.keys["one"], "ES256")
    await refused(sent, trust(idp))
    await refused(sent.rpartition(".")[0] + ".", trust(idp))


async def test_the_published_key_is_no_shared_secret(idp: Idp) -> None:
    """A5, CVE-2024-37568: HS256 with what everybody can read; and a secret in the key set is no key."""
    body = f"{coded({**idp.header(), 'alg': 'HS256'})}.{coded(idp.claims())}"
    for secret in (
        idp.keys["one"].as_pem(),
        json.dumps(idp.keys["one"].as_dict(private=False)).encode(),
        b"",
    ):
        await refused(f"{body}.{coded(hmac.digest(secret, body.encode(), 'sha256'))}", trust(idp))
    idp.key_set = {"keys": [{"kty": "oct", "k": coded(b"x" * 32), "kid": "one", "alg": "HS256"}]}
    await refused(f"{body}.{coded(hmac.digest(b'x' * 32, body.encode(), 'sha256'))}", trust(idp))


EXTRA: list[dict[str, Any]] = [
    *(
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": ["kid"]},
        {"crit": 1},
        {"crit": ["b64"], "b64": True},
    ),
    *({"b64": False}, {"b64": True}, {"jku": "https://evil.example"}, {"x5u": "https://evil.example"}),
    *({"x5c": ["MII"]}, {"zip": "DEF"}, {"enc": "A256GCM"}, {"jwk": FOREIGN.as_dict(private=False)}),
]


@pytest.mark.parametrize("extra", EXTRA, ids=lambda extra: "-".join(extra))
async def test_a_token_brings_no_instructions_for_its_verification(idp: Idp, extra: dict[str, Any]) -> None:
    """A5: with the issuer's own signature and with a forger's."""
    await refused(signed({**idp.header(), **extra}, idp.claims(), idp.keys["one"]), trust(idp))
    await refused(signed({**idp.header(), **extra}, idp.claims(), FOREIGN), trust(idp))


async def test_a_header_may_hold_what_does_no_harm(idp: Idp) -> None:
    """RFC 7515, 4: what is not understood is passed over; real issuers write thumbprints and their own there."""
    header = {**idp.header(), "x5t": "x", "x5t#S256": "x", "cty": "JWT", "pi.atm": "1"}
    assert await accepted(signed(header, idp.claims(), idp.keys["one"]), trust(idp))


@pytest.mark.parametrize("typ", [None, "", "JWT", "dpop+jwt", "logout+jwt", 1, ["at+jwt"]])
async def test_another_kind_of_jwt_is_no_access_token(idp: Idp, typ: Any) -> None:
    """A5: an ID token or an assertion of the same issuer."""
    await refused(signed(idp.header(typ=typ), idp.claims(), idp.keys["one"]), trust(idp))


async def test_an_issuer_that_does_not_mark_access_tokens_is_an_exception(idp: Idp, log: Lines) -> None:
    """As Keycloak is; the operator says so and is warned, and the kinds that are marked otherwise stay out."""
    at = trust(idp, type="JWT")
    for typ in ("JWT", None, "at+jwt", "application/at+jwt"):
        assert await accepted(signed(idp.header(typ=typ), idp.claims(), idp.keys["one"]), at)
    for typ in ("dpop+jwt", "logout+jwt", "", 1):
        await refused(signed(idp.header(typ=typ), idp.claims(), idp.keys["one"]), at)
    assert any('"WARNING"' in line and '"keycloak"' in line for line in log.lines)


@pytest.mark.parametrize("key", [FOREIGN, KEYS["Ed25519"], KEYS["PS256"]], ids=["EC", "OKP", "RSA"])
async def test_a_key_that_is_not_the_issuers_signs_nothing(idp: Idp, key: Any) -> None:
    algorithm = {"EC": "ES256", "OKP": "Ed25519", "RSA": "PS256"}[key.key_type]
    at = trust(idp, algorithms=("ES256", "Ed25519", "PS256"))
    await refused(signed(idp.header(alg=algorithm), idp.claims(), key), at)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "Ed25519", "EdDSA", "ES384", "ES512", "RS512"])
async def test_issuers_sign_with_what_they_have(idp: Idp, algorithm: str) -> None:
    """Keycloak's RS256 too, where the operator names it."""
    kinds = {"E": KEYS["Ed25519"], "R": RSAKey.generate_key(2048), "P": KEYS["PS256"]}
    key = kinds[algorithm[0]]
    if algorithm.startswith("ES"):
        key = ECKey.generate_key({"ES384": "P-384", "ES512": "P-521"}[algorithm])
    idp.keys = {"one": key}
    assert await accepted(
        signed(idp.header(alg=algorithm), idp.claims(), key), trust(idp, algorithms=(algorithm,))
    )


@pytest.mark.parametrize(
    "odd", [{"alg": ["ES256"]}, {"alg": None}, {"use": ["sig"]}, {"crv": {}}, {"kty": []}]
)
async def test_an_odd_key_beside_a_good_one_costs_nothing(idp: Idp, odd: dict[str, Any]) -> None:
    """What an issuer publishes that cannot be used is passed over, and its other keys verify."""
    [(kid, key)] = idp.keys.items()
    good = {**key.as_dict(private=False), "kid": kid}
    idp.key_set = {"keys": [{**good, **odd}, good]}
    assert await accepted(signed(idp.header(), idp.claims(), key), trust(idp))


GARBAGE = [
    "x",
    "..",
    "a.b.c",
    "null.null.null",
    "e30.e30.",
    "W10.W10.W10",
    f"{coded({'alg': 'ES256'})}.{coded(b'[' * 5000)}.x",
]


@pytest.mark.parametrize("sent", GARBAGE, ids=range(len(GARBAGE)))
async def test_garbage_is_an_invalid_token(idp: Idp, sent: str) -> None:
    await refused(sent, trust(idp))
    for header in (["alg"], 7, None, "alg", {}, {"alg": None}):
        await refused(f"{coded(header)}.{coded(idp.claims())}.c2ln", trust(idp))


async def test_the_log_says_whose_token_failed_and_why_without_the_token(idp: Idp, log: Lines) -> None:
    """At three in the morning the operator needs the reason; the log's readers must not get the token."""
    sent = idp.token(org="canary-of-a-claim", sub="canary-of-a-person")
    await refused(sent, trust(idp))
    [line] = [json.loads(line) for line in log.lines if "token refused" in line]
    assert (line["issuer"], line["reason"]) == ("keycloak", "the party is not one in the settings")
    assert not any("canary" in line or sent.split(".")[1] in line for line in log.lines)
