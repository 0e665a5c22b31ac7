"""Nonces, and the applications that need them."""

from __future__ import annotations

import stat
import time
from typing import Any

import pytest

from gateway.oauth.dpop import AHEAD_WITH_NONCE
from gateway.oauth.nonces import SLOT, Nonces
from tests.proofs import KEYS, claims, header, proof, signed
from tests.shop import GRAPHQL, TOKEN, Shop, refused, shop

__all__ = ["shop"]


@pytest.mark.parametrize("place", [TOKEN, GRAPHQL])
def test_every_answer_to_a_proof_brings_a_nonce(shop: Shop, place: str) -> None:
    """RFC 9449, 8.2: also a refusal, and one at the other place is as good, so that no library confuses them."""
    token = shop.token()
    for sent in (proof(place, token), "x"):
        answer = shop.ask(sent) if place == TOKEN else shop.call(token, sent)
        assert len(answer.headers["dpop-nonce"]) == 24
    assert shop.call(token, proof(GRAPHQL, token, nonce=answer.headers["dpop-nonce"])).status_code == 200
    assert shop.ask(proof(TOKEN, nonce=answer.headers["dpop-nonce"])).status_code == 200
    assert "dpop-nonce" not in shop.ask().headers


@pytest.mark.parametrize("nonce", ["", "x", "A" * 24, "é", "\ud800", 7, None, [], True], ids=ascii)
def test_a_nonce_that_was_not_given_out_is_refused_at_both_places(shop: Shop, nonce: Any) -> None:
    """Else the sender could say himself how fresh the proof is."""
    token = shop.token()
    for place in (TOKEN, GRAPHQL):
        sent = signed(header(), {**claims(place, token), "nonce": nonce}, KEYS["ES256"])
        answer = shop.ask(sent) if place == TOKEN else shop.call(token, sent)
        refused(answer, "use_dpop_nonce" if nonce in ("x", "A" * 24, "é") else "invalid_dpop_proof")
        assert answer.headers["dpop-nonce"]


def test_a_nonce_says_how_old_a_proof_is(shop: Shop) -> None:
    """An application whose clock is wrong gets through with a nonce, though not from far ahead (FAPI 2.0)."""
    nonce, now = shop.nonce(), int(time.time())
    assert shop.ask(proof(TOKEN, nonce=nonce, iat=now - 3600)).status_code == 200
    assert shop.ask(proof(TOKEN, nonce=nonce, iat=now + AHEAD_WITH_NONCE)).status_code == 200
    refused(shop.ask(proof(TOKEN, nonce=nonce, iat=now + AHEAD_WITH_NONCE + 60)))
    refused(shop.ask(proof(TOKEN, nonce=nonce, iat=now, exp=now - 1)))


def test_nonces_end() -> None:
    """Two minutes after it was given out at the latest; and each worker knows those of the others."""
    now = [1_000_000.0 * SLOT]
    nonces, other = Nonces(b"key", lambda: now[0]), Nonces(b"key", lambda: now[0] + 5)
    given = nonces.current()
    assert other.accepts(given)
    assert not Nonces(b"another", lambda: now[0]).accepts(given)
    now[0] += 2 * SLOT - 1
    assert nonces.accepts(given)
    assert nonces.current() != given
    now[0] += 1
    assert not nonces.accepts(given)
    # What a worker gave out whose clock is ahead.
    now[0] -= 3 * SLOT
    assert nonces.accepts(given)
    now[0] -= 1
    assert not nonces.accepts(given)


def test_the_key_of_the_nonces_is_its_owners_to_read(shop: Shop) -> None:
    """Who has it makes nonces for years to come."""
    path = shop.door.settings.state / "nonces.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes()) == 32


# An application that must


def test_an_application_that_must_prove_gets_no_token_without(shop: Shop) -> None:
    """The operator's word, which no request can get round."""
    refused(shop.ask(id="strict"))
    assert "dpop-nonce" not in shop.ask(id="strict").headers


def test_an_application_that_must_prove_needs_a_nonce_at_both_places(shop: Shop) -> None:
    """Its proofs cannot be made beforehand; a library that gets the nonce sends the same again with it."""
    first = shop.ask(proof(TOKEN), id="strict")
    refused(first, "use_dpop_nonce")
    nonce = first.headers["dpop-nonce"]
    answer = shop.ask(proof(TOKEN, nonce=nonce), id="strict")
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    token = answer.json()["access_token"]
    refused(shop.call(token, proof(GRAPHQL, token)), "use_dpop_nonce")
    assert shop.call(token, proof(GRAPHQL, token, nonce=nonce)).status_code == 200


def test_a_proof_refused_for_its_nonce_is_not_used_up(shop: Shop) -> None:
    """Nothing is: an assertion or a code sent with it must be good for the second try, as some libraries send it."""
    sent = proof(TOKEN)
    refused(shop.ask(sent, id="strict"), "use_dpop_nonce")
    refused(shop.ask(sent, id="strict"), "use_dpop_nonce")
    assert shop.ask(sent).status_code == 200


def test_who_does_not_authenticate_uses_up_no_proof(shop: Shop) -> None:
    """Else a stranger could fill the database with ids."""
    sent = proof(TOKEN)
    form = {"grant_type": "client_credentials", "client_id": "shop", "client_secret": "wrong"}
    assert (
        shop.door.client.post("/oauth/token", data=form, headers={"DPoP": sent}).json()["error"]
        == "invalid_client"
    )
    assert shop.ask(sent).status_code == 200
