"""Metadata: an OAuth library that knows one address finds all others, and all of them agree."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

from gateway.oauth.tokens import LIFETIME
from tests.test_oauth import World, world

SERVER = ["/.well-known/oauth-authorization-server/oauth", "/oauth/.well-known/oauth-authorization-server"]
RESOURCE = ["/.well-known/oauth-protected-resource/graphql", "/.well-known/oauth-protected-resource"]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("path", SERVER)
async def test_the_server_describes_itself(here: World, path: str) -> None:
    """RFC 8414; the issuer is, letter by letter, the one in the tokens."""
    answer = await here.http.get(path)
    assert answer.json() == {
        "issuer": "https://gateway.example/oauth",
        "authorization_endpoint": "https://gateway.example/oauth/authorize",
        "token_endpoint": "https://gateway.example/oauth/token",
        "jwks_uri": "https://gateway.example/oauth/jwks.json",
        "scopes_supported": ["clients:pii", "clients:read", "orders:read"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["client_credentials", "authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
            "none",
        ],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256", "ES256", "Ed25519", "EdDSA"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "authorization_details_types_supported": ["partner_data"],
    }


async def test_authlib_finds_the_description_valid_and_where_it_looks(here: World) -> None:
    address = get_well_known_url(here.settings.issuer, external=True)
    found = (await here.http.get(address)).json()
    AuthorizationServerMetadata(found).validate()


@pytest.mark.parametrize("path", RESOURCE)
async def test_the_resource_says_who_issues_tokens_for_it(here: World, path: str) -> None:
    """RFC 9728."""
    answer = await here.http.get(path)
    assert answer.json() == {
        "resource": "https://gateway.example/graphql",
        "authorization_servers": ["https://gateway.example/oauth"],
        "scopes_supported": ["clients:pii", "clients:read", "orders:read"],
        "bearer_methods_supported": ["header"],
        "authorization_details_types_supported": ["partner_data"],
    }


async def test_what_the_description_names_is_there(here: World) -> None:
    described = (await here.http.get(SERVER[0])).json()
    assert (await here.http.get(urlsplit(described["jwks_uri"]).path)).status_code == 200
    assert (await here.http.post(urlsplit(described["token_endpoint"]).path)).status_code == 400


async def test_the_keys_are_published(here: World) -> None:
    answer = await here.http.get("/oauth/jwks.json")
    assert answer.json() == here.keys.public_set()
    assert '"d"' not in answer.text


@pytest.mark.parametrize("path", [*SERVER, *RESOURCE, "/oauth/jwks.json"])
async def test_documents_may_be_kept_for_minutes(here: World, path: str) -> None:
    """A key is to be published this long before it signs, so the time is a promise."""
    answer = await here.http.get(path)
    assert answer.headers["cache-control"] == f"public, max-age={LIFETIME}"
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", [*SERVER, *RESOURCE])
async def test_no_spoofed_host_gets_into_a_document(here: World, path: str) -> None:
    """A cache on the way would hand the spoofed document to everybody."""
    spoofed = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    assert "evil" not in (await here.http.get(path, headers=spoofed)).text


@pytest.mark.parametrize("path", [*SERVER, *RESOURCE, "/oauth/jwks.json"])
async def test_documents_are_only_read(here: World, path: str) -> None:
    assert (await here.http.post(path)).status_code == 405
    assert (await here.http.head(path)).status_code == 200
