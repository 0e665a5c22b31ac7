"""A whole gateway whose applications ask for their tokens at its own token endpoint."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt

from gateway.access.agreements import CONTRACT
from gateway.oauth.applications import Known, add
from gateway.oauth.keys import signing_keys
from gateway.schema import declared_schema
from tests.conftest import ALL_SCOPES, Gateway, start
from tests.world import speaking_world

APPLICATIONS = {
    "bazaar": ("ALIBABA", ["analytics", "targeted_offers"]),
    "pandao": ("MAILRU", ["analytics", "demand_forecast"]),
    "fund": ("RDIF", ["reporting"]),
}
"""Each with the scopes of its party; the first purpose is the one of a token asked for without."""


def detail(party: str, *datasets: str, **more: Any) -> dict[str, Any]:
    """One entry of `authorization_details`."""
    return {"type": "partner_data", "party": party, "datasets": list(datasets), **more}


class Exchange:
    """A gateway over everybody's rows, and its token endpoint."""

    def __init__(self, gateway: Gateway, secrets: Mapping[str, str]) -> None:
        self.gateway = gateway
        self.secrets = secrets
        self.http = gateway.client

    async def post(self, application: str, body: Any) -> httpx.Response:
        """A token request of an application; pairs where a parameter is sent more than once."""
        pairs = [("grant_type", "client_credentials"), *(body.items() if isinstance(body, dict) else body)]
        content = str(httpx.QueryParams(pairs))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self.http.post(
            "/oauth/token", content=content, headers=headers, auth=(application, self.secrets[application])
        )

    async def details(self, application: str, details: Any, **form: str) -> httpx.Response:
        """A token request with details: JSON of anything but a text, which goes as it is."""
        text = details if isinstance(details, str) else json.dumps(details)
        return await self.post(application, {"authorization_details": text, **form})

    async def token(self, application: str, *details: Any, **form: str) -> str:
        """The token an application is given."""
        answer = await (
            self.details(application, list(details), **form) if details else self.post(application, form)
        )
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    def claims(self, token: str) -> dict[str, Any]:
        """What the token says."""
        key = signing_keys(self.gateway.settings.state).current
        return jwt.decode(token, key, algorithms=["ES256"]).claims

    async def ask(self, token: str, document: str) -> Any:
        """The answer to an operation, as JSON."""
        answer = await self.gateway.post({"query": document}, token)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def exchange(folder: Path, **options: Any) -> AsyncIterator[Exchange]:
    """An exchange in a folder of its own."""
    known = Known(CONTRACT.parties, declared_schema().scopes, CONTRACT.purposes)
    async for gateway in start(folder, speaking_world(), **options):
        async with gateway.writing() as connection:
            secrets = {
                id: await add(connection, id, id.title(), party, _scopes(party), purposes, known)
                for id, (party, purposes) in APPLICATIONS.items()
            }
        yield Exchange(gateway, secrets)


def _scopes(party: str) -> Sequence[str]:
    return ALL_SCOPES[party].split()


def refused(answer: httpx.Response, code: str) -> str:
    """Why the request was refused, as it says."""
    assert answer.status_code == 400, answer.text
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.json()["error"] == code
    assert answer.headers["cache-control"] == "no-store"
    description: str = answer.json()["error_description"]
    return description
