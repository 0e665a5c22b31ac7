"""Routes: the whole token service, as the composition root mounts it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from authlib.common.security import is_secure_transport
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.routing import BaseRoute, Route

from gateway.errors import SettingsError
from gateway.oauth.authorize import AuthorizationEndpoint
from gateway.oauth.endpoints import TokenEndpoint
from gateway.oauth.inspection import InspectionEndpoint, RevocationEndpoint
from gateway.oauth.keys import Keys
from gateway.oauth.metadata import documents
from gateway.oauth.nonces import nonces
from gateway.oauth.pages import style
from gateway.oauth.server import Service, Words
from gateway.oauth.signing import SignIn, SignOut
from gateway.oauth.verification import Verifier
from gateway.settings import Settings


def routes(
    settings: Settings,
    engine: AsyncEngine,
    keys: Keys,
    scopes: Mapping[str, str],
    parties: Mapping[str, str] = MappingProxyType({}),
    purposes: Mapping[str, str] = MappingProxyType({}),
) -> list[BaseRoute]:
    """The token service's endpoints and the documents about it.

    `scopes` are all there are, each with its sentence; so are `purposes`, and `parties` with their names.
    Raises `SettingsError` for an origin that tokens cannot be issued from.
    """
    _check(settings.origin)
    # Below INFO, Authlib writes whole tokens into the log.
    logging.getLogger("authlib").setLevel(logging.INFO)
    words = Words(parties, scopes, purposes)
    service = Service(engine, keys, settings.issuer, settings.audience, nonces(settings.state), words=words)
    read = Verifier(keys, settings.issuer, settings.audience).read
    outside = [each.issuer for each in settings.issuers]
    return [
        Route(urlsplit(f"{settings.issuer}/authorize").path, AuthorizationEndpoint(service)),
        Route(urlsplit(f"{settings.issuer}/sign-in").path, SignIn(service)),
        Route(urlsplit(f"{settings.issuer}/sign-out").path, SignOut(service)),
        Route(urlsplit(f"{settings.issuer}/page.css").path, style),
        Route(urlsplit(f"{settings.issuer}/token").path, service.nonces.offered(TokenEndpoint(service))),
        Route(urlsplit(f"{settings.issuer}/introspect").path, InspectionEndpoint(service, read)),
        Route(urlsplit(f"{settings.issuer}/revoke").path, RevocationEndpoint(service, read)),
        *documents(settings.issuer, settings.audience, keys, scopes, outside),
    ]


def _check(origin: str) -> None:
    if not is_secure_transport(origin):
        raise SettingsError("origin must be https, or http on a loopback address: tokens travel in the clear")
    parts = urlsplit(origin)
    if f"{parts.scheme}://{parts.netloc}" != origin:
        raise SettingsError("origin must be a scheme and a host, as https://gateway.example, without a path")
