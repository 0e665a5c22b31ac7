"""MSAL: Microsoft's library for Python, pointed at an issuer that is not Microsoft's."""

from __future__ import annotations

from typing import Any

import httpx
from msal import ConfidentialClientApplication

from tests.peers.peer import GRAPHQL, PythonPeer, Refused


class Msal(PythonPeer):
    """`msal`, which wants https and an issuer with a path."""

    def client_credentials(self, **given: Any) -> Any:
        """A token for the application itself, and the answer to its bearer."""
        application = ConfidentialClientApplication(
            given["id"],
            client_credential={"private_key_pfx_path": given["pfx"]} if "pfx" in given else given["secret"],
            oidc_authority=given["issuer"],
        )
        tokens = application.acquire_token_for_client(given["parameters"]["scope"].split())
        if "error" in tokens:
            raise Refused(tokens["error"], tokens["error_description"])
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        answer = httpx.post(given["resource"], json=GRAPHQL, headers=headers)
        return {"tokens": tokens, "answer": answer.json()}
