"""Answers as they go out: data and errors as JSON; what failed for a reason that is not the caller's is masked."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from graphql import GraphQLError
from prometheus_client import Counter
from starlette.responses import Response

from gateway.endpoint.media_types import GRAPHQL_JSON
from gateway.engine.documents import InvalidDocument
from gateway.engine.run import Result
from gateway.errors import FieldError, PartnerError, Refusal
from gateway.logs import place
from gateway.telemetry import metrics, tallies
from gateway.telemetry.notes import note

logger = logging.getLogger("gateway.endpoint")


def answer(result: Result, kind: str, request_id: str | None) -> Response:
    """The answer to an operation that ran."""
    return _response(execution_result(result, request_id), kind)


def execution_result(result: Result, request_id: str | None) -> dict[str, Any]:
    """What GraphQL says of an operation that ran, and what it cost."""
    found: dict[str, Any] = {"data": result.data}
    if result.errors:
        found["errors"] = [disclosed(error, request_id) for error in result.errors]
    found["extensions"] = {"cost": {"estimated": result.estimated, "actual": result.cost}}
    return found


_MESSAGE = 500
"""Characters of a message about what a caller sent."""


def invalid_answer(invalid: InvalidDocument, kind: str) -> Response:
    """The answer to a request that was well formed, and whose operation cannot run.

    A client that takes plain JSON expects 200 for anything that GraphQL itself has to say.
    """
    return _response({"errors": invalid_errors(invalid)}, kind, 400 if kind == GRAPHQL_JSON else 200)


def invalid_errors(invalid: InvalidDocument) -> list[dict[str, Any]]:
    """What is wrong with an operation that cannot run."""
    count_rejected(invalid.code)
    note(outcome="invalid", code=invalid.code)
    errors = []
    for each in invalid.errors:
        found: dict[str, Any] = dict(each.formatted)
        # graphql-core repeats what it complains of, however long that is.
        found["message"] = each.message if len(each.message) <= _MESSAGE else f"{each.message[:_MESSAGE]}…"
        found["extensions"] = {"code": invalid.code, **found.get("extensions", {})}
        errors.append(found)
    return errors


def refused_answer(refusal: Refusal, kind: str) -> Response:
    """The answer to a request that is refused as a whole; it is counted."""
    _note_refused(refusal)
    return refusing(refusal, kind)


def refusing(refusal: Refusal, kind: str) -> Response:
    """The answer alone, for any number of requests."""
    return _response({"errors": _reasons(refusal)}, kind, refusal.status, refusal.headers)


def refused_errors(refusal: Refusal) -> list[dict[str, Any]]:
    """Why something is refused as a whole; it is counted."""
    _note_refused(refusal)
    return _reasons(refusal)


def _reasons(refusal: Refusal) -> list[dict[str, Any]]:
    return [{"message": refusal.message, "extensions": refusal.extensions}]


def _note_refused(refusal: Refusal) -> None:
    count_rejected(refusal.code)
    note(outcome="refused", code=refusal.code)


def count_rejected(code: str) -> None:
    """Count a request that was refused as a whole."""
    tallies.count(_rejected(code))


@cache
def _rejected(code: str) -> Counter:
    return metrics.rejections.labels(code)


def methods_answer(methods: Sequence[str]) -> Response:
    """The answer to OPTIONS: the methods there are, and no word that lets another origin's scripts in."""
    return Response(status_code=204, headers={**KEPT, "Allow": ", ".join(methods)})


def text_answer(text: str) -> Response:
    """A text that is for its caller."""
    return Response(text, headers=KEPT, media_type="text/plain")


def json_answer(value: object) -> Response:
    """A value that is for its caller."""
    return Response(orjson.dumps(value), headers=KEPT, media_type="application/json")


# An answer is for its caller alone, so nothing on the way may keep it.
KEPT = {
    "Cache-Control": "no-store",
    "Vary": "Authorization, Accept",
    "X-Content-Type-Options": "nosniff",
}


def _response(
    body: Mapping[str, Any], kind: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(orjson.dumps(body), status, {**KEPT, **(headers or {})}, f"{kind}; charset=utf-8")


def disclosed(error: GraphQLError, request_id: str | None) -> dict[str, Any]:
    """A field's error as the caller may read it: ours in words, all others masked, with an id that the log has."""
    cause = error.original_error
    found: dict[str, Any] = dict(error.formatted)
    if isinstance(cause, FieldError):
        found["extensions"] = cause.extensions
    elif isinstance(cause, PartnerError):
        found["extensions"] = {"code": "PARTNER_ERROR", "partner": _partner(cause)}
    elif cause is not None and not isinstance(cause, GraphQLError):
        return _masked(found, cause, request_id)
    return found


def _partner(error: PartnerError) -> dict[str, Any]:
    """Which partner failed, how, and what to do about it; `retryAfter` is in seconds."""
    return {
        "name": error.partner,
        "kind": error.kind.value,
        "code": error.code,
        "retryable": error.retryable,
        "retryAfter": error.retry_after,
    }


def _masked(found: dict[str, Any], cause: Exception, request_id: str | None) -> dict[str, Any]:
    identity = uuid.uuid4().hex
    metrics.masked.inc()
    # The exception's text may hold a person's data; where it was raised tells an engineer enough.
    logger.error(
        "masked error",
        extra={
            "request_id": request_id,
            "error_id": identity,
            "kind": type(cause).__name__,
            "where": place(cause),
        },
    )
    message = "The gateway failed here. Tell its operator the id in `extensions`."
    return {**found, "message": message, "extensions": {"code": "INTERNAL_SERVER_ERROR", "id": identity}}
