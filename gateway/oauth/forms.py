"""Token requests as they come in: a bounded form, each parameter once, one client authentication."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, unquote

from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from starlette.datastructures import Headers
from starlette.requests import Request

from gateway.oauth.assertions import subject

MAX_FORM = 32 * 1024
MAX_PARAMETERS = 40

PATIENCE = 5.0
"""Seconds that a form may take to come."""

_FORM = "application/x-www-form-urlencoded"


class Form(dict[str, str]):
    """Parameters, each once. `resource` alone may be sent more than once (RFC 8707, 2): `resources` are all of it."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        super().__init__(reversed(pairs))
        self.resources = [value for name, value in pairs if name == "resource"]


async def read_form(request: Request) -> Form:
    """The parameters in the request's body. Raises `InvalidRequestError` with what is wrong with the request."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise InvalidRequestError(f"The request must be of the type {_FORM}.")
    return parameters(await _read(request))


def parameters(coded: bytes) -> Form:
    """The parameters in a body or a query string; one without a value counts as left out (RFC 6749, 3.1 and 3.2).

    Raises `InvalidRequestError`.
    """
    try:
        pairs = parse_qsl(
            coded.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS
        )
    except ValueError:
        raise InvalidRequestError(
            f"The form must be UTF-8 and have at most {MAX_PARAMETERS} parameters."
        ) from None
    if any(times > 1 for times in Counter(name for name, _ in pairs if name != "resource").values()):
        raise InvalidRequestError("A parameter must not be sent more than once.")
    return Form([(name, value) for name, value in pairs if value])


async def _read(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_FORM:
                    raise InvalidRequestError(f"The form must not exceed {MAX_FORM} bytes.", status_code=413)
    except TimeoutError:
        raise InvalidRequestError("The form did not come in time.", status_code=408) from None
    return bytes(body)


def check_authentication(headers: Headers, form: dict[str, str]) -> None:
    """Hold a request to one client authentication (RFC 6749, 2.3), of one client, that can be read.

    Authlib would take the first that succeeds, and fall over a Basic header that is not UTF-8.
    Raises `InvalidRequestError`.
    """
    sent = headers.getlist("authorization")
    if len(sent) + ("client_secret" in form) + ("client_assertion" in form) > 1:
        raise InvalidRequestError("The client must authenticate in one way only.")
    if sent and (named := _basic_id(sent[0])) is not None and form.get("client_id", named) != named:
        raise InvalidRequestError("The client_id is not that of the Authorization header.")


def claimed_id(headers: Headers, form: dict[str, str]) -> str:
    """Who the sender of a request that `check_authentication` let through says it is, and has yet to prove."""
    named = _basic_id(headers["authorization"]) if "authorization" in headers else None
    return named or form.get("client_id") or subject(form.get("client_assertion", ""))


def proves(headers: Headers, form: Mapping[str, str]) -> bool:
    """Whether the sender tries to prove who it is; some libraries send an empty secret where there is none."""
    _, secret = extract_basic_authorization(headers)
    return bool(secret) or "client_secret" in form or "client_assertion" in form


def _basic_id(authorization: str) -> str | None:
    """The client id in HTTP Basic credentials, or None for another scheme."""
    # Parted as Authlib parts it, at any white space: else it would hear credentials that nobody has looked at.
    parts = authorization.split(None, 1)
    if len(parts) < 2:
        raise InvalidRequestError("The Authorization header must be a scheme and credentials.")
    scheme, coded = parts
    if scheme.lower() != "basic":
        return None
    try:
        id, colon, _ = base64.b64decode(coded.strip(), validate=True).decode().partition(":")
    except ValueError:
        colon = ""
    if not colon:
        raise InvalidRequestError("The Authorization header must be Basic with base64 of UTF-8 id:secret.")
    return unquote(id)
