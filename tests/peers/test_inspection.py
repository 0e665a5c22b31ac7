"""Introspection (RFC 7662) and revocation (RFC 7009), as peers ask for them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.peers.conftest import Peers
from tests.peers.peer import address, by_key, by_secret
from tests.peers.served import QUERY, Served

INSPECTORS = ("authlib-requests", "requests_oauth2client", "openid-client", "oauth4webapi")
WAYS: list[dict[str, Any]] = [
    by_secret("shop", "client_secret_basic"),
    by_secret("shop", "client_secret_post"),
    by_key("signer-es256", "ES256"),
]


def token(served: Served, peers: Peers, peer: str, way: dict[str, Any]) -> str:
    """An access token of the peer's own."""
    asked = {"parameters": {"scope": "clients:read"}}
    found: str = peers[peer].ask("client_credentials", **address(served), **way, **asked)["tokens"][
        "access_token"
    ]
    return found


@pytest.mark.parametrize("peer", INSPECTORS)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way["method"])
def test_a_token_is_inspected_and_revoked_and_is_then_good_for_nothing(
    served: Served, peers: Peers, peer: str, way: dict[str, Any]
) -> None:
    own = token(served, peers, peer, way)
    found = peers[peer].ask("introspection", **address(served), **way, token=own)
    assert (found["active"], found["client_id"], found["scope"]) == (True, way["id"], "clients:read")
    peers[peer].ask("revocation", **address(served), **way, token=own)
    assert peers[peer].ask("introspection", **address(served), **way, token=own) == {"active": False}
    # Each worker looks once a second at what was revoked.
    time.sleep(1.2)
    answer = served.http.post("/graphql", json={"query": QUERY}, headers={"Authorization": f"Bearer {own}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("peer", INSPECTORS)
def test_nonsense_is_inactive_and_revoked_without_a_word(served: Served, peers: Peers, peer: str) -> None:
    """RFC 7662, 2.2 and RFC 7009, 2.2: nobody learns what there is by asking."""
    given = {**address(served), **by_secret("shop"), "token": "nonsense"}
    assert peers[peer].ask("introspection", **given) == {"active": False}
    peers[peer].ask("revocation", **given)
