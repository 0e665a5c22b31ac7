"""Query: what explaining adds to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import strawberry
from strawberry.scalars import JSON

from gateway.access.request import Access
from gateway.engine.batch import batch
from gateway.errors import FieldError
from gateway.explain.explanation import AccessExplanation

COST = 1_000
"""Explaining plans an operation several times and rehearses it: a few milliseconds, and for the largest a hundred."""


async def explain_access(
    roots: Sequence[None],
    access: Access,
    *,
    document: str,
    variables: JSON | None = None,
    operation_name: str | None = None,
) -> list[AccessExplanation]:
    """What would become of an operation if the caller ran it, and why; nothing of it is run."""
    if not isinstance(variables, Mapping | None):
        raise FieldError("`variables` must be an object.", "BAD_USER_INPUT", argument="variables")
    if access.explain is None:
        raise FieldError("Operations are not explained here.", "BAD_USER_INPUT", argument="document")
    found: AccessExplanation = await access.explain(access, document, variables or {}, operation_name)
    return [found for _ in roots]


@strawberry.type
class ExplainQuery:
    """What explaining adds to the queries."""

    explain_access: AccessExplanation = batch(explain_access, cost=COST)
