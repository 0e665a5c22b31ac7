"""Proofs of possession (RFC 9449): a bound token is worth nothing to who has not the key, and no proof counts twice."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from gateway.oauth.dpop import AGE, AHEAD, ALGORITHMS, InvalidProof, read_proof
from gateway.oauth.nonces import Nonces
from tests.answers import data_of
from tests.conftest import ORIGIN
from tests.proofs import KEYS, LARGE, OTHER, claims, header, proof, signed, thumbprint
from tests.shop import GRAPHQL, TOKEN, Shop, refused, shop

__all__ = ["shop"]


# What works


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_is_bound_and_used_with_a_key_of_each_algorithm(shop: Shop, algorithm: str) -> None:
    """The way through: the token names the key's thumbprint, its type is DPoP, and a proof of that key opens."""
    answer = shop.ask(proof(TOKEN, algorithm=algorithm))
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    token = answer.json()["access_token"]
    content = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert content["cnf"] == {"jkt": thumbprint(algorithm)}
    used = shop.call(token, proof(GRAPHQL, token, algorithm))
    assert (used.status_code, data_of(used.json())) == (200, {"caller": {"party": "ALIBABA"}})


def test_a_large_rsa_key_has_room_in_the_header(shop: Shop) -> None:
    """Trap 4: joserfc refuses headers over 512 characters, which an RSA key of 2048 bits fills."""
    long = signed(header("PS256", LARGE), claims(TOKEN), LARGE)
    assert len(long.partition(".")[0]) > 512
    assert shop.ask(long).status_code == 200


def test_without_a_proof_the_token_is_a_bearer_token(shop: Shop) -> None:
    answer = shop.ask()
    assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer")
    assert shop.call(answer.json()["access_token"], scheme="Bearer").status_code == 200


@pytest.mark.parametrize("scheme", ["dpop", "DPOP"])
def test_the_scheme_may_be_written_in_any_case(shop: Shop, scheme: str) -> None:
    """RFC 9110, 11.1."""
    token = shop.token()
    assert shop.call(token, proof(GRAPHQL, token), scheme=scheme).status_code == 200


def test_what_is_offered_is_described(shop: Shop) -> None:
    """RFC 9449, 5.1 and RFC 9728, 2: a library chooses its key by what both documents say."""
    for path in ("oauth-authorization-server/oauth", "oauth-protected-resource/graphql"):
        found = shop.door.client.get(f"/.well-known/{path}").json()
        assert found["dpop_signing_alg_values_supported"] == list(ALGORITHMS)


@pytest.mark.parametrize(
    "htu", ["HTTP://127.0.0.1:8000/{}", "http://127.0.0.1:8000/{}?a=b#c", "http://127.0.0.1:8000/x/../{}"]
)
def test_an_address_may_be_written_otherwise(shop: Shop, htu: str) -> None:
    """RFC 9449, 4.3: compared after normalisation, without query and fragment."""
    answer = shop.ask(proof(htu.format("oauth/%74oken")))
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    assert shop.call(token, proof(htu.format("graph%71l"), token)).status_code == 200


@pytest.mark.parametrize(
    ("path", "asked"), [("", {"query": "{ caller { party } }"}), ("/schema.graphql", {})]
)
def test_what_is_read_with_get_is_proven_as_such(shop: Shop, path: str, asked: dict[str, str]) -> None:
    """Queries and the printed schema: the proof names the method, and the address of the one or the other."""
    token = shop.token()

    def get(sent: str) -> int:
        headers = {"Authorization": f"DPoP {token}", "DPoP": sent, "Accept": "*/*"}
        return shop.door.client.get(f"/graphql{path}", params=asked, headers=headers).status_code

    assert get(proof(GRAPHQL + path, token, htm="GET")) == 200
    assert get(proof(GRAPHQL + path, token)) == 401
    other = "" if path else "/schema.graphql"
    assert get(proof(GRAPHQL + other, token, htm="GET")) == 401


# What does not


