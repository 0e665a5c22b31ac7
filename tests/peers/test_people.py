"""People: an application sends one to sign in and be asked, and gets tokens for what the person allows."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.peers.browser import visit
from tests.peers.conftest import NODE, PYTHON, Peers
from tests.peers.peer import Refused, address, by_secret
from tests.peers.served import CALLBACK, Served, checked

WALKERS = [name for name in (*PYTHON, *NODE) if not name.startswith("msal")]
"""MSAL asks for OpenID Connect's scopes wherever there is a person, and the gateway is no identity provider."""

PUBLIC = [name for name in WALKERS if name != "simple-oauth2"]
"""simple-oauth2 knows no application without a secret."""

ASKED = {"parameters": {"redirect_uri": CALLBACK, "scope": "clients:read"}}

BROWSER = {"id": "browser", "method": "none"}
SITE = by_secret("site")


def walk(served: Served, peers: Peers, peer: str, given: dict[str, Any]) -> Any:
    """All of it: what the peer has in the end."""
    url = peers[peer].ask("authorization_url", **address(served), **given, **ASKED)
    return peers[peer].ask("code_grant", **address(served), **given, callback=visit(served.http, url))


@pytest.mark.parametrize("peer", PUBLIC)
def test_an_application_in_the_persons_hands_gets_tokens_that_are_answered(
    served: Served, peers: Peers, peer: str
) -> None:
    """Without a secret, and so with PKCE alone to say that it is the one who asked."""
    done = walk(served, peers, peer, BROWSER)
    assert done["tokens"]["refresh_token"]
    checked(done["answer"])


@pytest.mark.parametrize("peer", WALKERS)
def test_an_application_on_a_server_gets_tokens_that_are_answered(
    served: Served, peers: Peers, peer: str
) -> None:
    done = walk(served, peers, peer, SITE)
    checked(done["answer"])


@pytest.mark.parametrize("peer", PUBLIC)
def test_a_refresh_token_brings_the_next_tokens_and_is_used_up(
    served: Served, peers: Peers, peer: str
) -> None:
    """RFC 9700, 4.14.2: whoever uses it again is a thief or was robbed, and the whole family of tokens ends."""
    first = walk(served, peers, peer, BROWSER)["tokens"]["refresh_token"]
    done = peers[peer].ask("refresh_grant", **address(served), **BROWSER, token=first)
    checked(done["answer"])
    second = done["tokens"]["refresh_token"]
    assert second != first
    for token in (first, second):
        with pytest.raises(Refused) as caught:
            peers[peer].ask("refresh_grant", **address(served), **BROWSER, token=token)
        assert caught.value.code == "invalid_grant"


@pytest.mark.parametrize("peer", [name for name in WALKERS if not name.startswith("authlib")])
def test_a_refusal_by_the_person_is_understood(served: Served, peers: Peers, peer: str) -> None:
    """All but Authlib's clients look for it themselves; there the application does."""
    url = peers[peer].ask("authorization_url", **address(served), **SITE, **ASKED)
    with pytest.raises(Refused) as caught:
        peers[peer].ask(
            "code_grant", **address(served), **SITE, callback=visit(served.http, url, decision="deny")
        )
    assert caught.value.code == "access_denied"


@pytest.mark.parametrize("peer", ["openid-client", "oauth4webapi", "requests_oauth2client"])
def test_an_answer_that_names_another_issuer_is_not_believed(served: Served, peers: Peers, peer: str) -> None:
    """RFC 9207: the gateway names itself in the answer, so that a mix-up of servers is noticed."""
    url = peers[peer].ask("authorization_url", **address(served), **SITE, **ASKED)
    callback = visit(served.http, url)
    assert parse_qs(urlsplit(callback).query)["iss"] == [served.issuer]
    other = callback.replace(quote(served.issuer, safe=""), quote("https://evil.example/oauth", safe=""))
    assert other != callback
    with pytest.raises(Refused, match=r"iss|Mismatching"):
        peers[peer].ask("code_grant", **address(served), **SITE, callback=other)
