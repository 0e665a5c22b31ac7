"""Tokens bound to a key (RFC 9449): proofs as peers make them, with the nonces that they are told to put in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.peers.browser import visit
from tests.peers.conftest import Peers
from tests.peers.peer import Refused, address, by_key, by_secret
from tests.peers.served import CALLBACK, QUERY, Served, checked

PROVERS = ("openid-client", "oauth4webapi", "requests_oauth2client")
# A proof with an RSA key is longer than joserfc takes by itself.
prove = pytest.mark.parametrize("proof", ["ES256", "PS256"])
ASKED: dict[str, Any] = {"parameters": {"scope": "clients:read"}}
WALK: dict[str, Any] = {"parameters": {"scope": "clients:read", "redirect_uri": CALLBACK}}


@pytest.mark.parametrize("peer", PROVERS)
@prove
def test_whoever_proves_a_key_gets_a_token_that_is_answered_with_proofs_alone(
    served: Served, peers: Peers, peer: str, proof: str
) -> None:
    done = peers[peer].ask("client_credentials", **address(served), **by_secret("shop"), **ASKED, dpop=proof)
    assert done["tokens"]["token_type"].lower() == "dpop"
    checked(done["answer"])
    for scheme in ("Bearer", "DPoP"):
        headers = {"Authorization": f"{scheme} {done['tokens']['access_token']}"}
        stolen = served.http.post("/graphql", json={"query": QUERY}, headers=headers)
        assert stolen.status_code == 401


@pytest.mark.parametrize(("peer", "proof"), list(zip(PROVERS, ("ES256", "PS256", "ES256"), strict=True)))
def test_an_application_that_must_prove_its_key_is_told_a_nonce_and_goes_on(
    served: Served, peers: Peers, peer: str, proof: str
) -> None:
    """RFC 9449, 8: the first request is refused with a nonce, and the library asks again by itself."""
    given = {**by_key("bound", "ES256"), **ASKED, "dpop": proof}
    checked(peers[peer].ask("client_credentials", **address(served), **given)["answer"])


@pytest.mark.parametrize("peer", PROVERS)
def test_an_application_that_must_prove_its_key_gets_no_other_token(
    served: Served, peers: Peers, peer: str
) -> None:
    with pytest.raises(Refused) as caught:
        peers[peer].ask("client_credentials", **address(served), **by_key("bound", "ES256"), **ASKED)
    assert caught.value.code == "invalid_dpop_proof"


@pytest.mark.parametrize(("peer", "proof"), list(zip(PROVERS, ("PS256", "ES256", "ES256"), strict=True)))
def test_a_person_lets_an_application_ask_with_proofs_and_it_stays_so(
    served: Served, peers: Peers, peer: str, proof: str
) -> None:
    """The whole of FAPI 2.0 that the gateway has: a key to authenticate with, one to prove, PKCE, and `iss`."""
    given = {**address(served), **by_key("portal", "ES256"), "dpop": proof}
    url = peers[peer].ask("authorization_url", **given, **WALK)
    done = peers[peer].ask("code_grant", **given, callback=visit(served.http, url))
    checked(done["answer"])
    # It is not rotated: a thief could do nothing with it but lock the owner out (FAPI 2.0, 5.3.2.1).
    for _ in range(2):
        again = peers[peer].ask("refresh_grant", **given, token=done["tokens"]["refresh_token"])
        assert again["tokens"]["token_type"].lower() == "dpop"
        checked(again["answer"])


def test_oauth4webapi_as_a_resource_server_accepts_a_bound_token_with_its_proof(
    served: Served, peers: Peers
) -> None:
    """The binding is where others look for it."""
    given = {**address(served), **by_secret("shop"), **ASKED, "dpop": "ES256", "audience": served.resource}
    claims = peers["oauth4webapi"].ask("bound_validation", **given)
    assert claims["cnf"]["jkt"]
