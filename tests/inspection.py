"""Applications that show tokens to the token service: to be told about them, or to have them ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from gateway.oauth.applications import applications, hash_secret
from tests.conftest import Gateway
from tests.people import _APPLICATION, SECRET, Flow, settle

CALLER = {"query": "{ caller { party } }"}

PANDAO = {
    **_APPLICATION,
    "id": "pandao",
    "name": "Pandao",
    "party": "MAILRU",
    "secret_hash": hash_secret(SECRET),
    "authentication": "client_secret",
    "grant_types": "client_credentials",
}
"""An application of another party."""


async def until(true: Callable[[], Awaitable[bool]]) -> float:
    """Wait until something is true, for longer than the stated bound; the seconds that took."""
    began = time.monotonic()
    for _ in range(200):
        if await true():
            return time.monotonic() - began
        await asyncio.sleep(0.02)
    raise AssertionError("it did not become true")


class Inspection:
    """A gateway with people and applications, and what an application asks about tokens."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.http = gateway.client

    async def service_token(self, application: str = "silent") -> str:
        """A token of an application that acts for itself."""
        form = {"grant_type": "client_credentials", "client_id": application, "client_secret": SECRET}
        token: str = (await self.http.post("/oauth/token", data=form)).json()["access_token"]
        return token

    async def tokens(self, application: str = "shop", **options: Any) -> dict[str, Any]:
        """The tokens of an application that acts for a person."""
        async with httpx.AsyncClient(transport=self.http._transport, base_url=self.http.base_url) as browser:
            return await Flow(browser, application=application, **options).tokens()

    async def show(self, endpoint: str, application: str, token: str, **form: str) -> httpx.Response:
        """Show a token to `introspect` or `revoke`."""
        proof = {"client_secret": SECRET} if application not in ("desk", "venture") else {}
        data = {"client_id": application, "token": token, **proof, **form}
        return await self.http.post(f"/oauth/{endpoint}", data=data)

    async def told(self, application: str, token: str, **form: str) -> Any:
        """What an application is told of a token."""
        answer = await self.show("introspect", application, token, **form)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def revoke(self, application: str, token: str, **form: str) -> None:
        """End a token."""
        answer = await self.show("revoke", application, token, **form)
        assert (answer.status_code, answer.json()) == (200, {})

    async def works(self, token: str) -> bool:
        """Whether the gateway takes a token."""
        answer = await self.gateway.post(CALLER, token)
        assert answer.status_code in (200, 401)
        return answer.status_code == 200


@pytest.fixture
async def here(gateway: Gateway) -> Inspection:
    """See `Inspection`."""
    async with gateway.writing() as connection:
        await settle(connection)
        await connection.execute(insert(applications).values(PANDAO))
    return Inspection(gateway)
