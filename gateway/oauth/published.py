"""What an outside issuer publishes: its keys, at the address that its metadata names (RFC 8414, RFC 7517)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

from gateway.oauth.wellknown import AUTHORIZATION_SERVER, well_known
from gateway.trust import Trust, secure

MAX_DOCUMENT = 256 * 1024


class Unpublished(Exception):
    """There are no keys to be had; its text says why, without a word of the answer's."""


async def published_keys(trust: Trust, patience: float) -> list[dict[str, Any]]:
    """The keys of an issuer, had within `patience` seconds. Raises `Unpublished`."""
    try:
        # Nothing is inflated: a small answer could become a very large one.
        async with asyncio.timeout(patience), aiohttp.ClientSession(auto_decompress=False) as session:
            address = trust.jwks_uri or await _discovered(session, trust.issuer)
            keys = (await _document(session, address)).get("keys")
        if not isinstance(keys, list):
            raise ValueError("the key set has no keys")
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, RecursionError) as error:
        # What aiohttp and the JSON reader say may quote the answer; ours says enough.
        raise Unpublished(str(error) if type(error) is ValueError else type(error).__name__) from None
    return [jwk for jwk in keys if isinstance(jwk, dict)]


async def _discovered(session: aiohttp.ClientSession, issuer: str) -> str:
    """Where the issuer's metadata says its keys are: OpenID's document, else that of RFC 8414."""
    try:
        found = await _document(session, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    except (aiohttp.ClientError, ValueError):
        found = await _document(session, well_known(AUTHORIZATION_SERVER, issuer.rstrip("/")))
    if found.get("issuer") != issuer:
        # RFC 8414, 3.3: else one issuer could pass its keys off as another's.
        raise ValueError("the metadata is that of another issuer")
    address = found.get("jwks_uri")
    if not isinstance(address, str) or not secure(address):
        raise ValueError("the metadata names no safe jwks_uri")
    return address


async def _document(session: aiohttp.ClientSession, address: str) -> dict[str, Any]:
    """A JSON object, from there and nowhere else: a redirect could lead anywhere, also inside."""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    async with session.get(address, allow_redirects=False, headers=headers) as response:
        if response.status != 200:
            raise ValueError(f"an answer with status {response.status}")
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MAX_DOCUMENT:
                raise ValueError("an answer that is too large")
    try:
        found = json.loads(body)
    except ValueError:
        raise ValueError("an answer that is no JSON") from None
    if not isinstance(found, dict):
        raise ValueError("an answer that is no JSON object")
    return found
