"""Variables: a request's values, measured and made what its operation declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    get_variable_values,
    print_ast,
    type_from_ast,
)
from graphql.execution.values import VariableValues

from gateway.engine.documents import ERRORS, InvalidDocument
from gateway.engine.limits import Limits


def coerce(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    inputs: Mapping[str, Any],
    limits: Limits,
    visible: Callable[[], GraphQLSchema],
) -> VariableValues:
    """The values that an operation's variables have for `inputs`. `visible` is the schema that the caller is shown.

    Raises `InvalidDocument` where they are too many or do not fit.
    """
    _measure(inputs, limits.values)
    defined = operation.variable_definitions or ()
    found = get_variable_values(schema, defined, dict(inputs), max_errors=ERRORS, hide_suggestions=True)
    if isinstance(found, VariableValues):
        return found
    # What is wrong with a value would tell of its type, though the caller may know nothing of that.
    hidden = [each.type for each in defined if type_from_ast(visible(), each.type) is None]
    if hidden:
        errors = [GraphQLError(f"Unknown type '{print_ast(each).strip('[]!')}'.", each) for each in hidden]
        raise InvalidDocument("GRAPHQL_VALIDATION_FAILED", errors)
    raise InvalidDocument("BAD_USER_INPUT", found)


def _measure(inputs: Mapping[str, Any], limit: int) -> None:
    """Count the values with all that is in them. Raises `InvalidDocument`."""
    found = 0
    pending: list[Any] = [inputs]
    while pending:
        current = pending.pop()
        inner = current.values() if isinstance(current, Mapping) else current
        found += len(inner)
        if found > limit:
            raise InvalidDocument(
                "VARIABLE_LIMIT", [GraphQLError(f"The variables have over {limit} values.")]
            )
        pending += [each for each in inner if isinstance(each, (dict, list))]
