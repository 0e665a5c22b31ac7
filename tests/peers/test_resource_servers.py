"""Strangers that are given a token of the gateway's and its published keys, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet

from tests.peers.conftest import Peers
from tests.peers.peer import Refused, address, by_secret
from tests.peers.served import Served


@pytest.fixture
def token(served: Served, peers: Peers) -> str:
    """An access token of the shop's."""
    given = {"parameters": {"scope": "clients:read"}}
    done = peers["authlib-requests"].ask(
        "client_credentials", **address(served), **by_secret("shop"), **given
    )
    found: str = done["tokens"]["access_token"]
    return found


def test_oauth4webapi_accepts_the_token(served: Served, peers: Peers, token: str) -> None:
    """RFC 9068, with every claim that it demands."""
    given = {**address(served), "token": token, "audience": served.resource}
    claims = peers["oauth4webapi"].ask("validation", **given)
    assert (claims["client_id"], claims["scope"]) == ("shop", "clients:read")


def test_oauth4webapi_refuses_it_for_another_resource(served: Served, peers: Peers, token: str) -> None:
    given = {**address(served), "token": token, "audience": "https://elsewhere.example"}
    with pytest.raises(Refused, match="aud"):
        peers["oauth4webapi"].ask("validation", **given)


def test_authlib_accepts_the_token(served: Served, token: str) -> None:
    published = served.http.get(
        served.http.get("/oauth/.well-known/oauth-authorization-server").json()["jwks_uri"]
    )

    class Stranger(JWTBearerTokenValidator):  # type: ignore[misc]
        def get_jwks(self) -> KeySet:
            return KeySet.import_key_set(published.json())

    stranger = Stranger(issuer=served.issuer, resource_server=served.resource)
    claims: Any = stranger.authenticate_token(token)
    stranger.validate_token(claims, ["clients:read"], None)
    assert claims["client_id"] == "shop"
