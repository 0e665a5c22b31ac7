"""Metadata: what an OAuth library reads to find its way, and the keys that verify the service's tokens."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.oauth.details import PARTNER_DATA
from gateway.oauth.dpop import ALGORITHMS
from gateway.oauth.following import PERSONAL
from gateway.oauth.grants import CONFIDENTIAL
from gateway.oauth.keys import Keys
from gateway.oauth.public_keys import TYPE_OF
from gateway.oauth.registration import GRANT_TYPES
from gateway.oauth.wellknown import AUTHORIZATION_SERVER, OPENID_PROVIDER, PROTECTED_RESOURCE, well_known

MAX_AGE = 300
"""Seconds that a document, and so a set of keys, may be kept before it is asked for again."""

_CACHED = {"Cache-Control": f"public, max-age={MAX_AGE}"}


def authorization_server(issuer: str, scopes: Collection[str]) -> dict[str, Any]:
    """What the token service offers (RFC 8414)."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "introspection_endpoint": f"{issuer}/introspect",
        "revocation_endpoint": f"{issuer}/revoke",
        "jwks_uri": f"{issuer}/jwks.json",
        "scopes_supported": sorted(scopes),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "token_endpoint_auth_methods_supported": list(PERSONAL),
        "token_endpoint_auth_signing_alg_values_supported": list(TYPE_OF),
        "introspection_endpoint_auth_methods_supported": list(CONFIDENTIAL),
        "introspection_endpoint_auth_signing_alg_values_supported": list(TYPE_OF),
        "revocation_endpoint_auth_methods_supported": list(PERSONAL),
        "revocation_endpoint_auth_signing_alg_values_supported": list(TYPE_OF),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "authorization_details_types_supported": [PARTNER_DATA],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
    }


def protected_resource(audience: str, issuers: Sequence[str], scopes: Collection[str]) -> dict[str, Any]:
    """What the GraphQL endpoint asks of a token (RFC 9728), and whose tokens it takes."""
    return {
        "resource": audience,
        "authorization_servers": list(issuers),
        "scopes_supported": sorted(scopes),
        "bearer_methods_supported": ["header"],
        "authorization_details_types_supported": [PARTNER_DATA],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "dpop_bound_access_tokens_required": False,
    }


def openid_provider(issuer: str, scopes: Collection[str]) -> dict[str, Any]:
    """The same where OpenID Connect Discovery looks for it, as many libraries do first.

    People sign in here for tokens of the gateway; there are no ID tokens, so no algorithm for them is named.
    """
    return {**authorization_server(issuer, scopes), "subject_types_supported": ["public"]}


def documents(
    issuer: str, audience: str, keys: Keys, scopes: Collection[str], outside: Sequence[str] = ()
) -> list[BaseRoute]:
    """The routes of all documents, those that change least said the same to everybody, whatever Host says.

    `outside` are the other issuers whose tokens are taken.
    """
    server = authorization_server(issuer, scopes)
    provider = openid_provider(issuer, scopes)
    resource = protected_resource(audience, [issuer, *outside], scopes)
    return [
        _document(well_known(AUTHORIZATION_SERVER, issuer), server),
        _document(f"{issuer}/.well-known/{AUTHORIZATION_SERVER}", server),
        _document(well_known(OPENID_PROVIDER, issuer), provider),
        _document(f"{issuer}/.well-known/{OPENID_PROVIDER}", provider),
        _document(well_known(PROTECTED_RESOURCE, audience), resource),
        _document(well_known(PROTECTED_RESOURCE, audience.removesuffix(urlsplit(audience).path)), resource),
        _key_set(f"{issuer}/jwks.json", keys),
    ]


def _document(address: str, content: dict[str, Any]) -> Route:
    async def show(request: Request) -> Response:
        return _shown(request, content)

    return Route(urlsplit(address).path, show)


def _key_set(address: str, keys: Keys) -> Route:
    async def show(request: Request) -> Response:
        return _shown(request, keys.public_set())

    return Route(urlsplit(address).path, show)


def _shown(request: Request, content: dict[str, Any]) -> Response:
    """A document under a tag of its content, or only that it is still the one the asker has (RFC 9110, 13.1.2)."""
    answer = JSONResponse(content, headers=_CACHED)
    tag = f'"{sha256(answer.body).hexdigest()[:32]}"'
    asked = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if asked & {tag, "*"}:
        return Response(status_code=304, headers={**_CACHED, "ETag": tag})
    answer.headers["ETag"] = tag
    return answer
