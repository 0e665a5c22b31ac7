"""requests_oauth2client: the client for Python with the newest parts of OAuth."""

from __future__ import annotations

from typing import Any

from requests_oauth2client import (
    ClientSecretBasic,
    ClientSecretPost,
    EndpointError,
    OAuth2Client,
    PrivateKeyJwt,
    PublicApp,
)

from tests.peers.peer import GRAPHQL, PythonPeer


class RequestsOAuth2Client(PythonPeer):
    """`requests_oauth2client`."""

    errors = (EndpointError,)

    def client(self, given: dict[str, Any], **options: Any) -> OAuth2Client:
        """A client that finds its way by itself."""
        return OAuth2Client.from_discovery_endpoint(
            f"{given['issuer']}/.well-known/oauth-authorization-server",
            issuer=given["issuer"],
            auth=_authentication(given),
            **options,
        )

    def client_credentials(self, **given: Any) -> Any:
        """A token for the application itself, and the answer to its bearer."""
        options = {"dpop_bound_access_tokens": True, "dpop_alg": given["dpop"]} if given.get("dpop") else {}
        client = self.client(given, **options)
        # Not the client itself, which swallows what is raised in its block.
        with client.session:
            tokens = client.client_credentials(**given["parameters"])
            answer = client.session.post(given["resource"], json=GRAPHQL, auth=tokens)
            return {"tokens": tokens.as_dict(), "answer": answer.json()}


def _authentication(given: dict[str, Any]) -> Any:
    if given["method"] == "private_key_jwt":
        return PrivateKeyJwt(given["id"], given["jwk"], alg=given["jwk"]["alg"])
    if given["method"] == "none":
        return PublicApp(given["id"])
    kind = ClientSecretBasic if given["method"] == "client_secret_basic" else ClientSecretPost
    return kind(given["id"], given["secret"])
