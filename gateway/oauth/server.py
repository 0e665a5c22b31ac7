"""The token endpoint: Authlib's authorization server, run over one database connection per request."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from gateway.oauth.applications import AUTHENTICATION_METHODS, Application, hash_secret, lookup
from gateway.oauth.forms import check_authentication, read_form
from gateway.oauth.keys import Keys
from gateway.oauth.tokens import LIFETIME, Caller, issue

_UNSTORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}

# Authlib's own texts say which clients exist, or repeat what the caller sent in a place it may break.
_DESCRIPTIONS = {
    "invalid_client": "The client could not be authenticated.",
    "invalid_scope": "The scope is malformed, unknown, or more than the application may have.",
    "unsupported_grant_type": "The grant type is none of the grant_types_supported in the server's metadata.",
}

_STRANGER = Application("", "", "", (), (), hash_secret(secrets.token_urlsafe(32)))
"""Stands for an id that nobody has, so that an unknown client costs the same work as a wrong secret."""


@dataclass(frozen=True, slots=True)
class Service:
    """What one token service is made of; `issuer` and `audience` are those of its tokens."""

    engine: AsyncEngine
    keys: Keys
    issuer: str
    audience: str


class TokenRequest(OAuth2Request):  # type: ignore[misc]
    """A token request whose form has been read. Its address is the issuer's own, whatever Host says."""

    def __init__(self, uri: str, headers: Headers, form: Mapping[str, str]) -> None:
        super().__init__("POST", uri, headers=headers)
        self.payload = BasicOAuth2Payload(form)

    @property
    def form(self) -> Mapping[str, str]:
        """The parameters of the body; those of a query string are never heard."""
        return self.payload.data  # type: ignore[no-any-return]


class ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]
    """The client credentials grant (RFC 6749, 4.4), with the purpose that the token shall be for."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION_METHODS

    def validate_token_request(self) -> None:
        """Authenticate the application and narrow it to one purpose: the one asked for, or its first."""
        super().validate_token_request()
        application: Application = self.request.client
        narrowed = application.narrowed(self.request.form.get("purpose", application.purposes[0]))
        if narrowed is None:
            raise InvalidRequestError("The purpose is not one of the application's.")
        self.request.client = narrowed


class Exchange(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server for one request, whose connection it holds: nothing is shared between requests."""

    def __init__(self, service: Service, connection: Connection) -> None:
        super().__init__()
        self._service = service
        self._connection = connection
        self.register_grant(ClientCredentials)
        self.register_token_generator(
            "default", BearerTokenGenerator(self.access_token, expires_generator=LIFETIME)
        )

    def query_client(self, client_id: str) -> Application:
        """The application of that id, or one that no secret fits; a disabled one is as good as none."""
        application = lookup(self._connection, client_id)
        return _STRANGER if application is None or application.disabled_at else application

    def access_token(self, client: Application, grant_type: str, user: None, scope: str) -> str:
        """A signed token for an application that was narrowed to its purpose."""
        now = int(time.time())
        caller = Caller(client.party, client.id, frozenset(scope.split()), client.purposes[0], now + LIFETIME)
        return issue(caller, self._service.keys, self._service.issuer, self._service.audience, now)

    def save_token(self, token: object, request: TokenRequest) -> None:
        """Nothing is kept: a signed token says all of itself."""

    def send_signal(self, name: str, *arguments: Any, **options: Any) -> None:
        """Nobody listens; Authlib insists on telling."""

    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        """The request as it is; Authlib also passes its own back in."""
        return request

    def handle_response(
        self, status: int, body: Mapping[str, Any], headers: list[tuple[str, str]]
    ) -> Response:
        """An answer as JSON that is stored nowhere."""
        return JSONResponse(body, status, {**dict(headers), **_UNSTORED})

    def handle_error_response(self, request: TokenRequest, error: OAuth2Error) -> Response:
        """An error in words of our own."""
        return refused(error, request.headers)


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """`POST /oauth/token` (RFC 6749, 3.2), an ASGI application."""

    service: Service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            asked = await self._read(request)
        except OAuth2Error as error:
            return refused(error, request.headers)
        async with self.service.engine.connect() as connection:
            return await connection.run_sync(
                lambda sync: Exchange(self.service, sync).create_token_response(asked)
            )

    async def _read(self, request: Request) -> TokenRequest:
        if request.method != "POST":
            raise InvalidRequestError("A token is asked for with POST.", status_code=405)
        form = await read_form(request)
        check_authentication(request.headers, form)
        if "grant_type" not in form:
            raise InvalidRequestError("The parameter grant_type is missing.")
        return TokenRequest(f"{self.service.issuer}/token", request.headers, form)


def refused(error: OAuth2Error, headers: Headers) -> Response:
    """An error as RFC 6749, 5.2 has it; a failed Authorization header is answered with a challenge."""
    status, extra = error.status_code, dict(_UNSTORED)
    if isinstance(error, InvalidClientError):
        status = 401 if "authorization" in headers else 400
    if status == 401:
        extra["WWW-Authenticate"] = 'Basic realm="oauth", charset="UTF-8"'
    if status == 405:
        extra["Allow"] = "POST"
    description = _DESCRIPTIONS.get(error.error, error.description)
    return JSONResponse({"error": error.error, "error_description": description}, status, extra)
