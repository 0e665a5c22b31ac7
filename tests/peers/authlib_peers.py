"""Authlib's clients: the one on requests, and the asynchronous one on httpx."""

from __future__ import annotations

import asyncio
from typing import Any

from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwk as jose

from tests.peers.peer import GRAPHQL, PythonPeer


def metadata(given: dict[str, Any]) -> str:
    """Where the library looks for the metadata."""
    return f"{given['issuer']}/.well-known/oauth-authorization-server"


def options(given: dict[str, Any]) -> dict[str, Any]:
    """What a client of Authlib's is configured with."""
    return {
        "client_id": given["id"],
        "client_secret": jose.import_key(given["jwk"]) if "jwk" in given else given.get("secret"),
        "token_endpoint_auth_method": given["method"],
        "revocation_endpoint_auth_method": given["method"],
        "code_challenge_method": "S256",
    }


def register(client: Any, given: dict[str, Any], server: dict[str, Any]) -> None:
    """Have a client sign its assertions, where it has a key."""
    if "jwk" in given:
        header = {"kid": given["kid"]} if "kid" in given else None
        signer = PrivateKeyJWT(server["token_endpoint"], headers=header, alg=given["jwk"]["alg"])
        client.register_client_auth_method(signer)


class AuthlibRequests(PythonPeer):
    """`authlib.integrations.requests_client`."""

    errors = (OAuthError,)

    def __init__(self) -> None:
        self._flows: dict[str, tuple[OAuth2Session, str]] = {}

    def session(self, given: dict[str, Any]) -> OAuth2Session:
        """A session of an application, with the metadata of whom it asks."""
        session = OAuth2Session(**options(given))
        session.server = session.get(metadata(given), withhold_token=True).json()
        register(session, given, session.server)
        return session

    def client_credentials(self, **given: Any) -> Any:
        """A token for the application itself, and the answer to its bearer."""
        with self.session(given) as session:
            session.fetch_token(session.server["token_endpoint"], **given["parameters"])
            return self._answered(session, given)

    def authorization_url(self, **given: Any) -> str:
        """Where to send a person's browser."""
        session, verifier = self.session(given), generate_token(48)
        self._flows[given["id"]] = session, verifier
        url, _ = session.create_authorization_url(
            session.server["authorization_endpoint"], code_verifier=verifier, **given["parameters"]
        )
        return str(url)

    def code_grant(self, **given: Any) -> Any:
        """The tokens for what a browser came back with."""
        session, verifier = self._flows[given["id"]]
        session.fetch_token(
            session.server["token_endpoint"],
            authorization_response=given["callback"],
            redirect_uri=given["callback"].partition("?")[0],
            code_verifier=verifier,
        )
        return self._answered(session, given)

    def refresh_grant(self, **given: Any) -> Any:
        """The next tokens."""
        session, _ = self._flows[given["id"]]
        session.refresh_token(session.server["token_endpoint"], refresh_token=given["token"])
        return self._answered(session, given)

    def introspection(self, **given: Any) -> Any:
        """What the server says of a token."""
        with self.session(given) as session:
            return session.introspect_token(
                session.server["introspection_endpoint"], token=given["token"]
            ).json()

    def revocation(self, **given: Any) -> None:
        """End a token."""
        with self.session(given) as session:
            response = session.revoke_token(session.server["revocation_endpoint"], token=given["token"])
            response.raise_for_status()

    def _answered(self, session: OAuth2Session, given: dict[str, Any]) -> Any:
        answer = session.post(given["resource"], json=GRAPHQL).json()
        return {"tokens": dict(session.token), "answer": answer}


class AuthlibHttpx(PythonPeer):
    """`authlib.integrations.httpx_client`, without blocking."""

    errors = (OAuthError,)

    def __init__(self) -> None:
        self._flows: dict[str, str] = {}

    def client_credentials(self, **given: Any) -> Any:
        """A token for the application itself, and the answer to its bearer."""
        return asyncio.run(self._granted(given, **given["parameters"]))

    def authorization_url(self, **given: Any) -> str:
        """Where to send a person's browser."""
        return asyncio.run(self._authorization_url(given))

    def code_grant(self, **given: Any) -> Any:
        """The tokens for what a browser came back with."""
        return asyncio.run(
            self._granted(
                given,
                authorization_response=given["callback"],
                redirect_uri=given["callback"].partition("?")[0],
                code_verifier=self._flows[given["id"]],
            )
        )

    def refresh_grant(self, **given: Any) -> Any:
        """The next tokens."""
        return asyncio.run(self._granted(given, grant_type="refresh_token", refresh_token=given["token"]))

    async def _authorization_url(self, given: dict[str, Any]) -> str:
        verifier = self._flows[given["id"]] = generate_token(48)
        async with AsyncOAuth2Client(**options(given)) as client:
            server = (await client.request("GET", metadata(given), withhold_token=True)).json()
            url, _ = client.create_authorization_url(
                server["authorization_endpoint"], code_verifier=verifier, **given["parameters"]
            )
            return str(url)

    async def _granted(self, given: dict[str, Any], **asked: Any) -> Any:
        async with AsyncOAuth2Client(**options(given)) as client:
            server = (await client.request("GET", metadata(given), withhold_token=True)).json()
            register(client, given, server)
            tokens = await client.fetch_token(server["token_endpoint"], **asked)
            answer = await client.post(given["resource"], json=GRAPHQL)
            return {"tokens": dict(tokens), "answer": answer.json()}
