"""Operations as they come in: in an address, or as a bounded body of JSON in time, as GraphQL over HTTP has them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLError, OperationType, get_operation_ast, parse
from starlette.requests import Request

from gateway.endpoint.addresses import parameters
from gateway.endpoint.identifiers import identifier
from gateway.endpoint.media_types import JSON
from gateway.errors import Refusal

METHODS = ("GET", "HEAD", "OPTIONS", "POST")
"""How `/graphql` may be spoken to."""

NESTED = 20_000
"""Objects and lists that a body may have, in its texts too; millions would be long in the making."""

_CHARSET = re.compile(r";\s*charset=\"?([^\s\";]*)")


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request asks; `reads_only` where its method promises that nothing changes (RFC 9110, 9.2.1).

    `id` is what it calls its document by. `document` is empty where the text did not come along; with both, the text is
    to be kept under the id, its SHA-256 in hex.
    """

    document: str
    variables: Mapping[str, Any]
    name: str | None
    reads_only: bool = False
    id: str | None = None

    async def check_method(self, tokens: int) -> None:
        """Raises `Refusal` 405 for a mutation that came by GET; its document may have this many tokens."""
        # The word cannot be written in any other way, so documents without it need no second look; others are looked
        # at in a thread, for they may be long.
        if not self.reads_only or "mutation" not in self.document:
            return
        if await asyncio.to_thread(_mutates, self, tokens):
            raise Refusal(405, "METHOD_NOT_ALLOWED", "Send mutations with POST.", {"Allow": "POST"})


def _mutates(operation: Operation, tokens: int) -> bool:
    try:
        document = parse(operation.document, no_location=True, max_lexical_tokens=tokens)
    except GraphQLError:
        return False
    chosen = get_operation_ast(document, operation.name)
    return chosen is not None and chosen.operation is OperationType.MUTATION


async def read_operation(request: Request, limit: int, seconds: float) -> Operation:
    """What the request asks; its body may have `limit` bytes and take `seconds` to come.

    Raises `Refusal` 400, 405, 408, 413, 414 or 415 for what is no GraphQL request.
    """
    if request.method not in METHODS:
        message = "Send operations with POST."
        if request.method == "PUT":
            # GraphQL over SSE, "single connection mode".
            message += (
                " No stream is reserved here: each operation has its own, for Accept: text/event-stream."
            )
        raise Refusal(405, "METHOD_NOT_ALLOWED", message, {"Allow": ", ".join(METHODS)})
    reads_only = request.method != "POST"
    _check_type(request.headers.get("content-type", JSON if reads_only else "").lower())
    try:
        async with asyncio.timeout(seconds):
            body = await read_body(request, limit)
    except TimeoutError:
        message = f"The body did not come within {seconds:g} seconds."
        raise Refusal(408, "REQUEST_TIMEOUT", message, {"Connection": "close"}) from None
    if not reads_only:
        return operation_in(_json(body))
    if body:
        raise Refusal(400, "BAD_REQUEST", "A GET has its operation in the address, and no body.")
    return operation_in(parameters(request), reads_only)


def _check_type(content_type: str) -> None:
    if content_type.partition(";")[0].strip() != JSON:
        raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", f"Send the operation as {JSON}.")
    charset = _CHARSET.search(content_type)
    if charset is not None and charset[1] not in ("utf-8", "utf8"):
        raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "JSON is UTF-8.")


async def read_body(request: Request, limit: int) -> bytes:
    """The body, of at most `limit` bytes. Raises `Refusal` 413."""
    chunks: list[bytes] = []
    size = 0
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limit:
        raise _too_large(limit)
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(limit: int) -> Refusal:
    message = f"The body may have {limit} bytes."
    return Refusal(413, "PAYLOAD_TOO_LARGE", message, {"Connection": "close"})


def _json(body: bytes) -> Any:
    if body.count(b"{") + body.count(b"[") > NESTED:
        raise Refusal(400, "BAD_REQUEST", f"The body may have {NESTED} objects and lists.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Refusal(400, "BAD_REQUEST", f"The body is not JSON ({where}).") from None


def operation_in(body: Any, reads_only: bool = False) -> Operation:
    """The operation that a request's JSON holds. Raises `Refusal` 400 for what is none."""
    if isinstance(body, list):
        raise Refusal(
            400, "BAD_REQUEST", "Batches are not taken: send each operation in a request of its own."
        )
    if not isinstance(body, dict):
        raise Refusal(
            400, "BAD_REQUEST", 'The body must be a JSON object such as {"query": "{ caller { party } }"}.'
        )
    document, variables, name = body.get("query"), body.get("variables"), body.get("operationName")
    if not isinstance(variables, dict | None):
        raise Refusal(400, "BAD_REQUEST", "`variables` must be an object.")
    if not isinstance(name, str | None):
        raise Refusal(400, "BAD_REQUEST", "`operationName` must be a string.")
    if not isinstance(body.get("extensions"), dict | None):
        raise Refusal(400, "BAD_REQUEST", "`extensions` must be an object.")
    id = identifier(body)
    # Some clients send an empty text, or null, with an id.
    if not isinstance(document, str) and (document is not None or id is None):
        raise Refusal(400, "BAD_REQUEST", "`query` must be the text of a GraphQL document.")
    return Operation(document or "", variables or {}, name, reads_only, id)
