"""A token service to which applications prove themselves by assertions; each of its refusals says the same."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.oauth.applications import Application, register
from gateway.oauth.public_keys import read_keys
from tests.assertions import Key, form, jwks, key
from tests.test_oauth import KNOWN, World, world

EC = {"alg": "ES256", "typ": "JWT"}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    """A token service with the applications `batch` and `strict`, each with an RSA, an EC and an Ed25519 key."""
    async with world(tmp_path) as opened:
        await give(opened, "batch", [key("RSA"), key("EC"), key("OKP")])
        await give(opened, "strict", [key("RSA"), key("EC"), key("OKP")], strict_audience=1)
        yield opened


async def give(here: World, id: str, keys: Sequence[Key], **options: Any) -> None:
    """Register an application with these keys."""
    stored = read_keys(jwks(*keys).encode())
    application = Application(
        id, id, "ALIBABA", ("orders:read",), ("analytics",), authentication="private_key_jwt", jwks=stored
    )
    async with here.engine.begin() as connection:
        changed = {name: getattr(application, name) for name in Application.__slots__} | options
        assert await register(connection, Application(**changed), KNOWN) is None


async def ask(here: World, assertion: str, **more: str) -> httpx.Response:
    """Ask for a token with an assertion. Whatever comes of it, no answer says more than another."""
    answer = await here.ask({}, **form(assertion, **more))
    if answer.status_code != 200:
        assert answer.status_code == 400
        assert answer.json() == {
            "error": "invalid_client",
            "error_description": "The client could not be authenticated.",
        }
    return answer


async def proves(here: World, assertion: str, **more: str) -> bool:
    """Whether the assertion brings a token, and then one of the application it names."""
    answer = await ask(here, assertion, **more)
    if answer.status_code == 200:
        caller = await here.verifier.authenticate(f"Bearer {answer.json()['access_token']}")
        named = json.loads(base64.urlsafe_b64decode(assertion.split(".")[1] + "=="))["sub"]
        assert caller.application == named
    return answer.status_code == 200


async def refused_unread(here: World, assertion: str) -> bool:
    """Whether an assertion brings a token, without reading it, for Python would not."""
    return (await ask(here, assertion)).status_code == 200
