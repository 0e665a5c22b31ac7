"""Review: whether an application may register a document, and what of it the application's scopes will refuse."""

from __future__ import annotations

from collections.abc import Sequence

from graphql import DirectiveNode, GraphQLError
from graphql.language import REMOVE, Visitor, visit
from graphql.language.visitor import VisitorActionEnum

from gateway.engine.documents import Document, InvalidDocument, read
from gateway.engine.limits import Limits
from gateway.engine.plan import View, make_plan
from gateway.schema import Schema


class Unfit(Exception):
    """A document cannot be registered; the message says why."""


class Review:
    """Looks at documents as they would be run for an application of a party.

    `party` are the scopes that the contract gives its party, `own` those that it may ask a token for.
    """

    def __init__(self, schema: Schema, limits: Limits, party: frozenset[str], own: frozenset[str]) -> None:
        self._schema = schema
        self._limits = limits
        self._party = schema.view(party)
        self._own = schema.view(own)

    def lacking(self, text: str) -> Sequence[str]:
        """What the application's scopes refuse of a document, in words.

        Raises `Unfit` for a document that is invalid, beyond the limits, or asks for what its party may not see.
        """
        try:
            document = _unconditional(read(self._schema.graphql, text, self._limits))
            refused = self._refused(self._party, document)
        except InvalidDocument as invalid:
            raise Unfit("; ".join(_described(each) for each in invalid.errors[:3])) from None
        except RecursionError:
            raise Unfit("its fragments are nested too deeply") from None
        if refused:
            raise Unfit("; ".join(f"its party may not ask for {each}" for each in refused))
        return [f"its scopes refuse {each}" for each in self._refused(self._own, document)]

    def _refused(self, view: View, document: Document) -> Sequence[str]:
        """The coordinates that are refused, each with the scopes that are missing."""
        found: dict[str, None] = {}
        for operation in document.operations.values():
            try:
                plan = make_plan(view, document, operation, {})
            except GraphQLError as error:
                raise InvalidDocument("GRAPHQL_VALIDATION_FAILED", [error]) from None
            for each in plan.refusals:
                told = each.extensions or {}
                found[f"{told['coordinate']}, which needs {' and '.join(told['missingScopes'])}"] = None
        return list(found)


def _unconditional(document: Document) -> Document:
    """A document that asks at once for all it may ask for, whatever its variables: without `@skip` and `@include`."""
    operations = {name: visit(each, _Conditions()) for name, each in document.operations.items()}
    fragments = {name: visit(each, _Conditions()) for name, each in document.fragments.items()}
    return Document(operations, fragments, frozenset())


class _Conditions(Visitor):
    def enter_directive(self, node: DirectiveNode, *_: object) -> VisitorActionEnum | None:
        return REMOVE if node.name.value in ("skip", "include") else None


def _described(error: GraphQLError) -> str:
    places = [f"line {each.line}, column {each.column}" for each in error.locations or ()]
    return f"{error.message} ({places[0]})" if places else error.message
