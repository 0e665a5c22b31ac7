"""The authorization server: Authlib's, run for one request over that request's own database connection."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidClientError
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import JSONResponse, Response

from gateway.oauth.answers import UNSTORED, refused, sent_back
from gateway.oauth.applications import Application, hash_secret, lookup
from gateway.oauth.assertions import PrivateKeyJwt
from gateway.oauth.authorizations import Authorization
from gateway.oauth.binding import use_proof
from gateway.oauth.codes import S256, AuthorizationCode
from gateway.oauth.details import claim
from gateway.oauth.forms import proves
from gateway.oauth.grants import ClientCredentials
from gateway.oauth.keys import Keys
from gateway.oauth.nonces import Nonces
from gateway.oauth.refreshes import Refresh, issue_refresh_token
from gateway.oauth.requests import AuthorizationRequest, TokenRequest
from gateway.oauth.throttle import Throttle
from gateway.oauth.tokens import LIFETIME, Caller, issue
from gateway.oauth.users import User
from gateway.telemetry import metrics
from gateway.telemetry.labels import APPLICATIONS, Bounded

issued_to = Bounded(APPLICATIONS)
"""The applications that metrics tell apart."""

_STRANGER = Application("", "", "", (), (), hash_secret(secrets.token_urlsafe(32)))
"""Stands for an id that nobody has, so that an unknown client costs the same work as a wrong secret."""


@dataclass(frozen=True, slots=True)
class Words:
    """The names of parties, and the sentences of scopes and purposes, by their ids: what a person is shown of them."""

    parties: Mapping[str, str]
    scopes: Mapping[str, str]
    purposes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Service:
    """What one token service is made of; `issuer` and `audience` are those of its tokens."""

    engine: AsyncEngine
    keys: Keys
    issuer: str
    audience: str
    nonces: Nonces
    throttle: Throttle = field(default_factory=Throttle)
    words: Words = field(default_factory=lambda: Words({}, {}, {}))


class Exchange(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server for one request, with its connection: nothing is shared between requests."""

    def __init__(
        self, service: Service, connection: Connection, request: TokenRequest | AuthorizationRequest
    ) -> None:
        super().__init__()
        self.service = service
        self.connection = connection
        self.request = request
        self.register_grant(ClientCredentials)
        self.register_client_auth_method("private_key_jwt", PrivateKeyJwt(service.issuer, connection))
        self.register_grant(AuthorizationCode, [S256()])
        self.register_grant(Refresh)
        self.register_token_generator(
            "default", BearerTokenGenerator(self.access_token, self.refresh_token, LIFETIME)
        )

    def query_client(self, client_id: str) -> Application:
        """The application of that id, or one that no secret fits; a disabled one is as good as none."""
        application = lookup(self.connection, client_id)
        return _STRANGER if application is None or application.disabled_at else application

    def generate_token(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """The answer to a token request, with the details that were granted (RFC 9396, 7)."""
        token: dict[str, Any] = super().generate_token(*arguments, **options)
        if self.request.key:
            token["token_type"] = "DPoP"  # noqa: S105 - a type, no secret
        if self.request.datasets is not None:
            token["authorization_details"] = claim(self.request.datasets, self.request.purpose)
        return token

    def authenticate_client(
        self, request: TokenRequest, methods: Sequence[str], endpoint: str = "token"
    ) -> Application:
        """The application that the request proves to be from, by one of these methods; a failure is counted.

        Where it asks for a token, its proof of possession is used up. Raises `InvalidClientError` and `InvalidProof`.
        """
        # Authlib would let who fails to prove anything pass as a public application.
        allowed = [
            method for method in methods if method != "none" or not proves(request.headers, request.form)
        ]
        try:
            application: Application = super().authenticate_client(request, allowed, endpoint)
        except InvalidClientError:
            self.service.throttle.failed(f"application:{request.client_claimed}", request.address)
            raise
        if endpoint == "token":
            use_proof(self.connection, request.proof, application)
        return application

    def access_token(self, client: Application, grant_type: str, user: User | None, scope: str) -> str:
        """A signed token with what the request was granted; one for a person is of the person's party."""
        now = int(time.time())
        caller = Caller(
            party=user.party if user else client.party,
            user=user.id if user else None,
            application=client.id,
            scopes=frozenset(scope.split()),
            purpose=self.request.purpose,
            expires=now + LIFETIME,
            datasets=self.request.datasets,
            key=self.request.key,
            grant=self.request.grant,
        )
        metrics.tokens.labels(caller.party, issued_to(client.id), grant_type).inc()
        return issue(caller, self.service.keys, self.service.issuer, self.service.audience, now)

    def refresh_token(self, client: Application, grant_type: str, user: User, scope: str) -> str:
        """A refresh token of the authorization that the request follows from."""
        found: Authorization = self.request.authorization
        return issue_refresh_token(self.connection, found, client)

    def save_token(self, token: object, request: TokenRequest) -> None:
        """Nothing is kept: a signed token says all of itself."""

    def send_signal(self, name: str, *arguments: Any, **options: Any) -> None:
        """Nobody listens; Authlib insists on telling."""

    def create_oauth2_request(
        self, request: TokenRequest | AuthorizationRequest
    ) -> TokenRequest | AuthorizationRequest:
        """The request as it is; Authlib also passes its own back in."""
        return request

    def handle_response(
        self, status: int, body: Mapping[str, Any], headers: list[tuple[str, str]]
    ) -> Response:
        """An answer as JSON that is stored nowhere, or one that a browser takes along."""
        if status == 303:
            return Response(status_code=status, headers={**dict(headers), **UNSTORED})
        return JSONResponse(body, status, {**dict(headers), **UNSTORED})

    def handle_error_response(
        self, request: TokenRequest | AuthorizationRequest, error: OAuth2Error
    ) -> Response:
        """An error in words of our own."""
        if error.redirect_uri:
            return sent_back(error, self.service.issuer)
        return refused(error, request.headers)
