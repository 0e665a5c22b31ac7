"""Possession: a token that is bound to a key is taken only with a proof of that key, made for this one request."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.oauth.applications import lookup
from gateway.oauth.dpop import InvalidProof, Proof, nonce_needed, read_proof, spend_proof, token_hash
from gateway.oauth.nonces import Nonces
from gateway.oauth.tokens import Caller
from gateway.store.database import immediate


@dataclass(frozen=True, slots=True)
class Possession:
    """Checks the proofs that come to a resource at `address` and below, and uses each up for all workers."""

    engine: AsyncEngine
    address: str
    nonces: Nonces
    clock: Callable[[], float] = time.time

    async def prove(self, caller: Caller, token: str, method: str, path: str, proofs: Sequence[str]) -> None:
        """Hold a request with a bound token to its proof (RFC 9449, 7).

        Costs a write to the database. Raises `InvalidProof`, and what the database raises where it cannot be written.
        """
        proof = read_proof(proofs, method, self.address + path, self.nonces, self.clock())
        if proof.key != caller.key:
            raise InvalidProof("The DPoP proof is of another key than the token's.")
        if proof.token != token_hash(token):
            raise InvalidProof("The DPoP proof is for another token: ath.")
        async with immediate(self.engine) as connection:
            await connection.run_sync(_use, proof, caller)


def _use(connection: Connection, proof: Proof, caller: Caller) -> None:
    application = lookup(connection, caller.application)
    if application is not None and application.dpop_required and not proof.fresh:
        raise nonce_needed()
    if not spend_proof(connection, proof):
        raise InvalidProof("The DPoP proof has been used before.")
