"""Discovery: who knows one address of the gateway's finds all the others, and believes what it finds."""

from __future__ import annotations

import pytest

from tests.peers.conftest import Peers
from tests.peers.peer import address, by_secret
from tests.peers.served import Served

FINDERS = ("openid-client", "oauth4webapi")


@pytest.mark.parametrize("peer", FINDERS)
def test_the_issuer_is_enough(served: Served, peers: Peers, peer: str) -> None:
    """RFC 8414, from an issuer with a path; each checks that the document names the issuer it was asked for."""
    found = peers[peer].ask("metadata", **address(served), **by_secret("shop"))
    assert found["issuer"] == served.issuer
    assert found["token_endpoint"].startswith(served.issuer)


def test_the_address_of_the_graphql_endpoint_is_enough(served: Served, peers: Peers) -> None:
    """RFC 9728: a refusal says where the metadata is, that says whom to ask, and that one says how."""
    done = peers["oauth4webapi"].ask("resource_discovery", **address(served))
    assert done["found"] == done["direct"]
    assert done["found"]["resource"] == served.resource
    assert done["server"]["issuer"] == served.issuer
