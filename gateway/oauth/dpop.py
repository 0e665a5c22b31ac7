"""Proofs of possession (RFC 9449): who presents a token shows with each request that a key is theirs."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from joserfc.registry import HeaderParameter
from sqlalchemy import Connection

from gateway.oauth.addresses import normalised
from gateway.oauth.claims import moment, text
from gateway.oauth.nonces import SLOT, Nonces
from gateway.oauth.signatures import Jwt, Registry, public_key
from gateway.oauth.spent import spend

ALGORITHMS = ("ES256", "PS256", "Ed25519", "EdDSA")
"""Those of FAPI 2.0. RS256 is left out: its padding is the weaker one, and no application has to begin with it."""

MAX_PROOF = 8192

AGE = 60
"""Seconds that a proof may be old which holds no nonce to say so."""

AHEAD = 10
"""Seconds that the clock of an application may be ahead."""

AHEAD_WITH_NONCE = 60
"""The same where a nonce says how old the proof is."""

_KEPT = 3 * SLOT + AHEAD
"""Seconds that a proof is remembered once used: longer than any is taken."""


class InvalidProof(Exception):
    """A request does not prove possession of the key; `error` is the code of RFC 9449 for it."""

    def __init__(self, message: str, error: str = "invalid_dpop_proof") -> None:
        super().__init__(message)
        self.message = message
        self.error = error


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof whose signature, address and time are good, still to be used up.

    `key` is the thumbprint of the key proven (RFC 7638), `id` names the proof among that key's, `fresh` says that it
    holds a nonce of ours, `token` is the hash of the access token that it was made for.
    """

    key: str
    id: str
    fresh: bool
    token: str | None


def nonce_needed() -> InvalidProof:
    """What to say to a proof without a nonce of these minutes; the answer brings one in its header."""
    return InvalidProof("The proof must hold the nonce of the DPoP-Nonce header.", "use_dpop_nonce")


def read_proof(sent: Sequence[str], method: str, address: str, nonces: Nonces, now: float) -> Proof:
    """The proof in a request's DPoP headers, which was made for this method and address (RFC 9449, 4.3).

    `address` is as configured, never as the request names it; `now` is seconds since the epoch. Raises `InvalidProof`.
    """
    if len(sent) != 1:
        raise InvalidProof("Send one DPoP header.")
    try:
        if len(sent[0]) > MAX_PROOF:
            raise ValueError("the proof is too long")
        jwt = Jwt(sent[0], _REGISTRY)
        key = public_key(jwt.header["jwk"], jwt.algorithm)
        if not jwt.verify(key):
            raise ValueError("another key signed the proof")
        fresh = _fresh(jwt.claims, nonces)
        _check_request(jwt.claims, method, address)
        _check_times(jwt.claims, now, fresh)
        return Proof(key.thumbprint(), text(jwt.claims, "jti"), fresh, jwt.claims.get("ath"))
    except ValueError as reason:
        # All of these reasons are our own words.
        raise InvalidProof(f"The DPoP proof is not valid: {reason}.") from None


def spend_proof(connection: Connection, proof: Proof) -> bool:
    """Use a proof up: True for the first who does."""
    # A key has its own ids, so that nobody can use up another's; and what a stranger wrote is not stored as it is.
    value = sha256(f"{proof.key} {proof.id}".encode(errors="surrogatepass")).hexdigest()
    return spend(connection, "proof", value, datetime.now(UTC) + timedelta(seconds=_KEPT))


def token_hash(token: str) -> str:
    """The `ath` of proofs that accompany this access token: its SHA-256 in base64url."""
    return urlsafe_b64encode(sha256(token.encode()).digest()).decode().rstrip("=")


def _fresh(claims: dict[str, Any], nonces: Nonces) -> bool:
    if "nonce" not in claims:
        return False
    if not nonces.accepts(text(claims, "nonce")):
        raise nonce_needed()
    return True


def _check_request(claims: dict[str, Any], method: str, address: str) -> None:
    if claims.get("htm") != method:
        raise ValueError("htm is another method")
    if normalised(text(claims, "htu")) != normalised(address):
        raise ValueError("htu is another address")


def _check_times(claims: dict[str, Any], now: float, fresh: bool) -> None:
    issued, ahead = moment(claims, "iat"), AHEAD_WITH_NONCE if fresh else AHEAD
    if issued > now + ahead or (not fresh and issued < now - AGE):
        raise ValueError("iat is not now")
    # Neither is asked for; whoever sets one means it.
    if ("exp" in claims and moment(claims, "exp") <= now) or (
        "nbf" in claims and moment(claims, "nbf") > now + ahead
    ):
        raise ValueError("exp or nbf is not now")


def _proof(value: object) -> None:
    if not isinstance(value, str) or value.lower() != "dpop+jwt":
        raise ValueError("is not that of a proof")


_REGISTRY = Registry(
    ALGORITHMS,
    {
        "alg": HeaderParameter("Algorithm", "str", required=True),
        "typ": HeaderParameter("Type", _proof, required=True),
        "jwk": HeaderParameter("JSON Web Key", "jwk", required=True),
        "kid": HeaderParameter("Key ID", "str"),
    },
)
