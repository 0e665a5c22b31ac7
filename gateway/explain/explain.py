"""Explaining: an operation prepared as if to be run, and what there is to say of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from graphql import GraphQLError, GraphQLSchema

from gateway.access.request import Access
from gateway.clients.scalars import BigInt
from gateway.engine.documents import InvalidDocument
from gateway.engine.engine import Prepared
from gateway.errors import Refusal
from gateway.explain.explanation import AccessExplanation, ExplainedCost, ExplainedError
from gateway.explain.fields import Fields, Needed
from gateway.explain.lack import Prepare, smallest_lack
from gateway.explain.rehearsal import Rehearsal
from gateway.explain.tables import caller_rights, explained_tables


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides about an operation when it is run, to be asked without running it.

    `prepare` prepares it as the holder of some scopes may run it; `refuse` says why it would not be run as a whole even
    so; `most` is the cost that it may have.
    """

    schema: GraphQLSchema
    needed: Needed
    prepare: Prepare
    refuse: Callable[[Prepared], InvalidDocument | Refusal | None]
    most: int


async def explain(access: Access, terms: Terms) -> AccessExplanation:
    """What would become of an operation that this caller ran now."""
    try:
        prepared = await terms.prepare(access.caller.scopes)
    except (InvalidDocument, Refusal) as refused:
        return _not_run(refused)
    refusal = terms.refuse(prepared)
    wanted = access.asked.get("AccessExplanation", frozenset())
    rights = await caller_rights(access)
    rehearsal = Rehearsal(prepared, access, rights)
    if wanted & {"tables", "levels"}:
        await rehearsal.hold()
    lack: list[str] = []
    if "missing_scopes" in wanted:
        lack = await smallest_lack(terms.prepare, terms.needed, access.caller.scopes)
    fields = Fields(terms.schema, terms.needed).of(prepared.plan.root, [], [])
    return AccessExplanation(
        runs=refusal is None,
        errors=_errors(refusal) if refusal else [],
        allowed=not prepared.plan.refusals,
        missing_scopes=lack,
        cost=ExplainedCost(estimated=BigInt(prepared.cost), limit=BigInt(terms.most)),
        # In a thread, for there may be thousands.
        fields=await asyncio.to_thread(list, fields),
        tables=explained_tables(rehearsal.tables, rights, access.caller),
        levels=rehearsal.levels,
    )


def _not_run(refusal: InvalidDocument | Refusal) -> AccessExplanation:
    return AccessExplanation(
        runs=False,
        errors=_errors(refusal),
        allowed=False,
        missing_scopes=[],
        cost=None,
        fields=[],
        tables=[],
        levels=[],
    )


def _errors(refusal: InvalidDocument | Refusal) -> list[ExplainedError]:
    if isinstance(refusal, InvalidDocument):
        return [_error(each, refusal.code) for each in refusal.errors]
    return [ExplainedError(message=refusal.message, code=refusal.code, line=None, column=None)]


def _error(error: GraphQLError, code: str) -> ExplainedError:
    where = error.locations[0] if error.locations else None
    return ExplainedError(
        message=error.message,
        code=str((error.extensions or {}).get("code", code)),
        line=where and where.line,
        column=where and where.column,
    )
