"""Metadata: an OAuth library that knows one address finds all others, and all of them agree."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

from gateway.oauth.keys import LOOK, key_file
from gateway.oauth.metadata import MAX_AGE
from gateway.oauth.rotation import replace_all
from tests.people import claims
from tests.test_oauth import World, world

SERVER = ["/.well-known/oauth-authorization-server/oauth", "/oauth/.well-known/oauth-authorization-server"]
PROVIDER = ["/.well-known/openid-configuration/oauth", "/oauth/.well-known/openid-configuration"]
RESOURCE = ["/.well-known/oauth-protected-resource/graphql", "/.well-known/oauth-protected-resource"]
ALL = [*SERVER, *PROVIDER, *RESOURCE, "/oauth/jwks.json"]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("path", [*SERVER, *PROVIDER])
async def test_the_issuer_is_letter_by_letter_the_one_in_the_tokens(here: World, path: str) -> None:
    """RFC 8414, 3.3: a library refuses any other, so that no server speaks for another."""
    described = (await here.http.get(path)).json()
    token = (await here.ask()).json()["access_token"]
    assert described["issuer"] == here.settings.issuer == claims(token)["iss"]


async def test_both_addresses_of_a_document_say_the_same(here: World) -> None:
    """OpenID Discovery's says one thing more, which RFC 8414 does not know."""
    server, also = [(await here.http.get(path)).json() for path in SERVER]
    provider, again = [(await here.http.get(path)).json() for path in PROVIDER]
    assert (server, provider) == (also, again)
    assert provider == {**server, "subject_types_supported": ["public"]}


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
        "dpop_signing_alg_values_supported": ["ES256", "PS256", "Ed25519", "EdDSA"],
        "dpop_bound_access_tokens_required": False,
    }


async def test_the_keys_are_published(here: World) -> None:
    answer = await here.http.get("/oauth/jwks.json")
    assert answer.json() == here.keys.public_set()
    assert '"d"' not in answer.text


@pytest.mark.parametrize("path", ALL)
async def test_documents_may_be_kept_for_minutes(here: World, path: str) -> None:
    """A key is to be published this long before it signs, so the time is a promise."""
    answer = await here.http.get(path)
    assert answer.headers["cache-control"] == f"public, max-age={MAX_AGE}"
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ALL)
async def test_no_spoofed_host_gets_into_a_document(here: World, path: str) -> None:
    """A cache on the way would hand the spoofed document to everybody."""
    spoofed = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    assert "evil" not in (await here.http.get(path, headers=spoofed)).text


@pytest.mark.parametrize("path", ALL)
async def test_documents_are_only_read(here: World, path: str) -> None:
    assert (await here.http.post(path)).status_code == 405
    assert (await here.http.head(path)).status_code == 200


@pytest.mark.parametrize("path", ALL)
async def test_who_has_a_document_is_told_that_it_still_stands(here: World, path: str) -> None:
    """RFC 9110, 13.1.2: one line instead of the whole, for all who ask every few minutes."""
    tag = (await here.http.get(path)).headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = await here.http.get(path, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        assert answer.headers["cache-control"] == f"public, max-age={MAX_AGE}"
    for other in ('"other"', "", tag.strip('"')):
        answer = await here.http.get(path, headers={"If-None-Match": other})
        assert (answer.status_code, answer.headers["etag"]) == (200, tag)


async def test_the_tag_of_the_keys_changes_with_them(here: World) -> None:
    """Else a resource server would keep the old keys for ever."""
    before = await here.http.get("/oauth/jwks.json")
    replace_all(key_file(here.settings.state), int(time.time()))
    await asyncio.sleep(LOOK)
    after = await here.http.get("/oauth/jwks.json", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.json() != before.json()
