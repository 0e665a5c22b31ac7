"""Access tokens: signed JWTs of five minutes (RFC 9068), issued for a caller and verified back into one."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, GuestProtocol
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderParameter

from gateway.errors import Refusal
from gateway.oauth.keys import ALGORITHM, Keys
from gateway.oauth.wellknown import PROTECTED_RESOURCE, well_known

LIFETIME = 300
"""Seconds that a token is good for, and so the longest that it outlives the application it was issued to."""

SKEW = 10
"""Seconds that the clock of the worker that issued a token may be ahead."""

MAX_TOKEN = 8192

_TYPES = ("at+jwt", "application/at+jwt")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an application of a party, with the scopes and the purpose its token was given.

    `party` is upper case (`ALIBABA`), `expires` is seconds since the epoch. `user` is the person the application acts
    for, None for a service. `datasets` are the (party, dataset) pairs that the token was narrowed to, None where it
    was not. `key` is the thumbprint of the key that its bearer must prove (RFC 9449), `grant` the authorization that
    the token follows from, `token` its id.
    """

    party: str
    application: str
    scopes: frozenset[str]
    purpose: str
    expires: float = float("inf")
    user: str | None = None
    datasets: frozenset[tuple[str, str]] | None = None
    key: str | None = None
    grant: str | None = None
    token: str = field(default="", compare=False)


def issue(caller: Caller, keys: Keys, issuer: str, audience: str, issued: int) -> str:
    """A token that makes its bearer `caller` until `caller.expires`; `issued` is seconds since the epoch."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": caller.user or caller.application,
        "client_id": caller.application,
        "aud": audience,
        "iat": issued,
        "exp": int(caller.expires),
        "jti": secrets.token_urlsafe(16),
        "party": caller.party,
        "purpose": caller.purpose,
    }
    if caller.scopes:
        claims["scope"] = " ".join(sorted(caller.scopes))
    if caller.key:
        claims["cnf"] = {"jkt": caller.key}
    if caller.grant:
        claims["grant"] = caller.grant
    header = {"typ": "at+jwt", "alg": ALGORITHM, "kid": keys.current.thumbprint()}
    return jwt.encode(header, claims, keys.current, algorithms=[ALGORITHM])


class Verifier:
    """Turns the Authorization header of a request for `audience` into the caller it stands for.

    A verified token is remembered by its hash until it expires, at most `size` of them, and gives the same
    `Caller` object each time. `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        keys: Keys,
        issuer: str,
        audience: str,
        clock: Callable[[], float] = time.time,
        size: int = 10_000,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._size = size
        self._metadata = well_known(PROTECTED_RESOURCE, audience)
        self._verified: OrderedDict[bytes, Caller] = OrderedDict()

    def authenticate(self, authorization: str | None) -> Caller:
        """The caller behind an Authorization header (RFC 6750, 2.1).

        Raises `Refusal` 401: without an error code when no bearer token was sent, else `invalid_token`.
        """
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip(" ")
        if not token or scheme.lower() != "bearer":
            raise self._refusal("A bearer token is required.")
        if len(token) > MAX_TOKEN or not token.isascii():
            raise self._invalid()
        digest = sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is not None and self._clock() < known.expires:
            self._verified.move_to_end(digest)
            return known
        return self._remember(digest, self._verify(token))

    def _remember(self, digest: bytes, caller: Caller) -> Caller:
        self._verified[digest] = caller
        if len(self._verified) > self._size:
            self._verified.popitem(last=False)
        return caller

    def _verify(self, token: str) -> Caller:
        try:
            return self._caller(jwt.decode(token, self._key, registry=_REGISTRY).claims)
        except (JoseError, ValueError, TypeError):
            # A header that is JSON but no object makes joserfc stumble over its own types.
            raise self._invalid() from None

    def _key(self, token: GuestProtocol) -> ECKey:
        key = self._keys.find(token.headers()["kid"])
        if key is None:
            raise ValueError("the key is not ours")
        return key

    def _caller(self, claims: dict[str, Any]) -> Caller:
        """The caller that the claims of a token with a good signature describe (RFC 9068, 4)."""
        if claims.get("iss") != self._issuer or claims.get("aud") not in (self._audience, [self._audience]):
            raise ValueError("the token is from or for somebody else")
        now, expires = self._clock(), _moment(claims, "exp")
        if now >= expires or _moment(claims, "iat") > now + SKEW:
            raise ValueError("the token is not valid now")
        scope = _text(claims, "scope") if "scope" in claims else ""
        subject, application = _text(claims, "sub"), _text(claims, "client_id")
        return Caller(
            party=_text(claims, "party"),
            application=application,
            scopes=frozenset(scope.split()),
            purpose=_text(claims, "purpose"),
            expires=expires,
            user=None if subject == application else subject,
            grant=_text(claims, "grant") if "grant" in claims else None,
            token=_text(claims, "jti"),
        )

    def _invalid(self) -> Refusal:
        description = "The access token is malformed, expired, or not one for this resource."
        return self._refusal(description, f'error="invalid_token", error_description="{description}", ')

    def _refusal(self, message: str, reason: str = "") -> Refusal:
        challenge = f'Bearer {reason}resource_metadata="{self._metadata}"'
        return Refusal(401, "UNAUTHENTICATED", message, {"WWW-Authenticate": challenge})


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is not a text")
    return value


def _moment(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    # The bounds also keep out infinity and what is not a number, at which a token would never expire.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**53:
        raise ValueError(f"{name} is not a moment")
    return value


def _access_token(value: object) -> None:
    if not isinstance(value, str) or value.lower() not in _TYPES:
        raise ValueError("is not that of an access token")


class _Registry(JWSRegistry):
    """All header parameters a token may have, each required: a token never brings a key of its own."""

    default_header_registry = {  # noqa: RUF012 - joserfc's own declaration
        "alg": HeaderParameter("Algorithm", "str", required=True),
        "kid": HeaderParameter("Key ID", "str", required=True),
        "typ": HeaderParameter("Type", _access_token, required=True),
    }


_REGISTRY = _Registry(algorithms=[ALGORITHM])
