"""oidc-provider, from npm, as the identity provider of a party: its tokens are taken as the operator's settings say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from gateway.trust import Source, Trust
from tests.answers import data_of
from tests.peers.conftest import Peers
from tests.peers.node import NodePeer, running
from tests.peers.served import QUERY, Served, key, listening

CLIENT = {
    "client_id": "warehouse",
    "client_secret": "a secret between the two of them",
    "grant_types": ["client_credentials"],
    "redirect_uris": [],
    "response_types": [],
    "id_token_signed_response_alg": "ES256",
}
WAREHOUSE: dict[str, Any] = {
    "id": "warehouse",
    "method": "client_secret_basic",
    "secret": CLIENT["client_secret"],
}


class Party(NamedTuple):
    """A party's identity provider, and a gateway that trusts it."""

    issuer: str
    served: Served

    def ask(self, peers: Peers, peer: str, scope: str, resource: str = "", **given: Any) -> Any:
        """A token of the provider's that one of the peers gets, and what the gateway answers to its bearer."""
        asked = {"scope": scope, "resource": resource or self.served.resource}
        where = {"issuer": self.issuer, "resource": self.served.resource}
        return peers[peer].ask("client_credentials", **where, **WAREHOUSE, parameters=asked, **given)


@pytest.fixture(scope="module")
def party(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    """Alibaba's, which may let its applications read clients and no more."""
    with running("oidc_provider.mjs", remarks="oidc-provider ") as provider:
        issuer = _start(provider)
        trust = Trust(
            name="aliexpress",
            issuer=issuer,
            algorithms=("ES256",),
            party=Source(claim=("org",), values={"aliexpress": "ALIBABA"}),
            purpose=Source(fixed="analytics"),
            scopes=("clients:read",),
        )
        state = tmp_path_factory.mktemp("party")
        with listening(state, secure=False, issuers=(trust,)) as served:
            yield Party(issuer, served)
        provider.ask("stop")


def _start(provider: NodePeer) -> str:
    own = key("ES256", "oidc-provider").as_dict(private=True)
    scopes = ["clients:read", "clients:pii"]
    issuer: str = provider.ask("start", jwk=own, scopes=scopes, clients=[CLIENT])
    return issuer


def test_its_token_is_answered(party: Party, peers: Peers) -> None:
    """From its metadata and its keys, which the gateway finds by itself, to the rows of the party's clients."""
    done = party.ask(peers, "authlib-requests", "clients:read")
    assert done["answer"]["data"]["caller"] == {"party": "ALIBABA"}
    assert done["answer"]["data"]["clients"]["totalCount"] > 0


def test_its_bound_token_is_answered_with_proofs_alone(party: Party, peers: Peers) -> None:
    done = party.ask(peers, "requests_oauth2client", "clients:read", dpop="ES256")
    assert done["tokens"]["token_type"] == "DPoP"
    assert done["answer"]["data"]["caller"] == {"party": "ALIBABA"}
    headers = {"Authorization": f"Bearer {done['tokens']['access_token']}"}
    assert party.served.http.post("/graphql", json={"query": QUERY}, headers=headers).status_code == 401


def test_it_gives_nobody_more_than_the_operator_lets_it(party: Party, peers: Peers) -> None:
    """Its token may claim what it likes."""
    done = party.ask(peers, "authlib-requests", "clients:read clients:pii")
    assert done["tokens"]["scope"] == "clients:read clients:pii"
    headers = {"Authorization": f"Bearer {done['tokens']['access_token']}"}
    query = {"query": "{ caller { scopes } }"}
    answer = party.served.http.post("/graphql", json=query, headers=headers).json()
    assert data_of(answer) == {"caller": {"scopes": ["clients:read"]}}


def test_its_token_for_another_resource_is_refused(party: Party, peers: Peers) -> None:
    done = party.ask(peers, "authlib-requests", "clients:read", "https://elsewhere.example")
    assert done["answer"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_a_gateway_that_does_not_trust_it_refuses_its_token(
    party: Party, plain: Served, peers: Peers
) -> None:
    done = party.ask(peers, "authlib-requests", "clients:read", plain.resource)
    headers = {"Authorization": f"Bearer {done['tokens']['access_token']}"}
    assert plain.http.post("/graphql", json={"query": QUERY}, headers=headers).status_code == 401
