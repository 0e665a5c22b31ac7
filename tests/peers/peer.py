"""A peer: somebody else's OAuth software, unmodified, that plays scenarios against the gateway.

Each scenario is used as the peer's documentation has it, and takes what that software would be configured with:
`issuer` and `resource`, an application's `id`, its `method` of authentication with `secret` or `jwk` (and `kid` where
assertions shall name it), and the `parameters` of the request.
"""

from __future__ import annotations

from typing import Any, Protocol

from tests.peers.served import QUERY, Served, key, secret

GRAPHQL = {"query": QUERY}


class Refused(Exception):
    """What a peer threw, by the OAuth error that it understood, or the name it gives to another one."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Peer(Protocol):
    """Software that plays scenarios."""

    def ask(self, scenario: str, **given: Any) -> Any:
        """What came of it. Raises `Refused`."""


class PythonPeer:
    """A peer in this process: its methods are the scenarios."""

    errors: tuple[type[Exception], ...] = ()

    def ask(self, scenario: str, **given: Any) -> Any:
        """What came of it. Raises `Refused` with the OAuth error in what the library raised."""
        try:
            return getattr(self, scenario)(**given)
        except self.errors as error:
            raise Refused(self.code(error), str(error)) from error

    def code(self, error: Exception) -> str:
        """The OAuth error that an exception stands for."""
        return str(getattr(error, "error", None) or type(error).__name__)


def address(served: Served) -> dict[str, str]:
    """What a peer is told of the gateway, and no more."""
    return {"issuer": served.issuer, "resource": served.resource}


def by_secret(id: str, method: str = "client_secret_basic") -> dict[str, Any]:
    """How an application with a secret authenticates."""
    return {"id": id, "method": method, "secret": secret(id)}


def by_key(id: str, algorithm: str, named: bool = True) -> dict[str, Any]:
    """How an application with a key authenticates; with the key's id in the assertion or without."""
    own = key(algorithm, id).as_dict(private=True)
    return {"id": id, "method": "private_key_jwt", "jwk": own, **({"kid": own["kid"]} if named else {})}