def test_a_bound_token_is_no_bearer_token(shop: Shop) -> None:
    """RFC 9449, 7.2: else a thief would just leave the proof out."""
    token = shop.token()
    for proofs in ((), (proof(GRAPHQL, token),)):
        answer = shop.call(token, *proofs, scheme="Bearer")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
        assert ", DPoP algs=" in answer.headers["www-authenticate"]


def test_a_bearer_token_is_no_bound_token(shop: Shop) -> None:
    """Else whoever stole it could pass it off as bound to a key of their own."""
    token = shop.ask().json()["access_token"]
    refused(shop.call(token, proof(GRAPHQL, token)), "invalid_token")


def test_the_key_of_somebody_else_does_not_open(shop: Shop) -> None:
    """A stolen token with the thief's own key: signed well, by the wrong one."""
    token = shop.token()
    refused(shop.call(token, signed(header("ES256", OTHER), claims(GRAPHQL, token), OTHER)))
    refused(shop.call(token, proof(GRAPHQL, token, "Ed25519")))


def test_a_proof_is_for_one_token(shop: Shop) -> None:
    """`ath`: a proof seen with one token does not open with another of the same key."""
    token, other = shop.token(), shop.token()
    for value in (
        proof(GRAPHQL, other),
        proof(GRAPHQL),
        proof(GRAPHQL, token, ath=""),
        proof(GRAPHQL, token, ath=7),
    ):
        refused(shop.call(token, value))


@pytest.mark.parametrize("place", [TOKEN, GRAPHQL])
def test_a_proof_counts_once(shop: Shop, place: str) -> None:
    """Whoever sees a request pass must not be able to send it again."""
    token = shop.token()
    used = proof(place, token)
    first, second = [shop.ask(used) if place == TOKEN else shop.call(token, used) for _ in range(2)]
    assert first.status_code == 200
    refused(second)


def test_ids_of_proofs_belong_to_their_key(shop: Shop) -> None:
    """Else one application could use up the ids of another's proofs beforehand."""
    assert shop.ask(proof(TOKEN, jti="the same")).status_code == 200
    assert shop.ask(proof(TOKEN, algorithm="Ed25519", jti="the same")).status_code == 200
    refused(shop.ask(proof(TOKEN, jti="the same")))


@pytest.mark.parametrize("place", [TOKEN, GRAPHQL])
def test_exactly_one_proof_is_sent(shop: Shop, place: str) -> None:
    """RFC 9449, 4.3: with two, the one that is checked need not be the one that is meant."""
    token = shop.token()
    proofs = [proof(place, token) for _ in range(2)]
    for sent in (proofs, [", ".join(proofs)], [proofs[0], ""], [""]):
        refused(shop.ask(*sent) if place == TOKEN else shop.call(token, *sent))
    refused(shop.call(token))


ADDRESSES = [
    *(
        "http://127.0.0.1:8000/",
        "http://127.0.0.1/{}",
        "https://127.0.0.1:8000/{}",
        "http://evil.example/{}",
        "{}",
        "/{}",
    ),
    *(
        "http://127.0.0.1:8000/{}/",
        "http://127.0.0.1:8000//{}",
        "http://user@127.0.0.1:8000/{}",
        "http://127.0.0.1:8000/\t{}",
    ),
    *("http://127.0.0.1:8000@evil.example/{}", "http://[", "\ud800", "é", " http://127.0.0.1:8000/{}", ""),
    *(None, 7, [], {}, ["http://127.0.0.1:8000/{}"]),
]


@pytest.mark.parametrize("htu", ADDRESSES, ids=ascii)
def test_a_proof_is_for_one_address(shop: Shop, htu: Any) -> None:
    """A proof that another server was given does not open here; nor that of the token endpoint at the resource."""
    token = shop.token()
    for place in (TOKEN, GRAPHQL):
        path = place.removeprefix(ORIGIN + "/")
        content = claims(place, token)
        content["htu"] = htu.format(path) if isinstance(htu, str) else htu
        sent = signed(header(), content, KEYS["ES256"])
        refused(shop.ask(sent) if place == TOKEN else shop.call(token, sent))
    refused(shop.ask(proof(GRAPHQL)))
    refused(shop.call(token, proof(TOKEN, token)))


