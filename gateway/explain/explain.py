"""Explaining: an operation prepared as if to be run, and what there is to say of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

    `prepare` prepares it as the holder of some scopes may run it; `reject` says for what it would be refused as a
    whole before it runs; `budget` is the cost that its application may use a minute.
    """

    schema: GraphQLSchema
    needed: Needed
    prepare: Prepare
    reject: Callable[[Prepared], Refusal | None]
    budget: int


async def explain(access: Access, terms: Terms) -> AccessExplanation:
    """What would become of an operation that this caller ran now."""
    held = access.caller.scopes
    try:
        prepared = await terms.prepare(held)
    except InvalidDocument as invalid:
        return _not_run([_error(each, invalid.code) for each in invalid.errors])
    except Refusal as refusal:
        return _not_run([_refused(refusal)])
    wanted = access.asked.get("AccessExplanation", frozenset())
    rejected = terms.reject(prepared)
    rights = await caller_rights(access)
    rehearsal = Rehearsal(prepared, access, rights)
    if wanted & {"tables", "levels"}:
        await rehearsal.hold()
    return AccessExplanation(
        runs=rejected is None,
        errors=[_refused(rejected)] if rejected else [],
        allowed=not prepared.plan.refusals,
        missing_scopes=await smallest_lack(terms.prepare, terms.needed, held)
        if "missing_scopes" in wanted
        else [],
        cost=ExplainedCost(estimated=BigInt(prepared.cost), limit=BigInt(terms.budget)),
        fields=list(Fields(terms.schema, terms.needed).of(prepared.plan.root, [], [])),
        tables=explained_tables(rehearsal.tables, rights, access.caller),
        levels=rehearsal.levels,
    )


def _not_run(errors: Sequence[ExplainedError]) -> AccessExplanation:
    return AccessExplanation(
        runs=False,
        errors=list(errors),
        allowed=False,
        missing_scopes=[],
        cost=None,
        fields=[],
        tables=[],
        levels=[],
    )


def _refused(refusal: Refusal) -> ExplainedError:
    return ExplainedError(message=refusal.message, code=refusal.code, line=None, column=None)


def _error(error: GraphQLError, code: str) -> ExplainedError:
    where = error.locations[0] if error.locations else None
    return ExplainedError(
        message=error.message,
        code=str((error.extensions or {}).get("code", code)),
        line=where and where.line,
        column=where and where.column,
    )
