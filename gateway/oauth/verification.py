"""Verification: an access token that a request brings is turned into the caller it stands for (RFC 9068, 4)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, GuestProtocol
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderParameter
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import Refusal
from gateway.oauth.claims import bound_key, moment, text
from gateway.oauth.details import granted
from gateway.oauth.dpop import ALGORITHMS, InvalidProof
from gateway.oauth.issuers import OutsideIssuer
from gateway.oauth.keys import ALGORITHM, Keys
from gateway.oauth.possession import Possession
from gateway.oauth.revocations import Revocations
from gateway.oauth.signatures import claimed_issuer
from gateway.oauth.tokens import SKEW, Caller
from gateway.oauth.wellknown import PROTECTED_RESOURCE, well_known

MAX_TOKEN = 8192

REMEMBERED = 300
"""Seconds after which a token is verified again: an outside issuer's may live for hours, and its key be withdrawn."""

_UNKNOWN: tuple[Caller | None, float] = None, 0.0

_TYPES = ("at+jwt", "application/at+jwt")


class Verifier:
    """Turns the Authorization header of a request for `audience` into the caller it stands for.

    A verified token is remembered by its hash for a while, at most `size` of them, and gives the same `Caller` object
    each time. `clock` gives seconds since the epoch. `outside` are the other issuers that are trusted, each by its
    `iss`, and `possession` checks proofs; without it, no token that is bound to a key is good.
    """

    def __init__(
        self,
        keys: Keys,
        issuer: str,
        audience: str,
        clock: Callable[[], float] = time.time,
        size: int = 10_000,
        revocations: Revocations | None = None,
        possession: Possession | None = None,
        outside: Mapping[str, OutsideIssuer] = MappingProxyType({}),
    ) -> None:
        self._keys = keys
        self._version = keys.version
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._size = size
        self._revocations = revocations
        self._possession = possession
        self._outside = outside
        self._metadata = well_known(PROTECTED_RESOURCE, audience)
        self._verified: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()

    async def authenticate(
        self, authorization: str | None, method: str = "POST", proofs: Sequence[str] = (), path: str = ""
    ) -> Caller:
        """The caller behind an Authorization header (RFC 6750, 2.1; RFC 9449, 7.1), and the DPoP headers beside it.

        `path` is what the request asks for below the audience's address; its proof is for that.
        A bearer token that is known takes no wait; a bound one takes a write to the database each time. Raises
        `Refusal`: 401, without an error code when no token was sent, or 503 where the database cannot be written.
        """
        caller = await self.recognize(authorization)
        if caller.key is not None:
            await self._prove(caller, _parted(authorization)[1], method, path, proofs)
        return caller

    async def recognize(self, authorization: str | None) -> Caller:
        """The caller behind an Authorization header, without a proof: for a connection that was opened with one.

        Raises `Refusal` 401 when there is no token or it is not good any more, 503 where nobody can know.
        """
        scheme, token = _parted(authorization)
        if not token or scheme not in ("bearer", "dpop"):
            raise self._refusal("An access token is required.")
        if len(token) > MAX_TOKEN or not token.isascii():
            raise self._invalid(scheme)
        if self._version != self._keys.version:
            self._forget()
        digest = sha256(token.encode()).digest()
        caller, until = self._verified.get(digest, _UNKNOWN)
        if caller is not None and self._clock() < until:
            self._verified.move_to_end(digest)
        else:
            caller = self._remember(digest, await self._verify(token, scheme))
        if self._revocations is not None and self._revocations.revoked(caller):
            raise self._invalid(scheme)
        # Whoever steals a bound token must not get through by calling it a bearer token, nor the other way round.
        if (caller.key is None) != (scheme == "bearer"):
            raise self._invalid(scheme)
        return caller

    async def _prove(self, caller: Caller, token: str, method: str, path: str, proofs: Sequence[str]) -> None:
        if self._possession is None:
            raise self._invalid("dpop")
        try:
            await self._possession.prove(caller, token, method, path, proofs)
        except InvalidProof as invalid:
            raise self._refusal(invalid.message, "dpop", invalid.error) from None
        except (SQLAlchemyError, TimeoutError):
            message = "The proof cannot be checked now; try again in a moment."
            raise Refusal(503, "UNAVAILABLE", message, {"Retry-After": "1"}) from None

    def read(self, token: str) -> tuple[Caller, dict[str, Any]] | None:
        """The caller and the claims of a token that this gateway issued and that has not expired, else None."""
        if len(token) > MAX_TOKEN or not token.isascii():
            return None
        try:
            claims = jwt.decode(token, self._key, registry=_REGISTRY).claims
            return self._caller(claims), claims
        except (JoseError, ValueError, TypeError):
            return None

    def _forget(self) -> None:
        """Trust no token for having been verified: its key may be gone, as when it was stolen."""
        self._version = self._keys.version
        self._verified.clear()

    def _remember(self, digest: bytes, caller: Caller) -> Caller:
        self._verified[digest] = caller, min(caller.expires, self._clock() + REMEMBERED)
        if len(self._verified) > self._size:
            self._verified.popitem(last=False)
        return caller

    async def _verify(self, token: str, scheme: str) -> Caller:
        # Who issued a token is settled before any key is looked at: no issuer's key verifies another's tokens.
        issuer = self._outside.get(claimed_issuer(token)) if self._outside else None
        try:
            if issuer is not None:
                return await issuer.caller(token)
            return self._caller(jwt.decode(token, self._key, registry=_REGISTRY).claims)
        except (JoseError, ValueError, TypeError):
            # A header that is JSON but no object makes joserfc stumble over its own types.
            raise self._invalid(scheme) from None

    def _key(self, token: GuestProtocol) -> ECKey:
        key = self._keys.find(token.headers()["kid"])
        if key is None:
            raise ValueError("the key is not ours")
        return key

    def _caller(self, claims: dict[str, Any]) -> Caller:
        """The caller that the claims of a token with a good signature describe (RFC 9068, 4)."""
        if claims.get("iss") != self._issuer or claims.get("aud") not in (self._audience, [self._audience]):
            raise ValueError("the token is from or for somebody else")
        now, expires = self._clock(), moment(claims, "exp")
        if now >= expires or moment(claims, "iat") > now + SKEW:
            raise ValueError("the token is not valid now")
        scope = text(claims, "scope") if "scope" in claims else ""
        subject, application = text(claims, "sub"), text(claims, "client_id")
        return Caller(
            party=text(claims, "party"),
            application=application,
            scopes=frozenset(scope.split()),
            purpose=text(claims, "purpose"),
            expires=expires,
            user=None if subject == application else subject,
            datasets=granted(claims["authorization_details"]) if "authorization_details" in claims else None,
            key=bound_key(claims),
            grant=text(claims, "grant") if "grant" in claims else None,
            token=text(claims, "jti"),
            issued=moment(claims, "iat"),
        )

    def _invalid(self, scheme: str) -> Refusal:
        description = "The access token is malformed, expired, or not one for this resource."
        return self._refusal(description, scheme, "invalid_token")

    def _refusal(self, message: str, scheme: str = "bearer", error: str = "") -> Refusal:
        """401 with a challenge for each way a token can be sent, that of the way tried first and with the error."""
        reason = f'error="{error}", error_description="{message}", ' if error else ""
        metadata = f'resource_metadata="{self._metadata}"'
        challenges = [f"Bearer {{}}{metadata}", f'DPoP {{}}algs="{" ".join(ALGORITHMS)}", {metadata}']
        if scheme == "dpop":
            challenges.reverse()
        challenge = ", ".join(challenges).format(reason, "")
        return Refusal(401, "UNAUTHENTICATED", message, {"WWW-Authenticate": challenge})


def _parted(authorization: str | None) -> tuple[str, str]:
    scheme, _, token = (authorization or "").partition(" ")
    return scheme.lower(), token.strip(" ")


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