@pytest.mark.parametrize("htm", ["GET", "post", "Post", "", None, 7, ["POST"], "POST "])
def test_a_proof_is_for_one_method(shop: Shop, htm: Any) -> None:
    token = shop.token()
    refused(
        shop.ask(
            proof(TOKEN) if htm == "x" else signed(header(), {**claims(TOKEN), "htm": htm}, KEYS["ES256"])
        )
    )
    refused(shop.call(token, signed(header(), {**claims(GRAPHQL, token), "htm": htm}, KEYS["ES256"])))


def test_a_spoofed_host_changes_nothing(shop: Shop) -> None:
    """A23: `htu` is compared to what is configured; the sender writes Host, and a thief would write his own."""
    token = shop.token()
    spoofed = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    refused(shop.call(token, proof("http://evil.example/graphql", token), **spoofed))
    refused(shop.call(token, proof("https://evil.example/graphql", token), **spoofed))
    answer = shop.call(token, proof(GRAPHQL, token), **spoofed)
    assert answer.status_code == 200
    assert "evil" not in str(answer.headers)


@pytest.mark.parametrize(
    ("ago", "good"), [(AGE, True), (AGE + 0.5, False), (-AHEAD, True), (-AHEAD - 0.5, False), (3600, False)]
)
def test_a_proof_without_a_nonce_is_for_now(shop: Shop, ago: float, good: bool) -> None:
    """FAPI 2.0: seconds ahead are a clock's error; what is old may have been taken along from elsewhere."""
    now = 1_700_000_000.0
    sent, nonces = proof(TOKEN, iat=now - ago), Nonces(b"key", lambda: now)
    if good:
        assert read_proof([sent], "POST", TOKEN, nonces, now).key == thumbprint()
    else:
        with pytest.raises(InvalidProof):
            read_proof([sent], "POST", TOKEN, nonces, now)
    refused(shop.ask(sent))


MOMENTS = ["now", None, True, [], {}, float("nan"), float("inf"), float("-inf"), -1, 10**400, 2**53]


@pytest.mark.parametrize("name", ["iat", "exp", "nbf"])
@pytest.mark.parametrize("value", MOMENTS, ids=lambda value: repr(value)[:9])
def test_a_time_is_a_finite_number(shop: Shop, name: str, value: Any) -> None:
    """A7: NaN compares false with everything, and 10^400 is an error of its own to a careless comparison."""
    refused(shop.ask(signed(header(), {**claims(TOKEN), name: value}, KEYS["ES256"])))


def test_exp_and_nbf_are_heeded_where_they_stand(shop: Shop) -> None:
    """FAPI's conformance suite sends them; whoever writes an end into a proof means it."""
    now = int(time.time())
    refused(shop.ask(proof(TOKEN, exp=now)))
    refused(shop.ask(proof(TOKEN, nbf=now + 100)))
    assert shop.ask(proof(TOKEN, exp=now + 100, nbf=now)).status_code == 200


@pytest.mark.parametrize("jti", [None, "", 1, [], {}, True, "\ud800"], ids=ascii)
def test_a_proof_has_an_id(shop: Shop, jti: Any) -> None:
    """Without one it could not be told from its repetition."""
    refused(shop.ask(signed(header(), {**claims(TOKEN), "jti": jti}, KEYS["ES256"])))


def test_an_id_may_be_anything_written(shop: Shop) -> None:
    """It is hashed before it is stored: neither its length nor its characters reach the database."""
    for jti in ("x" * 4000, "'; DROP TABLE spent; --", "\x00"):
        sent = proof(TOKEN, jti=jti)
        assert shop.ask(sent).status_code == 200
        refused(shop.ask(sent))
