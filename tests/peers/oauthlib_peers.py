"""oauthlib, which knows OAuth and no HTTP, and requests-oauthlib, which is oauthlib on requests."""

from __future__ import annotations

from typing import Any

import httpx
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error, WebApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.peers.peer import GRAPHQL, PythonPeer


class RequestsOauthlib(PythonPeer):
    """`requests_oauthlib`."""

    errors = (OAuth2Error,)

    def __init__(self) -> None:
        self._flows: dict[str, OAuth2Session] = {}

    def client_credentials(self, **given: Any) -> Any:
        """A token for the application itself, and the answer to its bearer."""
        with OAuth2Session(client=BackendApplicationClient(given["id"])) as session:
            session.fetch_token(f"{given['issuer']}/token", **self._credentials(given), **given["parameters"])
            return self._answered(session, given)

    def authorization_url(self, **given: Any) -> str:
        """Where to send a person's browser."""
        asked = given["parameters"]
        session = OAuth2Session(
            given["id"], redirect_uri=asked["redirect_uri"], scope=asked["scope"], pkce="S256"
        )
        self._flows[given["id"]] = session
        url, _ = session.authorization_url(f"{given['issuer']}/authorize")
        return str(url)

    def code_grant(self, **given: Any) -> Any:
        """The tokens for what a browser came back with."""
        session = self._flows[given["id"]]
        session.fetch_token(
            f"{given['issuer']}/token", authorization_response=given["callback"], **self._credentials(given)
        )
        return self._answered(session, given)

    def refresh_grant(self, **given: Any) -> Any:
        """The next tokens."""
        session, credentials = self._flows[given["id"]], self._credentials(given)
        if "include_client_id" in credentials:
            credentials = {"client_id": given["id"], "client_secret": given.get("secret")}
        session.refresh_token(f"{given['issuer']}/token", refresh_token=given["token"], **credentials)
        return self._answered(session, given)

    def _credentials(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["method"] == "client_secret_basic":
            return {"auth": HTTPBasicAuth(given["id"], given["secret"])}
        if given["method"] == "none":
            return {"include_client_id": True}
        return {"client_secret": given["secret"], "include_client_id": True}

    def _answered(self, session: OAuth2Session, given: dict[str, Any]) -> Any:
        return {
            "tokens": dict(session.token),
            "answer": session.post(given["resource"], json=GRAPHQL).json(),
        }


class Oauthlib(PythonPeer):
    """`oauthlib` alone, with httpx to carry what it says."""

    errors = (OAuth2Error,)

    def __init__(self) -> None:
        self._flows: dict[str, tuple[WebApplicationClient, str]] = {}

    def client_credentials(self, **given: Any) -> Any:
        """A token for the application itself, and the answer to its bearer."""
        client = BackendApplicationClient(given["id"])
        request = client.prepare_token_request(
            f"{given['issuer']}/token", **self._credentials(given), **given["parameters"]
        )
        return self._carried(client, request, given)

    def authorization_url(self, **given: Any) -> str:
        """Where to send a person's browser."""
        client = WebApplicationClient(given["id"])
        verifier = client.create_code_verifier(64)
        asked = given["parameters"]
        url, _, _ = client.prepare_authorization_request(
            f"{given['issuer']}/authorize",
            redirect_url=asked["redirect_uri"],
            scope=asked["scope"],
            code_challenge=client.create_code_challenge(verifier, "S256"),
            code_challenge_method="S256",
        )
        self._flows[given["id"]] = client, client.state
        return str(url)

    def code_grant(self, **given: Any) -> Any:
        """The tokens for what a browser came back with."""
        client, state = self._flows[given["id"]]
        request = client.prepare_token_request(
            f"{given['issuer']}/token",
            authorization_response=given["callback"],
            redirect_url=given["callback"].partition("?")[0],
            state=state,
            code_verifier=client.code_verifier,
            **self._credentials(given),
        )
        return self._carried(client, request, given)

    def refresh_grant(self, **given: Any) -> Any:
        """The next tokens."""
        client, _ = self._flows[given["id"]]
        # Here it takes the id itself for what it takes a flag elsewhere.
        named = {"client_id": given["id"]} if given["method"] == "none" else self._credentials(given)
        request = client.prepare_refresh_token_request(
            f"{given['issuer']}/token", refresh_token=given["token"], **named
        )
        return self._carried(client, request, given)

    def _credentials(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["method"] == "client_secret_basic":
            return {"include_client_id": False}
        secret = {"client_secret": given["secret"]} if given["method"] == "client_secret_post" else {}
        return {"include_client_id": True, **secret}

    def _carried(self, client: Any, request: tuple[str, dict[str, str], str], given: dict[str, Any]) -> Any:
        """Carry a request of the library's, and what it makes of the answer to the resource."""
        url, headers, body = request
        basic = (given["id"], given["secret"]) if given["method"] == "client_secret_basic" else None
        with httpx.Client() as http:
            response = http.post(url, headers=headers, content=body, auth=basic)
            tokens = client.parse_request_body_response(response.text)
            url, headers, _ = client.add_token(given["resource"], "POST")
            return {"tokens": dict(tokens), "answer": http.post(url, headers=headers, json=GRAPHQL).json()}
