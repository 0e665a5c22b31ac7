"""GraphQL over HTTP: the path of a request, in the order it is walked."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from graphql import GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.access.pseudonyms import Pseudonyms
from gateway.access.request import Access
from gateway.engine.documents import InvalidDocument
from gateway.engine.engine import Engine, Prepared
from gateway.engine.run import Result
from gateway.engine.selection import Asked
from gateway.errors import FieldError, PartnerError, Refusal
from gateway.graphiql import page
from gateway.logs import place
from gateway.oauth.tokens import Caller
from gateway.schema import Schema
from gateway.settings import Settings
from gateway.store.readers import Readers

logger = logging.getLogger("gateway.endpoint")

GRAPHQL_JSON = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"

_QUALITY = re.compile(r";\s*q=([01](?:\.[0-9]{0,3})?)\s*(?:;|$)")
_CHARSET = re.compile(r";\s*charset=\"?([^\s\";]*)")


class Authenticator(Protocol):
    """Knows callers by their tokens."""

    async def authenticate(
        self, authorization: str | None, method: str = "POST", proofs: Sequence[str] = ()
    ) -> Caller:
        """The caller behind an Authorization header and the proofs in DPoP headers. Raises `Refusal` (401)."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request asks."""

    document: str
    variables: Mapping[str, Any]
    name: str | None


class Endpoint:
    """`/graphql`, as an ASGI application."""

    def __init__(
        self,
        settings: Settings,
        schema: Schema,
        engine: Engine,
        authenticator: Authenticator,
        readers: Readers,
        pseudonyms: Pseudonyms,
    ) -> None:
        self._settings = settings
        self._schema = schema
        self._engine = engine
        self._authenticator = authenticator
        self._readers = readers
        self._pseudonyms = pseudonyms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; refusals of a request as a whole become answers here."""
        request = Request(scope, receive)
        kind = JSON
        try:
            kind = media_type(request)
            response = page() if kind == HTML else await self.graphql(request, kind)
        except Refusal as refusal:
            error = {"message": refusal.message, "extensions": {"code": refusal.code}}
            response = answer({"errors": [error]}, kind, refusal.status, refusal.headers)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def graphql(self, request: Request, kind: str) -> Response:
        """The path of a request."""
        started = time.perf_counter()
        proofs = request.headers.getlist("dpop")
        caller = await self._authenticator.authenticate(authorization(request), request.method, proofs)
        operation = await self._read(request)
        try:
            prepared = self._prepare(caller, operation)
        except InvalidDocument as invalid:
            # A client that takes plain JSON expects 200 for anything that GraphQL itself has to say.
            status = 400 if kind == GRAPHQL_JSON else 200
            return answer(
                {"errors": [formatted(each, invalid.code) for each in invalid.errors]}, kind, status
            )
        result = await self._run(request, caller, prepared)
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body["errors"] = [disclosed(error, request) for error in result.errors]
        self._note(request, caller, operation, result, started)
        return answer(body, kind)

    async def _read(self, request: Request) -> Operation:
        try:
            async with asyncio.timeout(self._settings.deadline):
                return await read_operation(request, self._settings.max_body)
        except TimeoutError:
            message = f"The body did not come within {self._settings.deadline:g} seconds."
            raise Refusal(408, "REQUEST_TIMEOUT", message, {"Connection": "close"}) from None

    def _prepare(self, caller: Caller, operation: Operation) -> Prepared:
        view = self._schema.view(caller.scopes)
        try:
            prepared = self._engine.prepare(view, operation.document, operation.variables, operation.name)
        except RecursionError:
            message = "The document's fragments or the variables are nested too deeply."
            raise InvalidDocument("DEPTH_LIMIT", [GraphQLError(message)]) from None
        if prepared.plan.refusals and self._settings.unauthorized == "reject":
            lack = sorted(
                {
                    scope
                    for each in prepared.plan.refusals
                    for scope in (each.extensions or {})["missingScopes"]
                }
            )
            challenge = f'Bearer error="insufficient_scope", scope="{" ".join(lack)}"'
            message = f"The operation asks for what the token does not allow; it lacks {', '.join(lack)}."
            raise Refusal(403, "UNAUTHORIZED_OPERATION", message, {"WWW-Authenticate": challenge})
        return prepared

    async def _run(self, request: Request, caller: Caller, prepared: Prepared) -> Result:
        """Run the operation; a caller who hangs up stops it."""

        def reach(asked: Asked) -> Access:
            return Access(caller, self._readers, self._pseudonyms, asked=asked)

        running = asyncio.ensure_future(prepared.run(reach, self._settings.deadline))
        gone = asyncio.ensure_future(request.receive())
        try:
            await asyncio.wait({running, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                raise ClientDisconnect
            return running.result()
        finally:
            for task in (running, gone):
                task.cancel()
            # An exception that nobody fetches, asyncio would log with its text.
            await asyncio.gather(running, gone, return_exceptions=True)

    def _note(
        self, request: Request, caller: Caller, operation: Operation, result: Result, started: float
    ) -> None:
        logger.info(
            "operation",
            extra={
                "request_id": request.scope.get("request_id"),
                "party": caller.party,
                "application": caller.application,
                "purpose": caller.purpose,
                "operation": (operation.name or "")[:80],
                "errors": len(result.errors),
                "milliseconds": round((time.perf_counter() - started) * 1000, 2),
            },
        )


def authorization(request: Request) -> str | None:
    """The Authorization header. Raises `Refusal` 400 where there are several (RFC 6750, 3.1)."""
    sent = request.headers.getlist("authorization")
    if len(sent) > 1:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_request"'}
        raise Refusal(400, "BAD_REQUEST", "Send one Authorization header.", challenge)
    return sent[0] if sent else None


def media_type(request: Request) -> str:
    """The media type to answer with: the one wanted most of those there are. Raises `Refusal` 406.

    A browser gets the page; a wildcard means plain JSON, for who writes one may not know GraphQL's own type.
    """
    wanted = accepted(request.headers.getlist("accept"))
    anything = wanted.get("application/*", wanted.get("*/*", 0))
    offers = {
        HTML: wanted.get(HTML, 0) if request.method in ("GET", "HEAD") else 0,
        GRAPHQL_JSON: wanted.get(GRAPHQL_JSON, 0),
        JSON: wanted.get(JSON, anything),
    }
    best = max(offers, key=lambda kind: offers[kind])
    if not offers[best]:
        raise Refusal(406, "NOT_ACCEPTABLE", f"Accept {GRAPHQL_JSON} or {JSON}.")
    return best


def accepted(headers: Sequence[str]) -> Mapping[str, float]:
    """The media ranges of Accept headers, each with its quality (RFC 9110, 12.5.1); without any, `*/*`."""
    found: dict[str, float] = {}
    for each in ",".join(headers).lower().split(","):
        name, separator, parameters = each.partition(";")
        quality = _QUALITY.search(separator + parameters)
        found[name.strip()] = float(quality[1]) if quality else 1.0
    found.pop("", None)
    return found or {"*/*": 1.0}


async def read_operation(request: Request, limit: int) -> Operation:
    """What the request asks. Raises `Refusal` 400, 405, 413 or 415 for what is no GraphQL request."""
    if request.method != "POST":
        raise Refusal(405, "METHOD_NOT_ALLOWED", "Send operations with POST.", {"Allow": "POST"})
    content_type = request.headers.get("content-type", "").lower()
    if content_type.partition(";")[0].strip() != JSON:
        raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", f"Send the operation as {JSON}.")
    charset = _CHARSET.search(content_type)
    if charset is not None and charset[1] not in ("utf-8", "utf8"):
        raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "JSON is UTF-8.")
    try:
        body = orjson.loads(await read_body(request, limit))
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Refusal(400, "BAD_REQUEST", f"The body is not JSON ({where}).") from None
    return _operation(body)


async def read_body(request: Request, limit: int) -> bytes:
    """The body, of at most `limit` bytes. Raises `Refusal` 413."""
    chunks: list[bytes] = []
    size = 0
    too_large = Refusal(
        413, "PAYLOAD_TOO_LARGE", f"The body may have {limit} bytes.", {"Connection": "close"}
    )
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limit:
        raise too_large
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)


def _operation(body: Any) -> Operation:
    if not isinstance(body, dict):
        raise Refusal(
            400, "BAD_REQUEST", 'The body must be a JSON object such as {"query": "{ caller { party } }"}.'
        )
    document, variables, name = body.get("query"), body.get("variables"), body.get("operationName")
    if not isinstance(document, str):
        raise Refusal(400, "BAD_REQUEST", "`query` must be the text of a GraphQL document.")
    if not isinstance(variables, dict | None):
        raise Refusal(400, "BAD_REQUEST", "`variables` must be an object.")
    if not isinstance(name, str | None):
        raise Refusal(400, "BAD_REQUEST", "`operationName` must be a string.")
    if not isinstance(body.get("extensions"), dict | None):
        raise Refusal(400, "BAD_REQUEST", "`extensions` must be an object.")
    return Operation(document, variables or {}, name)


def answer(
    body: Mapping[str, Any], kind: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A GraphQL answer. It is for its caller alone, so nothing on the way may keep it."""
    content_type = f"{kind}; charset=utf-8"
    kept = {
        "Cache-Control": "no-store",
        "Vary": "Authorization, Accept",
        "X-Content-Type-Options": "nosniff",
        **(headers or {}),
    }
    return Response(orjson.dumps(body), status, kept, content_type)


