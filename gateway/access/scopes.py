"""Scopes: what a caller may ask for, as `@requiresScopes` on types and fields (Apollo's semantics)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import strawberry
from graphql import GraphQLError
from strawberry.schema_directive import Location

Alternatives = tuple[frozenset[str], ...]
"""Sets of scopes of which one must be held whole; empty means that nothing is required."""


@strawberry.schema_directive(
    # In the order of the alphabet, as the schema is sorted; else Strawberry prints the directive twice.
    locations=[Location.FIELD_DEFINITION, Location.INTERFACE, Location.OBJECT],
    name="requiresScopes",
    print_definition=True,
)
class RequiresScopes:
    """The scopes a caller needs: one of the outer list, all of that inner list."""

    scopes: list[list[str]]


def requires(*alternatives: str | Sequence[str]) -> RequiresScopes:
    """`requires("a:read")` needs that scope, `requires(["a", "b"])` both, `requires("a", "b")` either."""
    return RequiresScopes(scopes=[[one] if isinstance(one, str) else list(one) for one in alternatives])


def alternatives(directives: Iterable[object]) -> Alternatives:
    """What the directives of a type or field require together."""
    found: Alternatives = ()
    for directive in directives:
        if isinstance(directive, RequiresScopes):
            found = both(found, tuple(frozenset(inner) for inner in directive.scopes))
    return found


def both(left: Alternatives, right: Alternatives) -> Alternatives:
    """What must be held so that both requirements are met, without redundant supersets."""
    if not left or not right:
        return left or right
    unions = {one | other for one in left for other in right}
    return tuple(sorted((u for u in unions if not any(v < u for v in unions)), key=sorted))


def missing(needed: Alternatives, held: frozenset[str]) -> frozenset[str]:
    """The smallest set of scopes that a holder of `held` lacks; empty when it may ask."""
    return min(
        (one - held for one in needed), key=lambda lack: (len(lack), sorted(lack)), default=frozenset()
    )


def rule(needed: Alternatives) -> str:
    """What is needed, as the schema has it."""
    return f"@requiresScopes(scopes: {[sorted(one) for one in needed]})".replace("'", '"')


def refusal(
    needed: Alternatives, held: frozenset[str], type_name: str, field_name: str | None
) -> GraphQLError | None:
    """The error of a field, or of a type (field None), that a holder of `held` may not ask for; else None."""
    lack = missing(needed, held)
    if not lack:
        return None
    what = f"{type_name}.{field_name}" if field_name else type_name
    return GraphQLError(
        f"Not allowed to ask for {what}: the token lacks {' and '.join(sorted(lack))}.",
        extensions={
            "code": "UNAUTHORIZED_FIELD_OR_TYPE",
            "coordinate": what,
            "rule": rule(needed),
            "missingScopes": sorted(lack),
        },
    )
