"""What a token is for: resource indicators (RFC 8707) and rich authorization requests (RFC 9396), as peers ask."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.peers.conftest import Peers
from tests.peers.peer import Refused, address, by_secret
from tests.peers.served import Served, checked

ASKERS = (
    *("authlib-requests", "authlib-httpx", "requests-oauthlib", "oauthlib", "requests_oauth2client"),
    *("openid-client", "oauth4webapi", "simple-oauth2"),
)
"""All that let an application add parameters of its own, which MSAL does not."""

ORDERS: list[dict[str, Any]] = [
    {"type": "partner_data", "party": "ALIBABA", "datasets": ["orders"], "purpose": "analytics"}
]


def ask(served: Served, peers: Peers, peer: str, **parameters: str) -> Any:
    """A token for the shop, asked for with more parameters."""
    given = {"parameters": parameters}
    return peers[peer].ask("client_credentials", **address(served), **by_secret("shop"), **given)


@pytest.mark.parametrize("peer", ASKERS)
def test_the_resource_may_be_named(served: Served, peers: Peers, peer: str) -> None:
    checked(ask(served, peers, peer, resource=served.resource)["answer"])


@pytest.mark.parametrize("peer", ASKERS)
def test_another_resource_is_refused(served: Served, peers: Peers, peer: str) -> None:
    with pytest.raises(Refused) as caught:
        ask(served, peers, peer, resource="https://elsewhere.example")
    assert caught.value.code == "invalid_target"


@pytest.mark.parametrize("peer", ASKERS)
def test_details_narrow_the_token_and_come_back_as_granted(served: Served, peers: Peers, peer: str) -> None:
    """RFC 9396, 7; what the token leaves out is not answered, though the scopes would have it."""
    done = ask(served, peers, peer, authorization_details=json.dumps(ORDERS))
    assert done["tokens"]["authorization_details"] == ORDERS
    assert done["answer"]["data"]["caller"] == {"party": "ALIBABA"}


@pytest.mark.parametrize("peer", ASKERS)
def test_details_of_an_unknown_type_are_refused(served: Served, peers: Peers, peer: str) -> None:
    with pytest.raises(Refused) as caught:
        ask(served, peers, peer, authorization_details=json.dumps([{"type": "payment"}]))
    assert caught.value.code == "invalid_authorization_details"