def formatted(error: GraphQLError, code: str) -> dict[str, Any]:
    """An error of the request as a whole."""
    found: dict[str, Any] = dict(error.formatted)
    found["extensions"] = {"code": code, **found.get("extensions", {})}
    return found


def disclosed(error: GraphQLError, request: Request) -> dict[str, Any]:
    """A field's error as the caller may read it: ours in words, all others masked, with an id that the log has."""
    cause = error.original_error
    found: dict[str, Any] = dict(error.formatted)
    if isinstance(cause, FieldError):
        found["extensions"] = cause.extensions
    elif isinstance(cause, PartnerError):
        found["extensions"] = {
            "code": "PARTNER_ERROR",
            "kind": cause.kind.value,
            "retryAfter": cause.retry_after,
        }
    elif cause is not None and not isinstance(cause, GraphQLError):
        return _masked(found, cause, request)
    return found


def _masked(found: dict[str, Any], cause: Exception, request: Request) -> dict[str, Any]:
    identity = uuid.uuid4().hex
    # The exception's text may hold a person's data; where it was raised tells an engineer enough.
    logger.error(
        "masked error",
        extra={
            "request_id": request.scope.get("request_id"),
            "error_id": identity,
            "kind": type(cause).__name__,
            "where": place(cause),
        },
    )
    message = "The gateway failed here. Tell its operator the id in `extensions`."
    return {**found, "message": message, "extensions": {"code": "INTERNAL_SERVER_ERROR", "id": identity}}
