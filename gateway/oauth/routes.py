"""Routes: the whole token service, as the composition root mounts it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from urllib.parse import urlsplit

from authlib.common.security import is_secure_transport
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.routing import BaseRoute, Route

from gateway.errors import SettingsError
from gateway.oauth.endpoints import TokenEndpoint
from gateway.oauth.keys import Keys
from gateway.oauth.metadata import documents
from gateway.oauth.server import Service
from gateway.settings import Settings


def routes(settings: Settings, engine: AsyncEngine, keys: Keys, scopes: Mapping[str, str]) -> list[BaseRoute]:
    """The token endpoint and the documents about it; `scopes` are all there are, each with its sentence.

    Raises `SettingsError` for an origin that tokens cannot be issued from.
    """
    _check(settings.origin)
    # Below INFO, Authlib writes whole tokens into the log.
    logging.getLogger("authlib").setLevel(logging.INFO)
    service = Service(engine, keys, settings.issuer, settings.audience)
    return [
        Route(urlsplit(f"{settings.issuer}/token").path, TokenEndpoint(service)),
        *documents(settings.issuer, settings.audience, keys, scopes),
    ]


def _check(origin: str) -> None:
    if not is_secure_transport(origin):
        raise SettingsError("origin must be https, or http on a loopback address: tokens travel in the clear")
    parts = urlsplit(origin)
    if f"{parts.scheme}://{parts.netloc}" != origin:
        raise SettingsError("origin must be a scheme and a host, as https://gateway.example, without a path")
