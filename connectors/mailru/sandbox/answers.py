"""Answers as myTarget gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response


def json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, headers, "application/json")


def error(status: int, code: str) -> Response:
    """A refusal in today's form."""
    return json({"error": {"code": code, "message": "See the documentation."}}, status)


def not_found() -> Response:
    """There is no such thing, or no right to know of it."""
    return json({"code": "not_found", "message": "Unknown resource"}, 404)


def unauthorized(error: str, description: str) -> Response:
    """The token, or the client, is refused."""
    challenge = f'Bearer realm="api", error="{error}", error_description="{description}"'
    return json({"code": error, "message": description}, 401, {"WWW-Authenticate": challenge})
