"""Answers of the token service: JSON that is stored nowhere, and errors in words of our own."""

from __future__ import annotations

from authlib.oauth2.rfc6749 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidClientError
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response

from gateway.oauth.redirects import answered
from gateway.oauth.throttle import Throttled
from gateway.telemetry.metrics import token_refusals

UNSTORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}

# Authlib's own texts say which clients exist, or repeat what the caller sent in a place it may break.
_DESCRIPTIONS = {
    "invalid_client": "The client could not be authenticated.",
    "invalid_scope": "The scope is malformed, unknown, or more than the application may have.",
    "invalid_grant": "The code or refresh token is unknown, used, expired, ended, or not for this application, "
    "redirect_uri, code_verifier or key.",
    "unauthorized_client": "The application may not use this grant.",
    "unsupported_response_type": "The response type is none of the response_types_supported in the metadata.",
    "unsupported_grant_type": "The grant type is none of the grant_types_supported in the server's metadata.",
}


def refused(error: OAuth2Error, headers: Headers) -> Response:
    """An error as RFC 6749, 5.2 has it; a failed Authorization header is answered with a challenge."""
    token_refusals.labels(error.error).inc()
    status, extra = error.status_code, dict(UNSTORED)
    if isinstance(error, InvalidClientError):
        status = 401 if "authorization" in headers else 400
    if status == 401:
        extra["WWW-Authenticate"] = 'Basic realm="oauth", charset="UTF-8"'
    if status == 405:
        extra["Allow"] = "POST"
    if status == 503:
        extra["Retry-After"] = "5"
    if isinstance(error, Throttled):
        extra["Retry-After"] = str(error.seconds)
    return JSONResponse({"error": error.error, "error_description": described(error)}, status, extra)


def sent_back(error: OAuth2Error, issuer: str) -> Response:
    """An error that a browser takes to its application, whose address has been checked (RFC 6749, 4.1.2.1)."""
    return redirect(
        error.redirect_uri,
        error=error.error,
        error_description=described(error),
        state=error.state,
        iss=issuer,
    )


def redirect(address: str, **parameters: str | None) -> Response:
    """Sends a browser to an address with these parameters, by GET and without what it was asked with."""
    return Response(status_code=303, headers={**UNSTORED, "Location": answered(address, parameters)})


def described(error: OAuth2Error) -> str:
    """What to say of an error."""
    return _DESCRIPTIONS.get(error.error) or error.description or "The request cannot be granted."
