"""Binding: tokens tied to the key that their application proves to have (RFC 9449, 5)."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.oauth.applications import Application
from gateway.oauth.dpop import InvalidProof, Proof, nonce_needed, spend_proof


def use_proof(connection: Connection, proof: Proof | None, application: Application) -> None:
    """Use up the proof of a token request whose application has authenticated.

    Where the application must prove possession, the proof needs a nonce too: without one, who has been at the key for
    a moment could take proofs for years along. Raises `InvalidProof`.
    """
    if proof is None:
        if application.dpop_required:
            raise InvalidProof("This application must prove possession of a key: send a DPoP header.")
        return
    if application.dpop_required and not proof.fresh:
        raise nonce_needed()
    if not spend_proof(connection, proof):
        raise InvalidProof("The DPoP proof has been used before.")
