"""Services: each peer gets a token in each way it knows, and the token is answered."""

from __future__ import annotations

import pytest

from tests.peers.conftest import NODE, PYTHON, Peers
from tests.peers.peer import Refused, address, by_secret
from tests.peers.served import Served, checked

BASIC, POST = "client_secret_basic", "client_secret_post"
ALL = [*PYTHON, *NODE]
CHOOSE = [name for name in ALL if not name.startswith("msal")]
"""MSAL always sends the secret in the form."""

in_each_way = pytest.mark.parametrize(
    ("peer", "method"),
    [*((peer, method) for peer in CHOOSE for method in (BASIC, POST)), ("msal", POST), ("msal-node", POST)],
)


@in_each_way
def test_a_secret_gets_a_token_that_is_answered(served: Served, peers: Peers, peer: str, method: str) -> None:
    given = {"parameters": {"scope": "clients:read"}}
    done = peers[peer].ask("client_credentials", **address(served), **by_secret("shop", method), **given)
    assert done["answer"]["data"]["caller"] == {"party": "ALIBABA"}
    checked(done["answer"])


@in_each_way
def test_a_wrong_secret_is_understood(served: Served, peers: Peers, peer: str, method: str) -> None:
    # Of nobody: who fails often as one application has to wait.
    wrong = {**by_secret(f"not-{peer}", method), "parameters": {"scope": "clients:read"}}
    with pytest.raises(Refused) as caught:
        peers[peer].ask("client_credentials", **address(served), **wrong)
    # These two say that they were challenged to HTTP Basic, and keep the answer for who wants to read on.
    challenged = method == BASIC and peer in ("openid-client", "oauth4webapi")
    assert caught.value.code == ("OAUTH_WWW_AUTHENTICATE_CHALLENGE" if challenged else "invalid_client")


@pytest.mark.parametrize("peer", CHOOSE)
def test_a_scope_that_may_not_be_had_is_understood(served: Served, peers: Peers, peer: str) -> None:
    given = {**by_secret("shop"), "parameters": {"scope": "fund:reports"}}
    with pytest.raises(Refused) as caught:
        peers[peer].ask("client_credentials", **address(served), **given)
    assert caught.value.code == "invalid_scope"


@pytest.mark.parametrize("peer", ["authlib-requests", "authlib-httpx", "simple-oauth2"])
def test_a_developer_needs_no_certificate(plain: Served, peers: Peers, peer: str) -> None:
    """Over plain HTTP on the loopback address, which these allow by themselves."""
    given = {"parameters": {"scope": "clients:read"}}
    done = peers[peer].ask("client_credentials", **address(plain), **by_secret("shop"), **given)
    checked(done["answer"])
