"""Authlib's clients: the one on requests, and the asynchronous one on httpx."""

from __future__ import annotations

import asyncio
from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwk as jose

from tests.peers.peer import GRAPHQL, PythonPeer


class AuthlibRequests(PythonPeer):
    """`authlib.integrations.requests_client`."""

    errors = (OAuthError,)

    def session(self, given: dict[str, Any]) -> OAuth2Session:
        """A session of an application, with the metadata of whom it asks."""
        session = OAuth2Session(
            given["id"],
            _credential(given),
            token_endpoint_auth_method=given["method"],
            revocation_endpoint_auth_method=given["method"],
            code_challenge_method="S256",
        )
        session.server = session.get(_metadata(given["issuer"]), withhold_token=True).json()
        _sign(session, given, session.server)
        return session

    def client_credentials(self, **given: Any) -> Any:
        """A token for the application itself, and the answer to its bearer."""
        with self.session(given) as session:
            tokens = session.fetch_token(session.server["token_endpoint"], **given["parameters"])
            return {
                "tokens": dict(tokens),
                "answer": session.post(given["resource"], json=GRAPHQL).json(),
            }


class AuthlibHttpx(PythonPeer):
    """`authlib.integrations.httpx_client`, without blocking."""

    errors = (OAuthError,)

    def client_credentials(self, **given: Any) -> Any:
        """A token for the application itself, and the answer to its bearer."""
        return asyncio.run(self._client_credentials(given))

    async def _client_credentials(self, given: dict[str, Any]) -> Any:
        async with AsyncOAuth2Client(
            given["id"], _credential(given), token_endpoint_auth_method=given["method"]
        ) as client:
            server = (await client.request("GET", _metadata(given["issuer"]), withhold_token=True)).json()
            _sign(client, given, server)
            tokens = await client.fetch_token(server["token_endpoint"], **given["parameters"])
            answer = await client.post(given["resource"], json=GRAPHQL)
            return {"tokens": dict(tokens), "answer": answer.json()}


def _metadata(issuer: str) -> str:
    return f"{issuer}/.well-known/oauth-authorization-server"


def _credential(given: dict[str, Any]) -> Any:
    return jose.import_key(given["jwk"]) if "jwk" in given else given.get("secret")


def _sign(client: Any, given: dict[str, Any], server: dict[str, Any]) -> None:
    if "jwk" in given:
        header = {"kid": given["kid"]} if "kid" in given else None
        signer = PrivateKeyJWT(server["token_endpoint"], headers=header, alg=given["jwk"]["alg"])
        client.register_client_auth_method(signer)
