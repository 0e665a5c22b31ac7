"""Refusals: why an operation that was read is not run, whatever it came by."""

from __future__ import annotations

from collections.abc import Sequence

from graphql import GraphQLError

from gateway.engine.documents import InvalidDocument
from gateway.errors import Refusal
from gateway.oauth.dpop import ALGORITHMS
from gateway.oauth.tokens import Caller


def not_trusted() -> Refusal:
    """The refusal of a document that is none of a `trusted_only` application's own."""
    message = "This application may run its registered documents only, and this is none of them."
    return Refusal(403, "QUERY_NOT_IN_SAFELIST", message)


def too_dear(cost: int, limit: int) -> InvalidDocument:
    """The refusal of an operation that may cost more than any may."""
    message = (
        f"The operation may cost {cost}, where {limit} is allowed. Ask for shorter pages (`first`), "
        "above all where one list stands in another, or for less in each operation."
    )
    error = GraphQLError(message, extensions={"code": "COST_LIMIT", "estimated": cost, "limit": limit})
    return InvalidDocument("COST_LIMIT", [error])


def insufficient_scope(caller: Caller, refusals: Sequence[GraphQLError]) -> Refusal:
    """The refusal of a whole operation for what the token does not allow (RFC 6750, 3.1; RFC 9449, 7.1)."""
    lack = sorted({scope for each in refusals for scope in (each.extensions or {})["missingScopes"]})
    challenge = f'Bearer error="insufficient_scope", scope="{" ".join(lack)}"'
    if caller.key is not None:
        # A token that is bound to a key comes by DPoP and by nothing else.
        challenge = f'DPoP{challenge.removeprefix("Bearer")}, algs="{" ".join(ALGORITHMS)}"'
    message = f"The operation asks for what the token does not allow; it lacks {', '.join(lack)}."
    return Refusal(403, "UNAUTHORIZED_OPERATION", message, {"WWW-Authenticate": challenge})
