"""Outside issuers: tokens that somebody else issued, turned into callers within what the operator lets them be."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from joserfc.registry import HeaderParameter

from gateway.errors import Refusal, SettingsError
from gateway.oauth.claims import bound_key, moment, text
from gateway.oauth.details import Datasets, granted
from gateway.oauth.keysets import COOL_DOWN, KeySet, Unreachable
from gateway.oauth.registration import Known
from gateway.oauth.signatures import ASYMMETRIC, Jwt, Registry
from gateway.oauth.tokens import Caller
from gateway.trust import Source, Trust

logger = logging.getLogger("gateway.oauth.issuers")

_ACCESS_TOKEN = ("at+jwt", "application/at+jwt")
_INSTRUCTIONS = ("jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc")
"""Header parameters by which a token would tell how to verify it."""


class OutsideIssuer:
    """Verifies the tokens of one issuer for `audience`. `clock` gives seconds since the epoch."""

    def __init__(
        self, trust: Trust, audience: str, keys: KeySet, clock: Callable[[], float] = time.time
    ) -> None:
        self._trust = trust
        self._audience = trust.audience or audience
        self._keys = keys
        self._clock = clock
        self._registry = _registry(trust)

    async def caller(self, token: str) -> Caller:
        """The caller that a token makes its bearer.

        Raises `ValueError` for one that is not good, and `Refusal` 503 where that cannot be told: no keys to be had.
        """
        try:
            jwt = Jwt(token, self._registry)
            await self._verify(jwt)
            return self._caller(jwt.claims)
        except Unreachable:
            message = "The keys of the token's issuer cannot be had now; try again later."
            raise Refusal(503, "UNAVAILABLE", message, {"Retry-After": str(COOL_DOWN)}) from None
        except ValueError as reason:
            # All reasons are our own words, without a word of the token's.
            logger.info("token refused", extra={"issuer": self._trust.name, "reason": str(reason)})
            raise

    async def _verify(self, jwt: Jwt) -> None:
        for key in await self._keys.find(jwt.algorithm, jwt.header.get("kid")):
            if jwt.verify(key):
                return
        raise ValueError("no key of the issuer made the signature")

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        if claims.get("iss") != self._trust.issuer:
            raise ValueError("iss is somebody else")
        if claims.get("aud") not in (self._audience, [self._audience]):
            raise ValueError("aud is somebody else")
        application, subject = _one(self._trust.application, claims, "application"), text(claims, "sub")
        purpose = _one(self._trust.purpose, claims, "purpose")
        return Caller(
            party=_one(self._trust.party, claims, "party"),
            application=f"{self._trust.name}:{application}",
            scopes=frozenset(_many(self._trust.scope, claims) & set(self._trust.scopes)),
            purpose=purpose,
            expires=self._expiry(claims),
            user=None if subject == application else f"{self._trust.name}:{subject}",
            datasets=_datasets(claims["authorization_details"], purpose)
            if "authorization_details" in claims
            else None,
            key=bound_key(claims),
            token=f"{self._trust.name}:{text(claims, 'jti')}" if "jti" in claims else "",
        )

    def _expiry(self, claims: Mapping[str, Any]) -> float:
        now, leeway = self._clock(), self._trust.leeway
        if now >= moment(claims, "exp") + leeway:
            raise ValueError("exp is past")
        if moment(claims, "iat") > now + leeway or ("nbf" in claims and moment(claims, "nbf") > now + leeway):
            raise ValueError("iat or nbf is to come")
        return moment(claims, "exp") + leeway


def outside_issuers(
    issuers: Sequence[Trust], own: str, audience: str, known: Known
) -> Mapping[str, OutsideIssuer]:
    """The issuers that the settings trust, each by the `iss` of its tokens.

    Raises `SettingsError` for what is not `known` here, and for one that would speak for the gateway itself.
    """
    for trust in issuers:
        _check(trust, own, known)
        if trust.type == "JWT":
            # Anything else the issuer signs for this audience would do as an access token too.
            logger.warning("tokens need not be marked as access tokens", extra={"issuer": trust.name})
    return {trust.issuer: OutsideIssuer(trust, audience, KeySet(trust)) for trust in issuers}


def _check(trust: Trust, own: str, known: Known) -> None:
    if trust.issuer == own:
        raise SettingsError(f"[[issuers]] {trust.name}: that is the gateway's own issuer")
    parties = {trust.party.fixed} if trust.party.fixed else set((trust.party.values or {}).values())
    purposes = {trust.purpose.fixed} if trust.purpose.fixed else set((trust.purpose.values or {}).values())
    for kind, used, there in (
        ("algorithm", trust.algorithms, ASYMMETRIC),
        ("party", parties, known.parties),
        ("purpose", purposes, known.purposes),
        ("scope", trust.scopes, known.scopes),
    ):
        if unknown := sorted(str(one) for one in used if one not in there):
            raise SettingsError(f"[[issuers]] {trust.name}: no such {kind}: {', '.join(unknown)}")


def _registry(trust: Trust) -> Registry:
    """What their headers may have: anything that others put there, but no instructions."""

    def is_type(value: object) -> None:
        if not isinstance(value, str) or value.lower() not in kinds:
            raise ValueError("is not that of an access token")

    kinds = (*_ACCESS_TOKEN, "jwt") if trust.type == "JWT" else _ACCESS_TOKEN
    members = {name: HeaderParameter(name, "none") for name in _INSTRUCTIONS} | {
        "alg": HeaderParameter("Algorithm", "str", required=True),
        "kid": HeaderParameter("Key ID", "str"),
        "typ": HeaderParameter("Type", is_type, required=trust.type != "JWT"),
    }
    return Registry(trust.algorithms, members, strict=False)


def _datasets(entries: Any, purpose: str) -> Datasets:
    found = granted(entries)
    if any(entry.get("purpose", purpose) != purpose for entry in entries):
        raise ValueError("the details are for another purpose")
    return found


def _claim(source: Source, claims: Mapping[str, Any]) -> Any:
    found: Any = claims
    for name in source.claim:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _one(source: Source, claims: Mapping[str, Any], what: str) -> str:
    if source.fixed is not None:
        return source.fixed
    found = _claim(source, claims)
    if not isinstance(found, str) or not 0 < len(found) <= 255:
        raise ValueError(f"no {what} is claimed")
    if source.values is None:
        return found
    if found not in source.values:
        raise ValueError(f"the {what} is not one in the settings")
    return source.values[found]


def _many(source: Source, claims: Mapping[str, Any]) -> set[str]:
    """Scopes: a text with spaces between them, as OAuth has it, or the list that many issuers make of it."""
    found = _claim(source, claims)
    names = found.split() if isinstance(found, str) else [] if found is None else found
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("the scopes are no list of texts")
    return (
        set(names)
        if source.values is None
        else {source.values[name] for name in names if name in source.values}
    )
