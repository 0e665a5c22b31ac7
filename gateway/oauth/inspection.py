"""Introspection (RFC 7662) and revocation (RFC 7009): an application shows a token, to learn of it or to end it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, ClassVar

from authlib.oauth2 import rfc7009, rfc7662
from authlib.oauth2.rfc6749 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from gateway.oauth.answers import refused
from gateway.oauth.applications import Application
from gateway.oauth.endpoints import TokenEndpoint, read_request, writing
from gateway.oauth.following import PERSONAL
from gateway.oauth.grants import CONFIDENTIAL
from gateway.oauth.presented import AccessToken, PresentedRefreshToken, Reader, find
from gateway.oauth.requests import TokenRequest
from gateway.oauth.server import Exchange

Presented = AccessToken | PresentedRefreshToken


class Introspection(rfc7662.IntrospectionEndpoint):  # type: ignore[misc]
    """What a token is good for. To whom it does not concern, and when it is good for nothing, all look the same."""

    CLIENT_AUTH_METHODS = CONFIDENTIAL

    def __init__(self, read: Reader) -> None:
        super().__init__()
        self._read = read

    def check_params(self, request: TokenRequest, client: Application) -> None:
        """Nothing more: a hint of what the token is may be wrong, and none is needed."""

    def query_token(self, token: str, hint: str | None) -> Presented | None:
        """The token that was shown."""
        return find(self.server.connection, self._read, token)

    def check_permission(self, token: Presented, client: Application, request: TokenRequest) -> bool:
        """Whether the token is the application's own or acts for its party."""
        return token.concerns(client)

    def create_introspection_payload(self, token: Presented | None) -> dict[str, Any]:
        """The answer: what is told of a good token, and of all others only that they are not."""
        if token is None or not token.stands(self.server.connection):
            return {"active": False}
        return {"active": True, **token.described()}


class Revocation(rfc7009.RevocationEndpoint):  # type: ignore[misc]
    """An end to a token by the application it was issued to; one that is no token has ended already."""

    CLIENT_AUTH_METHODS = PERSONAL

    def __init__(self, read: Reader) -> None:
        super().__init__()
        self._read = read

    def check_params(self, request: TokenRequest, client: Application) -> None:
        """Nothing more, as above."""

    def query_token(self, token: str, hint: str | None) -> Presented | None:
        """The token that was shown."""
        return find(self.server.connection, self._read, token)

    def revoke_token(self, token: Presented, request: TokenRequest) -> None:
        """End it: an access token alone, a refresh token with all of its family."""
        token.end(self.server.connection)


@dataclass(frozen=True, slots=True)
class InspectionEndpoint(TokenEndpoint):
    """`POST /oauth/introspect`, an ASGI application; `read` reads access tokens."""

    read: Reader

    name: ClassVar[str] = "introspect"
    kind: ClassVar[type[Introspection | Revocation]] = Introspection

    async def _answer(self, request: Request) -> Response:
        try:
            asked = await read_request(self.service, request, self.name)
            if "token" not in asked.form:
                raise InvalidRequestError("The parameter token is missing.")
            async with self._transaction(asked) as connection:
                return await connection.run_sync(
                    lambda sync: self._respond(Exchange(self.service, sync, asked))
                )
        except OAuth2Error as error:
            return refused(error, request.headers)

    def _transaction(self, asked: TokenRequest) -> AbstractAsyncContextManager[AsyncConnection]:
        """One that may write only where the application authenticates by an assertion, which is then used up."""
        if "client_assertion" in asked.form:
            return writing(self.service, asked)
        return self.service.engine.connect()

    def _respond(self, exchange: Exchange) -> Response:
        exchange.register_endpoint(self.kind(self.read))
        answer: Response = exchange.create_endpoint_response(self.kind.ENDPOINT_NAME, exchange.request)
        return answer


class RevocationEndpoint(InspectionEndpoint):
    """`POST /oauth/revoke`, an ASGI application."""

    name = "revoke"
    kind = Revocation

    def _transaction(self, asked: TokenRequest) -> AbstractAsyncContextManager[AsyncConnection]:
        return writing(self.service, asked)
