"""What every test of the peers is given: the gateway over https and over http, and each peer at work, once for all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.peers.authlib_peers import AuthlibHttpx, AuthlibRequests
from tests.peers.msal_peer import Msal
from tests.peers.node import running
from tests.peers.oauthlib_peers import Oauthlib, RequestsOauthlib
from tests.peers.peer import Peer
from tests.peers.requests_oauth2client_peer import RequestsOAuth2Client
from tests.peers.served import Served, listening

PYTHON = {
    "authlib-requests": AuthlibRequests,
    "authlib-httpx": AuthlibHttpx,
    "requests-oauthlib": RequestsOauthlib,
    "oauthlib": Oauthlib,
    "requests_oauth2client": RequestsOAuth2Client,
    "msal": Msal,
}
NODE = {
    "openid-client": "openid_client.mjs",
    "oauth4webapi": "oauth4webapi.mjs",
    "simple-oauth2": "simple_oauth2.mjs",
    "msal-node": "msal_node.mjs",
}


class Peers:
    """All peers by name; those of Node are started when one is first asked for."""

    def __init__(self, open_processes: ExitStack) -> None:
        self._open = open_processes
        self._found: dict[str, Peer] = {}

    def __getitem__(self, name: str) -> Peer:
        if name not in self._found:
            self._found[name] = self._start(name)
        return self._found[name]

    def _start(self, name: str) -> Peer:
        if name in PYTHON:
            return PYTHON[name]()
        return self._open.enter_context(running(NODE[name]))


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway over https."""
    with listening(tmp_path_factory.mktemp("https")) as found:
        yield found


@pytest.fixture(scope="package")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway over http on a loopback address, as on a developer's machine."""
    with listening(tmp_path_factory.mktemp("http"), secure=False) as found:
        yield found


@pytest.fixture(scope="package")
def peers(served: Served) -> Iterator[Peers]:
    """Everybody, in an environment that trusts whoever signed the gateway's certificate."""
    with pytest.MonkeyPatch.context() as environment, ExitStack() as processes:
        for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
            environment.setenv(name, str(served.certificates))
        yield Peers(processes)
