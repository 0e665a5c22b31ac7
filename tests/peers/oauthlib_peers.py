"""oauthlib, which knows OAuth and no HTTP, and requests-oauthlib, which is oauthlib on requests."""

from __future__ import annotations

from typing import Any

import httpx
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.peers.peer import GRAPHQL, PythonPeer


class RequestsOauthlib(PythonPeer):
    """`requests_oauthlib`."""

    errors = (OAuth2Error,)

    def client_credentials(self, **given: Any) -> Any:
        """A token for the application itself, and the answer to its bearer."""
        with OAuth2Session(client=BackendApplicationClient(given["id"])) as session:
            tokens = session.fetch_token(
                f"{given['issuer']}/token", **self._credentials(given), **given["parameters"]
            )
            return {"tokens": dict(tokens), "answer": session.post(given["resource"], json=GRAPHQL).json()}

    def _credentials(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["method"] == "client_secret_basic":
            return {"auth": HTTPBasicAuth(given["id"], given["secret"])}
        return {"client_secret": given["secret"], "include_client_id": True}


class Oauthlib(PythonPeer):
    """`oauthlib` alone, with httpx to carry what it says."""

    errors = (OAuth2Error,)

    def client_credentials(self, **given: Any) -> Any:
        """A token for the application itself, and the answer to its bearer."""
        client = BackendApplicationClient(given["id"])
        extra = {"client_secret": given["secret"]} if given["method"] == "client_secret_post" else {}
        url, headers, body = client.prepare_token_request(
            f"{given['issuer']}/token", include_client_id=bool(extra), **extra, **given["parameters"]
        )
        with httpx.Client() as http:
            basic = None if extra else (given["id"], given["secret"])
            response = http.post(url, headers=headers, content=body, auth=basic)
            tokens = client.parse_request_body_response(response.text)
            url, headers, body = client.add_token(given["resource"], "POST")
            return {"tokens": dict(tokens), "answer": http.post(url, headers=headers, json=GRAPHQL).json()}
