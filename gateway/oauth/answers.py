"""Answers of the token service: JSON that is stored nowhere, and errors in words of our own."""

from __future__ import annotations

from authlib.oauth2.rfc6749 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidClientError
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response

from gateway.oauth.throttle import Throttled

UNSTORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}

# Authlib's own texts say which clients exist, or repeat what the caller sent in a place it may break.
_DESCRIPTIONS = {
    "invalid_client": "The client could not be authenticated.",
    "invalid_scope": "The scope is malformed, unknown, or more than the application may have.",
    "unsupported_grant_type": "The grant type is none of the grant_types_supported in the server's metadata.",
}


def refused(error: OAuth2Error, headers: Headers) -> Response:
    """An error as RFC 6749, 5.2 has it; a failed Authorization header is answered with a challenge."""
    status, extra = error.status_code, dict(UNSTORED)
    if isinstance(error, InvalidClientError):
        status = 401 if "authorization" in headers else 400
    if status == 401:
        extra["WWW-Authenticate"] = 'Basic realm="oauth", charset="UTF-8"'
    if status == 405:
        extra["Allow"] = "POST"
    if isinstance(error, Throttled):
        extra["Retry-After"] = str(error.seconds)
    description = _DESCRIPTIONS.get(error.error, error.description)
    return JSONResponse({"error": error.error, "error_description": description}, status, extra)
