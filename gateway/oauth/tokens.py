"""Access tokens: signed JWTs of five minutes (RFC 9068), issued for a caller."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt

from gateway.oauth.details import claim
from gateway.oauth.keys import ALGORITHM, Keys

LIFETIME = 300
"""Seconds that a token is good for, and so the longest that it outlives the application it was issued to."""

SKEW = 10
"""Seconds that the clock of the worker that issued a token may be ahead."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an application of a party, with the scopes and the purpose its token was given.

    `party` is upper case (`ALIBABA`), `expires` and `issued` are seconds since the epoch. `user` is the person the
    application acts for, None for a service. `datasets` are the (party, dataset) pairs that the token was narrowed to,
    None where it was not. `key` is the thumbprint of the key that its bearer must prove (RFC 9449), `grant` the
    authorization that the token follows from, `token` its id.
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
    issued: float = field(default=0, compare=False)


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
    if caller.datasets is not None:
        claims["authorization_details"] = claim(caller.datasets, caller.purpose)
    if caller.key:
        claims["cnf"] = {"jkt": caller.key}
    if caller.grant:
        claims["grant"] = caller.grant
    # Taken once: a rotation in between would put one key's id above another's signature.
    key = keys.current
    header = {"typ": "at+jwt", "alg": ALGORITHM, "kid": key.thumbprint()}
    return jwt.encode(header, claims, key, algorithms=[ALGORITHM])
