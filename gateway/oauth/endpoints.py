"""The token service over HTTP: forms in, JSON out, each request in a transaction of its own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from authlib.oauth2.rfc6749 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.oauth.answers import refused
from gateway.oauth.dpop import InvalidProof, read_proof
from gateway.oauth.forms import check_authentication, claimed_id, read_form
from gateway.oauth.requests import TokenRequest
from gateway.oauth.resources import check_resources
from gateway.oauth.server import Exchange, Service
from gateway.oauth.throttle import MAX_WRITERS, Throttled
from gateway.store.database import immediate


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """`POST /oauth/token` (RFC 6749, 3.2), an ASGI application."""

    service: Service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except (TimeoutError, PoolTimeoutError):
            # Somebody has held the database's write lock for long, or all its connections.
            error = OAuth2Error(
                "Busy; try again in a moment.", error="temporarily_unavailable", status_code=503
            )
            response = refused(error, request.headers)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            asked = await self._read(request)
            # What is spent stays spent, whatever else comes of the request: an answer, also of an error, is kept.
            async with _transaction(self.service, asked) as connection:
                return await connection.run_sync(
                    lambda sync: Exchange(self.service, sync, asked).create_token_response(asked)
                )
        except OAuth2Error as error:
            return refused(error, request.headers)
        except InvalidProof as invalid:
            # But this one undoes all: who lacks a nonce sends the same again with one, assertion and code and all.
            return refused(OAuth2Error(invalid.message, error=invalid.error), request.headers)

    async def _read(self, request: Request) -> TokenRequest:
        asked = await read_request(self.service, request, "token")
        if "grant_type" not in asked.form:
            raise InvalidRequestError("The parameter grant_type is missing.")
        if proofs := request.headers.getlist("dpop"):
            asked.proof = read_proof(proofs, "POST", asked.uri, self.service.nonces, time.time())
            asked.key = asked.proof.key
        return asked


async def read_request(service: Service, request: Request, name: str) -> TokenRequest:
    """A POST to the endpoint `name`, which may now be authenticated: who has failed too often is refused here.

    Raises `OAuth2Error`.
    """
    if request.method != "POST":
        raise InvalidRequestError("This is asked for with POST.", status_code=405)
    form = await read_form(request)
    check_authentication(request.headers, form)
    check_resources(form.resources, service.audience)
    asked = TokenRequest(f"{service.issuer}/{name}", request.headers, form)
    asked.client_claimed = claimed_id(request.headers, form)
    asked.address = request.client.host if request.client else ""
    if seconds := service.throttle.wait(f"application:{asked.client_claimed}", asked.address):
        raise Throttled(seconds)
    return asked


@asynccontextmanager
async def writing(service: Service, asked: TokenRequest) -> AsyncIterator[AsyncConnection]:
    """A transaction that may write, of which an address has so many at once. Raises `Throttled`, `TimeoutError`."""
    with service.throttle.turn("write", asked.address, MAX_WRITERS):
        async with immediate(service.engine) as connection:
            yield connection


def _transaction(service: Service, asked: TokenRequest) -> AbstractAsyncContextManager[AsyncConnection]:
    """One that may write, but for the most common request, which uses nothing up and need not wait for writers."""
    spends = "client_assertion" in asked.form or "dpop" in asked.headers
    if asked.form["grant_type"] == "client_credentials" and not spends:
        return service.engine.connect()
    return writing(service, asked)
