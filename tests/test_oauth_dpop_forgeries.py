"""Forged proofs: whatever the JOSE of one tries, it is refused, and never with a 5xx."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc.jwk import OctKey

from gateway.oauth.dpop import MAX_PROOF
from tests.proofs import KEYS, OTHER, WEAK, claims, header, proof, signed
from tests.shop import GRAPHQL, TOKEN, Shop, refused, shop

__all__ = ["shop"]


@pytest.mark.parametrize(
    "algorithm",
    ["none", "None", "", "HS256", "ES384", "ES256K", "RS256", "PS384", "Ed448", "x", None, 1, ["ES256"]],
)
def test_an_algorithm_that_is_not_advertised_is_refused(shop: Shop, algorithm: Any) -> None:
    """A5, A9: alg none, shared secrets, and RS256, which FAPI 2.0 leaves out."""
    sent = signed({**header("PS256"), "alg": algorithm}, claims(TOKEN), KEYS["PS256"], "RS256")
    refused(shop.ask(sent))
    refused(shop.ask(sent.rpartition(".")[0] + "."))


def test_the_embedded_key_is_no_shared_secret(shop: Shop) -> None:
    """A5: an `oct` key in the header would make anybody a signer."""
    secret = OctKey.generate_key(256)
    head = {"typ": "dpop+jwt", "alg": "HS256", "jwk": secret.as_dict(private=True)}
    refused(shop.ask(signed(head, claims(TOKEN), secret)))
    refused(shop.ask(signed({**head, "alg": "ES256"}, claims(TOKEN), secret, "HS256")))


@pytest.mark.parametrize("typ", [None, "", "JWT", "at+jwt", "dpop", "application/dpop+jwt", 1, ["dpop+jwt"]])
def test_another_kind_of_jwt_is_no_proof(shop: Shop, typ: Any) -> None:
    """A5, typ confusion: what was signed for something else must not prove anything here."""
    refused(shop.ask(signed({**header(), "typ": typ}, claims(TOKEN), KEYS["ES256"])))


def test_an_access_token_is_no_proof_and_a_proof_no_token(shop: Shop) -> None:
    token = shop.token()
    refused(shop.call(token, token))
    refused(shop.ask(token))
    sent = proof(GRAPHQL, token)
    refused(shop.call(sent, proof(GRAPHQL, sent)), "invalid_token")


EXTRA: list[dict[str, Any]] = [
    *(
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": ["typ"]},
        {"crit": ["b64"], "b64": True},
        {"b64": False},
    ),
    *(
        {"jku": "https://evil.example"},
        {"x5u": "https://evil.example"},
        {"x5c": ["MII"]},
        {"zip": "DEF"},
        {"cty": "JWT"},
    ),
]


@pytest.mark.parametrize("extra", EXTRA, ids=str)
def test_a_proof_brings_a_key_and_no_other_instruction(shop: Shop, extra: dict[str, Any]) -> None:
    """A5: crit, b64, jku, x5u and their like."""
    refused(shop.ask(signed({**header(), **extra}, claims(TOKEN), KEYS["ES256"])))


def _private() -> list[dict[str, Any]]:
    curve, rsa = KEYS["ES256"].as_dict(private=True), KEYS["PS256"].as_dict(private=True)
    return [curve, {**header()["jwk"], "d": ""}, {**header()["jwk"], "k": "x"}, rsa]


@pytest.mark.parametrize("jwk", _private(), ids=["EC", "empty d", "k", "RSA"])
def test_a_private_key_in_the_header_is_refused(shop: Shop, jwk: dict[str, Any]) -> None:
    """RFC 9449, 4.3: it has just been shown to everybody on the way."""
    algorithm = "PS256" if jwk["kty"] == "RSA" else "ES256"
    refused(shop.ask(signed({**header(algorithm), "jwk": jwk}, claims(TOKEN), KEYS[algorithm])))


def test_a_key_that_can_be_broken_or_costs_much_is_refused(shop: Shop) -> None:
    """A9: RSA of 1024 bits; and an exponent as long as the modulus, which orders a second of work."""
    refused(shop.ask(signed(header("PS256", WEAK), claims(TOKEN), WEAK)))
    slow = {**header("PS256")["jwk"], "e": header("PS256")["jwk"]["n"]}
    refused(shop.ask(signed({**header("PS256"), "jwk": slow}, claims(TOKEN), KEYS["PS256"])))
    even = {**header("PS256")["jwk"], "e": "Ag"}
    refused(shop.ask(signed({**header("PS256"), "jwk": even}, claims(TOKEN), KEYS["PS256"])))


GOOD = header()["jwk"]
JWKS: list[Any] = [
    *(
        None,
        "",
        7,
        [],
        {},
        [GOOD],
        {"kty": "EC"},
        {**GOOD, "kty": "RSA"},
        {**GOOD, "kty": None},
        {**GOOD, "kty": ["EC"]},
    ),
    *(
        {**GOOD, "crv": "P-384"},
        {**GOOD, "crv": "x"},
        {**GOOD, "crv": []},
        {**GOOD, "x": 1},
        {**GOOD, "x": ""},
    ),
    *(
        {**GOOD, "x": GOOD["y"]},
        {**GOOD, "x": GOOD["x"] + "="},
        {**GOOD, "x": "AA" + GOOD["x"]},
        {**GOOD, "y": "é"},
    ),
    *({**GOOD, "x": "A" * 43, "y": "A" * 43}, {**GOOD, "x": "\ud800"}, OTHER.as_dict(private=False)),
]


@pytest.mark.parametrize("jwk", JWKS, ids=range(len(JWKS)))
def test_a_key_that_is_none_is_refused(shop: Shop, jwk: Any) -> None:
    """It comes from anybody: no crash over its members, no point off its curve, one spelling only."""
    refused(shop.ask(signed({**header(), "jwk": jwk}, claims(TOKEN), KEYS["ES256"])))


GARBAGE = [
    *("x", "..", "a.b.c", "a.b.c.d", "null.null.null", "[[[[", "é.é.é", "e30.e30.", "W10.W10.W10"),
    *(signed(head, {}, KEYS["ES256"], "ES256") for head in (["alg"], "alg", 7, None, {"alg": 1})),
    *(
        signed(header(), content, KEYS["ES256"])
        for content in ([], 7, None, "x", b"[" * 5000, b"", b"\xff\xfe", b'{"a":1e999')
    ),
    "." * 8000,
]


@pytest.mark.parametrize("sent", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("place", [TOKEN, GRAPHQL])
def test_garbage_is_an_invalid_proof(shop: Shop, sent: str, place: str) -> None:
    """It is read before anybody has authenticated: whatever it is, it is the sender's error and never a 5xx."""
    refused(shop.ask(sent.encode()) if place == TOKEN else shop.call(shop.token(), sent.encode()))  # type: ignore[arg-type]


def test_a_proof_that_is_too_long_is_not_looked_at(shop: Shop) -> None:
    refused(shop.ask(proof(TOKEN, padding="x" * MAX_PROOF)))
