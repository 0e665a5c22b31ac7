"""Fields: what of an operation may be asked for, read off the plan that would run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import GraphQLError, GraphQLSchema, get_named_type

from gateway.access.scopes import Alternatives, both, rule
from gateway.engine.completion import Completer, Site
from gateway.engine.lists import ListOf
from gateway.engine.objects import AbstractOf, ObjectOf
from gateway.engine.selection import Field, Refused, Selection
from gateway.explain.explanation import ExplainedField, ExplainedLock, ExplainedRefusal, ExplainedType

Needed = Callable[[str, str | None], Alternatives]
"""The scopes of which one set is needed for a type, or for a field of it."""

Path = list[str]


@dataclass(frozen=True, slots=True)
class Fields:
    """Explains the fields of a plan; `schema` and `needed` are what it was made from."""

    schema: GraphQLSchema
    needed: Needed
    _rules: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def of(self, selection: Selection, path: Path, null: Path) -> Iterator[ExplainedField]:
        """The fields of a selection and all below; `null` is the path of what a null in it makes null."""
        for each in selection.fields:
            here = [*path, each.key]
            becomes_null = null if each.required else here
            yield self._field(each, here, becomes_null)
            yield from self._below(each.completer, here, becomes_null)

    def _field(self, each: Field, path: Path, null: Path) -> ExplainedField:
        error = each.error if isinstance(each, Refused) else None
        return ExplainedField(
            path=path,
            coordinate=f"{each.site.parent}.{each.site.name}",
            allowed=error is None,
            rule=_rule_of(error) if error else self._met(each.site),
            missing_scopes=_missing(error),
            refusal=_refusal(error, null) if error else None,
            possible_types=self._possible_types(each.completer, path, null),
        )

    def _below(self, completer: Completer, path: Path, null: Path) -> Iterator[ExplainedField]:
        completer, path, null = _item(completer, path, null)
        if isinstance(completer, ObjectOf):
            yield from self.of(cast("Selection", completer.selection), path, null)
        elif isinstance(completer, AbstractOf):
            for selection in completer.selections.values():
                if selection is not None:
                    yield from self.of(cast("Selection", selection), path, null)

    def _possible_types(self, completer: Completer, path: Path, null: Path) -> list[ExplainedType] | None:
        completer, path, null = _item(completer, path, null)
        if not isinstance(completer, AbstractOf):
            return None
        # A type that the caller is not shown has no name here unless the document has it.
        refused = completer.refused
        return [
            self._type(name, refused.get(name), null)
            for name, selection in completer.selections.items()
            if selection is not None or name in refused
        ]

    def _type(self, name: str, error: GraphQLError | None, null: Path) -> ExplainedType:
        needed = self.needed(name, None)
        return ExplainedType(
            name=name,
            allowed=error is None,
            rule=rule(needed) if needed else None,
            missing_scopes=_missing(error),
            refusal=_refusal(error, null, ExplainedLock.POSSIBLE_TYPE) if error else None,
        )

    def _met(self, site: Site) -> str | None:
        """The rule of a field that may be asked for: its own with its type's, and the returned type's."""
        key = (site.parent, site.name)
        if key not in self._rules:
            needed = self.needed(*key)
            kind = self.schema.get_type(site.parent)
            definition = self.schema.get_field(cast("Any", kind), site.name)
            if definition is not None:
                needed = both(needed, self.needed(get_named_type(definition.type).name, None))
            self._rules[key] = rule(needed) if needed else None
        return self._rules[key]


def _item(completer: Completer, path: Path, null: Path) -> tuple[Completer, Path, Path]:
    """What completes the items of a list, with their path and what a null among them makes null."""
    while isinstance(completer, ListOf):
        path = [*path, "@"]
        null = null if completer.item_required else path
        completer = completer.item
    return completer, path, null


def _refusal(error: GraphQLError, null: Path, lock: ExplainedLock | None = None) -> ExplainedRefusal:
    coordinate = cast("dict[str, Any]", error.extensions)["coordinate"]
    return ExplainedRefusal(
        message=error.message,
        lock=lock or (ExplainedLock.FIELD if "." in coordinate else ExplainedLock.RETURNED_TYPE),
        coordinate=coordinate,
        becomes_null=null,
    )


def _rule_of(error: GraphQLError) -> str:
    return str(cast("dict[str, Any]", error.extensions)["rule"])


def _missing(error: GraphQLError | None) -> list[str]:
    return list(cast("dict[str, Any]", error.extensions)["missingScopes"]) if error else []
