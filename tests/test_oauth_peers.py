"""Peers: other people's OAuth software, unmodified, over a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet

from tests.test_oauth import World, world


@asynccontextmanager
async def served(state: Path) -> AsyncIterator[World]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with world(state, f"http://127.0.0.1:{listener.getsockname()[1]}") as here:
            server = uvicorn.Server(uvicorn.Config(here.app, lifespan="off", ws="none", log_level="warning"))
            running = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                yield here
            finally:
                server.should_exit = True
                await running


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_authlibs_requests_client_is_served(tmp_path: Path, method: str) -> None:
    async with served(tmp_path) as here:
        session = OAuth2Session(
            "shop", here.secrets["shop"], token_endpoint_auth_method=method, scope="orders:read"
        )
        token = await asyncio.to_thread(session.fetch_token, f"{here.settings.issuer}/token")
        session.close()
        caller = await here.verifier.authenticate(f"{token['token_type']} {token['access_token']}")
    assert (caller.application, caller.scopes) == ("shop", {"orders:read"})


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_authlibs_httpx_client_is_served_from_discovery_on(tmp_path: Path, method: str) -> None:
    async with (
        served(tmp_path) as here,
        AsyncOAuth2Client("shop", here.secrets["shop"], token_endpoint_auth_method=method) as client,
    ):
        found = await client.request(
            "GET", f"{here.settings.origin}/.well-known/oauth-authorization-server/oauth", withhold_token=True
        )
        token = await client.fetch_token(found.json()["token_endpoint"], purpose="targeted_offers")
        caller = await here.verifier.authenticate(f"Bearer {token['access_token']}")
    assert (caller.application, caller.purpose) == ("shop", "targeted_offers")


async def test_a_client_library_understands_the_refusal(tmp_path: Path) -> None:
    async with served(tmp_path) as here, AsyncOAuth2Client("shop", "wrong") as client:
        with pytest.raises(OAuthError) as caught:
            await client.fetch_token(f"{here.settings.issuer}/token")
    assert caught.value.error == "invalid_client"


async def test_authlibs_resource_server_accepts_the_token(tmp_path: Path) -> None:
    """RFC 9068 as another reads it: the token and the published keys are enough for a stranger."""
    async with served(tmp_path) as here, AsyncOAuth2Client("shop", here.secrets["shop"]) as client:
        token = await client.fetch_token(f"{here.settings.issuer}/token")
        published = (
            await client.request("GET", f"{here.settings.issuer}/jwks.json", withhold_token=True)
        ).json()

    class Stranger(JWTBearerTokenValidator):  # type: ignore[misc]
        def get_jwks(self) -> KeySet:
            return KeySet.import_key_set(published)

    stranger = Stranger(issuer=here.settings.issuer, resource_server=here.settings.audience)
    claims: Any = stranger.authenticate_token(token["access_token"])
    stranger.validate_token(claims, ["orders:read"], None)
    assert claims["client_id"] == "shop"
