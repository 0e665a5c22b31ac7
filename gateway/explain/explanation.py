"""Explanations: what would become of an operation, as GraphQL types."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from gateway.clients.scalars import BigInt, Party
from gateway.engine.weights import list_size


@strawberry.type
class ExplainedError:
    """An error with which the whole operation would be refused."""

    message: str
    code: str = strawberry.field(description="As in `extensions.code`.")
    line: int | None = strawberry.field(description="Where in the document, counted from 1.")
    column: int | None


@strawberry.enum
class ExplainedLock(StrEnum):
    """Whose lock refuses: the field's with its type's, the returned type's, or that of a type a fragment is on."""

    FIELD = "FIELD"
    RETURNED_TYPE = "RETURNED_TYPE"
    POSSIBLE_TYPE = "POSSIBLE_TYPE"


@strawberry.type
class ExplainedRefusal:
    """Why something may not be asked for, in the words of the error it would get, and what comes of it."""

    message: str
    lock: ExplainedLock
    coordinate: str = strawberry.field(description="The field or type that has the lock.")
    becomes_null: list[str] = strawberry.field(
        description="The path of what is null therefore, wherever there is such an object; empty for all data.",
        directives=[list_size(5)],
    )


@strawberry.type
class ExplainedType:
    """A possible type of an interface, where it may be asked for or a fragment of the document is on it."""

    name: str
    allowed: bool
    rule: str | None = strawberry.field(description="The rule that decides; null where no scope is needed.")
    missing_scopes: list[str] = strawberry.field(
        description="The smallest set of scopes that meets the rule.", directives=[list_size(2)]
    )
    refusal: ExplainedRefusal | None


@strawberry.type
class ExplainedField:
    """A field of the operation, on one object type."""

    path: list[str] = strawberry.field(
        description="Its response path; `@` is any position of a list.", directives=[list_size(5)]
    )
    coordinate: str = strawberry.field(description="`Type.field`.")
    allowed: bool
    rule: str | None = strawberry.field(description="The rule that decides; null where no scope is needed.")
    missing_scopes: list[str] = strawberry.field(
        description="The smallest set of scopes that meets the rule.", directives=[list_size(2)]
    )
    refusal: ExplainedRefusal | None
    possible_types: list[ExplainedType] | None = strawberry.field(
        description="The types of what it returns, where that is an interface.", directives=[list_size(2)]
    )


@strawberry.type
class ExplainedTable:
    """A table that the operation reads, and which of its rows are for the caller."""

    name: str
    rule: str = strawberry.field(description="Which rows a caller sees, whoever it is.")
    follows: str | None = strawberry.field(
        description="The table whose rows decide about the rows of this one."
    )
    whole: list[Party] = strawberry.field(
        description="The parties all of whose rows the caller sees now.", directives=[list_size(2)]
    )
    with_consent: list[Party] = strawberry.field(
        description="The parties of whose rows it now sees those of clients who consented to its party and purpose.",
        directives=[list_size(2)],
    )
    meaning: str = strawberry.field(description="The same in a sentence.")


@strawberry.type
class ExplainedStatement:
    """A SELECT, which the database itself narrows to the caller's rows."""

    sql: str = strawberry.field(description="With a `?` for each value.")
    tables: list[str] = strawberry.field(directives=[list_size(2)])
    columns: list[str] = strawberry.field(
        description="What it reads of them: `table.column`.", directives=[list_size(10)]
    )


@strawberry.type
class ExplainedPartnerCall:
    """A call to a partner."""

    connector: str
    name: str


@strawberry.type
class ExplainedCall:
    """A call of a batch function, for all objects of its level at once."""

    path: list[str] = strawberry.field(directives=[list_size(5)])
    coordinate: str
    function: str = strawberry.field(description="Its name in the source.")
    reached: bool = strawberry.field(
        description="False where a rehearsal did not come here: the call depends on rows, or is never made."
    )
    complete: bool = strawberry.field(
        description="Whether it asks for nothing more; false where only real rows or a partner can tell, and where it "
        "also looks among what is not for the caller."
    )
    statements: list[ExplainedStatement] = strawberry.field(directives=[list_size(2)])
    partner_calls: list[ExplainedPartnerCall] = strawberry.field(directives=[list_size(1)])
    error: str | None = strawberry.field(description="What it answers in place of values.")


@strawberry.type
class ExplainedLevel:
    """Calls that wait for those of the level above, and not for each other."""

    calls: list[ExplainedCall] = strawberry.field(directives=[list_size(5)])


@strawberry.type
class ExplainedCost:
    """What the operation is estimated to cost, in the units of `@cost`."""

    estimated: BigInt
    limit: BigInt = strawberry.field(
        description="What the application may use a minute, and so at most at once."
    )


@strawberry.type
class AccessExplanation:
    """What would become of an operation if its caller ran it now, decided by the code that would run it."""

    runs: bool = strawberry.field(description="Whether it would be run, be it in part.")
    errors: list[ExplainedError] = strawberry.field(
        description="Why it would not be run.", directives=[list_size(1)]
    )
    allowed: bool = strawberry.field(
        description="Whether all of it may be asked for. If not, those fields are null; where the gateway is set to "
        'reject what is unauthorized, the whole is refused with the code "UNAUTHORIZED_OPERATION".'
    )
    missing_scopes: list[str] = strawberry.field(
        description="The smallest set of further scopes with which nothing of it is refused.",
        directives=[list_size(2)],
    )
    cost: ExplainedCost | None = strawberry.field(description="Null where it is not valid.")
    fields: list[ExplainedField] = strawberry.field(directives=[list_size(50)])
    tables: list[ExplainedTable] = strawberry.field(
        description="What it reads, and which rows are for the caller; without tables of what is refused.",
        directives=[list_size(5)],
    )
    levels: list[ExplainedLevel] = strawberry.field(
        description="The plan, rehearsed on rows that are made up: what would be asked of database and partners.",
        directives=[list_size(3)],
    )


_KINDS: tuple[Any, ...] = (
    AccessExplanation,
    ExplainedCall,
    ExplainedCost,
    ExplainedError,
    ExplainedField,
    ExplainedLevel,
    ExplainedPartnerCall,
    ExplainedRefusal,
    ExplainedStatement,
    ExplainedTable,
    ExplainedType,
)

COORDINATES = frozenset(
    f"{kind.__name__}.{to_camel_case(field.python_name)}"
    for kind in _KINDS
    for field in kind.__strawberry_definition__.fields
)
"""All fields of an explanation. They are for every caller: they say what running the operation would."""
