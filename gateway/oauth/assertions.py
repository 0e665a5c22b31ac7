"""Assertions: JWTs by which an application proves that it holds a private key (RFC 7523, 2.2)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from joserfc.registry import HeaderParameter
from sqlalchemy import Connection

from gateway.oauth.applications import Application
from gateway.oauth.claims import moment, text
from gateway.oauth.public_keys import TYPE_OF, fitting
from gateway.oauth.requests import TokenRequest
from gateway.oauth.signatures import Jwt, Registry
from gateway.oauth.spent import spend

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

MAX_ASSERTION = 8192

MAX_AHEAD = 3600
"""Seconds until an assertion may expire; libraries ask for up to an hour."""

SKEW = 10
"""Seconds that an application's clock may be ahead (FAPI 2.0 Security Profile, 5.3.2.1)."""

_REMEMBERED = 300
"""Seconds that a use is remembered beyond the end, in case the clock is set back."""


@dataclass(frozen=True, slots=True)
class PrivateKeyJwt:
    """`private_key_jwt`, as Authlib is told of a client authentication method."""

    issuer: str
    connection: Connection

    def __call__(
        self, query_client: Callable[[str], Application], request: TokenRequest
    ) -> Application | None:
        """The application that the request's assertion proves, or None if there is none or it proves nothing.

        Until the signature is known to be good, all applications cost the same work, also those that there are not.
        """
        form = request.form
        if form.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in form:
            return None
        try:
            assertion = _read(form["client_assertion"])
            application = query_client(text(assertion.claims, "sub"))
            keys = fitting(application.jwks, assertion.algorithm, assertion.header.get("kid"))
            good = any(assertion.verify(key) for key in keys) and self._good(
                assertion.claims, application, form
            )
        except ValueError:
            return None
        return application if good else None

    def _good(self, claims: Mapping[str, Any], application: Application, form: Mapping[str, str]) -> bool:
        """Whether an assertion with a good signature is for here and now, and is used for the first time."""
        if {claims["sub"], text(claims, "iss"), form.get("client_id", application.id)} != {application.id}:
            return False
        expires = _end(claims)
        if expires is None or not self._is_audience(claims.get("aud"), application):
            return False
        value = sha256(f"{application.id} {text(claims, 'jti')}".encode()).hexdigest()
        return spend(self.connection, "assertion", value, datetime.fromtimestamp(expires + _REMEMBERED, UTC))

    def _is_audience(self, named: Any, application: Application) -> bool:
        """Whether an assertion is for this server alone: what is for two, the other could pass on to us."""
        if application.strict_audience:
            return bool(named == self.issuer)
        audiences = named if isinstance(named, list) else [named]
        return bool(audiences) and all(each in self._names() for each in audiences)

    def _names(self) -> tuple[str, ...]:
        """What libraries call this server: some name the endpoint that they ask, whichever it is."""
        return self.issuer, *(f"{self.issuer}/{endpoint}" for endpoint in ("token", "introspect", "revoke"))


def subject(assertion: str) -> str:
    """The id that an assertion claims, before anything in it is verified; nothing where it cannot be read."""
    try:
        return text(_read(assertion).claims, "sub")
    except ValueError:
        return ""


def _read(assertion: str) -> Jwt:
    if len(assertion) > MAX_ASSERTION:
        raise ValueError("the assertion is too long")
    return Jwt(assertion, _REGISTRY)


def _end(claims: Mapping[str, Any]) -> float | None:
    """When an assertion expires, or None if it is not valid now."""
    now, expires = time.time(), moment(claims, "exp")
    begins = [moment(claims, name) for name in ("iat", "nbf") if name in claims]
    if not now < expires <= now + MAX_AHEAD + SKEW or any(begin > now + SKEW for begin in begins):
        return None
    return expires


def _type(value: object) -> None:
    """Any other type is a JWT for something else, such as an access token or a DPoP proof (RFC 8725, 3.11)."""
    name = str(value).lower().removeprefix("application/")
    if name not in ("jwt", "client-authentication+jwt"):
        raise ValueError("is not that of an assertion")


_REGISTRY = Registry(
    tuple(TYPE_OF),
    {
        "alg": HeaderParameter("Algorithm", "str", required=True),
        "kid": HeaderParameter("Key ID", "str"),
        "typ": HeaderParameter("Type", _type),
        "x5t": HeaderParameter("Thumbprint of a certificate, not heeded", "str"),
        "x5t#S256": HeaderParameter("Thumbprint of a certificate, not heeded", "str"),
    },
)
"""All header parameters an assertion may have: none that brings a key, or says where one is."""
