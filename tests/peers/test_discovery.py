"""Discovery: who knows one address of the gateway's finds all the others, and believes what it finds."""

from __future__ import annotations

import pytest

from tests.peers.conftest import Peers
from tests.peers.peer import address, by_secret
from tests.peers.served import Served

FINDERS = ("openid-client", "oauth4webapi")


@pytest.mark.parametrize("peer", FINDERS)
@pytest.mark.parametrize("algorithm", ["oauth2", "oidc"])
def test_the_issuer_is_enough(served: Served, peers: Peers, peer: str, algorithm: str) -> None:
    """From an issuer with a path, as RFC 8414 has it or as OpenID Connect; each checks who the document is of."""
    given = {**address(served), **by_secret("shop"), "algorithm": algorithm}
    found = peers[peer].ask("metadata", **given)
    assert found["issuer"] == served.issuer
    assert found["token_endpoint"].startswith(served.issuer)


def test_the_address_of_the_graphql_endpoint_is_enough(served: Served, peers: Peers) -> None:
    """RFC 9728: a refusal says where the metadata is, that says whom to ask, and that one says how."""
    done = peers["oauth4webapi"].ask("resource_discovery", **address(served))
    assert done["found"] == done["direct"]
    assert done["found"]["resource"] == served.resource
    assert done["server"]["issuer"] == served.issuer
