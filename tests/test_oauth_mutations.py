"""Mutations: of a good token, or a good proof, nothing can be changed by who has not the key, and little by who has."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.errors import Refusal
from gateway.oauth.claims import text
from gateway.oauth.dpop import InvalidProof, read_proof
from gateway.oauth.issuers import OutsideIssuer
from gateway.oauth.keys import Keys
from gateway.oauth.keysets import KeySet
from gateway.oauth.nonces import Nonces
from gateway.oauth.tokens import Caller, issue
from gateway.oauth.verification import Verifier
from tests.idp import AUDIENCE, OURS, OWN, Idp, trust
from tests.proofs import KEYS, OTHER, claims, coded, header, signed

NOW = 1_700_000_000.0
ADDRESS = AUDIENCE
NONCES = Nonces(b"key", lambda: NOW)
PROOFS = [
    signed(header(name), claims(ADDRESS, "token", iat=int(NOW), nonce=NONCES.current()), KEYS[name])
    for name in ("ES256", "PS256", "Ed25519")
]
CALLER = Caller("ALIBABA", "shop", frozenset({"clients:read"}), "analytics", NOW + 300, key="x" * 43)
OUR_TOKENS = [issue(CALLER, Keys(OURS), OWN, AUDIENCE, int(NOW))]

FOREIGN = Idp()
FOREIGN.issuer = "https://id.example/realm"
THEIR_TOKENS = [FOREIGN.token(iat=int(NOW), exp=int(NOW) + 300)]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


def proven(proof: str) -> bool:
    """Whether it is taken for a proof."""
    try:
        read_proof([proof], "POST", ADDRESS, NONCES, NOW)
        return True
    except InvalidProof as refusal:
        said = refusal.message
    # Whatever is wrong is said in characters that an error may have (RFC 6749, 5.2), without a word of the proof.
    assert all(" " <= each <= "~" and each not in '"\\' for each in said)
    assert len(said) < 100
    return False


async def known(token: str) -> bool:
    """Whether it is taken for a token of ours, or of the issuer's that is trusted; its keys are at hand."""
    keys = KeySet(trust(FOREIGN), lambda: 0.0)
    keys._keys = [{**key.as_dict(private=False), "kid": kid} for kid, key in FOREIGN.keys.items()]
    keys._fetched = keys._tried = 0.0
    outside = {FOREIGN.issuer: OutsideIssuer(trust(FOREIGN), AUDIENCE, keys, lambda: NOW)}
    verifier = Verifier(Keys(OURS), OWN, AUDIENCE, lambda: NOW, outside=outside)
    try:
        await verifier.authenticate(f"DPoP {token}", "POST", [])
    except Refusal as refusal:
        status = refusal.status
    # No proof comes with it, so it is refused in any case; one that is good has been remembered before.
    assert status == 401
    return bool(verifier._verified)


async def test_what_the_mutations_are_made_of_is_good() -> None:
    """Else nothing below would say anything."""
    assert all(proven(each) for each in PROOFS)
    assert all([await known(each) for each in (*OUR_TOKENS, *THEIR_TOKENS)])


def taken_apart(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    head, body, signature = token.split(".")
    return json.loads(urlsafe_b64decode(head + "==")), json.loads(urlsafe_b64decode(body + "==")), signature


@st.composite
def mangled(draw: st.DrawFn, tokens: list[str]) -> tuple[str, str]:
    """A token, and the same with one character changed, left out, added, or exchanged with its neighbour."""
    token = draw(st.sampled_from(tokens))
    place = draw(st.integers(0, len(token) - 1))
    character = draw(st.sampled_from("AQgwz_-.=+/ \t\n\x00é") | st.characters(max_codepoint=255))
    changed = draw(
        st.sampled_from(
            [
                token[:place] + character + token[place + 1 :],
                token[:place] + token[place + 1 :],
                token[:place] + character + token[place:],
                token[:place] + token[place : place + 2][::-1] + token[place + 2 :],
                token + character,
            ]
        )
    )
    return token, changed


@st.composite
def rewritten(draw: st.DrawFn, tokens: list[str]) -> tuple[str, str]:
    """A token, and the same with one member of header or claims changed, added or left out, under its signature."""
    token = draw(st.sampled_from(tokens))
    head, body, signature = taken_apart(token)
    values = draw(st.sampled_from([head, body]))
    name = draw(st.sampled_from([*values, "crit", "b64", "jku", "x5u", "nbf", "cnf", "scope"]))
    if draw(st.booleans()):
        values.pop(name, None)
    else:
        values[name] = draw(JSON)
    return token, f"{coded(head)}.{coded(body)}.{signature}"


@settings(max_examples=150, deadline=None)
@given(mangled(PROOFS) | rewritten(PROOFS))
def test_no_changed_proof_is_accepted(pair: tuple[str, str]) -> None:
    """Not a character: what was signed is what is read, and a signature has one spelling."""
    good, changed = pair
    assume(good != changed)
    assert not proven(changed)


@settings(max_examples=150, deadline=None)
@given(mangled([*OUR_TOKENS, *THEIR_TOKENS]) | rewritten([*OUR_TOKENS, *THEIR_TOKENS]))
async def test_no_changed_token_is_accepted(pair: tuple[str, str]) -> None:
    """Ours and theirs."""
    good, changed = pair
    # Blanks around a token belong to the Authorization header, not to it.
    assume(good != changed.strip(" "))
    assert not await known(changed)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["typ", "alg", "jwk", "htm", "htu", "iat", "jti", "nonce"]),
    JSON | st.none(),
    st.booleans(),
)
def test_no_proof_that_says_something_else_is_accepted_though_its_key_signed_it(
    name: str, value: Any, left_out: bool
) -> None:
    """Each member is looked at: whoever has a key cannot leave one out or put another thing there."""
    head, body, _ = taken_apart(PROOFS[0])
    values = head if name in head else body
    was = values.pop(name)
    if not left_out:
        values[name] = value
    # Any text is an id; and a moment near enough is one, with a nonce also a former one.
    assume(left_out or value != was)
    assume(left_out or name != "jti" or not is_text(value))
    assume(left_out or name != "iat" or isinstance(value, bool) or not isinstance(value, int | float))
    # Without a nonce it is a proof all the same, as applications may send that need none.
    assume(name != "nonce" or not left_out)
    assert not proven(signed(head, body, KEYS["ES256"], "ES256"))


def is_text(value: Any) -> bool:
    """Whether a claim of this value is a text."""
    try:
        return bool(text({"claim": value}, "claim"))
    except ValueError:
        return False


@pytest.mark.parametrize("token", [*OUR_TOKENS, *THEIR_TOKENS], ids=["ours", "theirs"])
async def test_no_token_under_a_strangers_signature_is_accepted(token: str) -> None:
    """Whatever key id it names."""
    head, body, _ = taken_apart(token)
    for kid in (head["kid"], OTHER.thumbprint(), "one", OURS.thumbprint()):
        assert not await known(signed({**head, "kid": kid}, body, OTHER))
