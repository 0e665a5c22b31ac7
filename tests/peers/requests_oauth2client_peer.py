"""requests_oauth2client: the client for Python with the newest parts of OAuth."""

from __future__ import annotations

from typing import Any

from requests_oauth2client import (
    AuthorizationRequest,
    AuthorizationResponseError,
    BearerToken,
    ClientSecretBasic,
    ClientSecretPost,
    EndpointError,
    InvalidAuthResponse,
    OAuth2Client,
    PrivateKeyJwt,
    PublicApp,
)

from tests.peers.peer import GRAPHQL, PythonPeer


class RequestsOAuth2Client(PythonPeer):
    """`requests_oauth2client`; its client is no context manager here, for it swallows what is raised inside."""

    errors = (EndpointError, AuthorizationResponseError, InvalidAuthResponse)

    def __init__(self) -> None:
        self._flows: dict[str, tuple[OAuth2Client, AuthorizationRequest]] = {}

    def client(self, given: dict[str, Any]) -> OAuth2Client:
        """A client that finds its way by itself."""
        binding = {"dpop_bound_access_tokens": True, "dpop_alg": given["dpop"]} if given.get("dpop") else {}
        return OAuth2Client.from_discovery_endpoint(
            f"{given['issuer']}/.well-known/oauth-authorization-server",
            issuer=given["issuer"],
            auth=_authentication(given),
            redirect_uri=given.get("parameters", {}).get("redirect_uri"),
            testing=given["issuer"].startswith("http:"),
            **binding,
        )

    def client_credentials(self, **given: Any) -> Any:
        """A token for the application itself, and the answer to its bearer."""
        client = self.client(given)
        return self._answered(client, client.client_credentials(**given["parameters"]), given)

    def authorization_url(self, **given: Any) -> str:
        """Where to send a person's browser."""
        client = self.client(given)
        request = client.authorization_request(**given["parameters"])
        self._flows[given["id"]] = client, request
        return str(request.uri)

    def code_grant(self, **given: Any) -> Any:
        """The tokens for what a browser came back with."""
        client, request = self._flows[given["id"]]
        came = request.validate_callback(given["callback"])
        return self._answered(client, client.authorization_code(came), given)

    def refresh_grant(self, **given: Any) -> Any:
        """The next tokens."""
        client, _ = self._flows[given["id"]]
        return self._answered(client, client.refresh_token(given["token"]), given)

    def introspection(self, **given: Any) -> Any:
        """What the server says of a token."""
        return self.client(given).introspect_token(given["token"])

    def revocation(self, **given: Any) -> None:
        """End a token."""
        assert self.client(given).revoke_token(given["token"])

    def _answered(self, client: OAuth2Client, tokens: BearerToken, given: dict[str, Any]) -> Any:
        answer = client.session.post(given["resource"], json=GRAPHQL, auth=tokens)
        return {"tokens": tokens.as_dict(), "answer": answer.json()}


def _authentication(given: dict[str, Any]) -> Any:
    if given["method"] == "private_key_jwt":
        # It knows Ed25519 by its older name.
        algorithm = given["jwk"]["alg"].replace("Ed25519", "EdDSA")
        return PrivateKeyJwt(given["id"], {**given["jwk"], "alg": algorithm}, alg=algorithm)
    if given["method"] == "none":
        return PublicApp(given["id"])
    kind = ClientSecretBasic if given["method"] == "client_secret_basic" else ClientSecretPost
    return kind(given["id"], given["secret"])
