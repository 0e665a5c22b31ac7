"""The thirteen checks of graphql-cop 1.15, sent and judged as it does, each with what it finds here and why.

It is a scanner of GraphQL servers (dolevf/graphql-cop, MIT) that no package index has; so its requests are written
anew. What is found by intent, a caller with a token finds; without one, there is the page alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from gateway.endpoint.media_types import HTML
from tests.door import Door, door

__all__ = ["door"]


class Knock(NamedTuple):
    """How the scanner knocks: with the headers it was given."""

    door: Door
    headers: Mapping[str, str]

    def post(self, **how: Any) -> Any:
        """What a POST brings, as JSON."""
        return self.door.client.post("/graphql", headers=dict(self.headers), **how).json()

    def ask(self, document: str) -> Any:
        """What an operation brings."""
        return self.post(json={"query": document})

    def get(self, address: str, **how: Any) -> Any:
        """What a GET brings."""
        headers = {**self.headers, **how.pop("headers", {})}
        return self.door.client.get(address, headers=headers, **how)


def data(answer: Any) -> Mapping[str, Any]:
    """The data of an answer, if it has any."""
    found: Mapping[str, Any] = (answer.get("data") or {}) if isinstance(answer, dict) else {}
    return found


def errors(answer: Any) -> list[Any]:
    """The errors of an answer, if it has any."""
    found: list[Any] = answer.get("errors", []) if isinstance(answer, dict) else []
    return found


def alias_overloading(knock: Knock) -> bool:
    """A hundred and one aliases of one field are answered."""
    return "alias100" in data(
        knock.ask("query { " + " ".join(f"alias{i}: __typename" for i in range(101)) + " }")
    )


def batch_queries(knock: Knock) -> bool:
    """A list of operations is answered as one."""
    answer = knock.post(json=[{"query": "query { __typename }"}] * 11)
    return isinstance(answer, list) and len(answer) >= 10


def get_queries(knock: Knock) -> bool:
    """A query in an address is answered."""
    return "__typename" in data(knock.get("/graphql", params={"query": "query cop { __typename }"}).json())


def get_mutations(knock: Knock) -> bool:
    """A mutation in an address is answered."""
    return "__typename" in data(knock.get("/graphql", params={"query": "mutation cop { __typename }"}).json())


def forms(knock: Knock) -> bool:
    """A form is answered as an operation, in the body or in the address of a POST."""
    asked = {"query": "query cop { __typename }"}
    return any("__typename" in data(knock.post(**{part: asked})) for part in ("data", "params"))


def tracing(knock: Knock) -> bool:
    """An answer says how it came about."""
    answer = knock.ask("query cop { __typename }")
    return "tracing" in str(answer) or "stacktrace" in str(answer).lower()


def field_duplication(knock: Knock) -> bool:
    """One field five hundred times is answered."""
    return "__typename" in data(knock.ask("query cop { " + "__typename \n" * 500 + "}"))


def field_suggestions(knock: Knock) -> bool:
    """An error makes a guess at what was meant."""
    return any(
        "did you mean" in each["message"].lower()
        for each in errors(knock.ask("query cop { __schema { directive } }"))
    )


def graphiql(knock: Knock) -> bool:
    """There is a page to explore the schema on."""
    words = ("graphiql.min.css", "GraphQL Playground", "GraphiQL", "graphql-playground")
    return any(
        word in knock.get(address, headers=accept).text
        for address in ("/graphiql", "/playground", "/console", "/graphql")
        for accept in ({}, {"accept": HTML})
        for word in words
    )


def introspection(knock: Knock) -> bool:
    """The schema is told to who asks for it."""
    return bool(data(knock.ask("query cop { __schema { types { name fields { name } } } }")))


def directive_overloading(knock: Knock) -> bool:
    """Each of ten directives at one place is looked at, as the number of errors shows."""
    return len(errors(knock.ask("query cop { __typename @aa@aa@aa@aa@aa@aa@aa@aa@aa@aa }"))) >= 10


def circular_introspection(knock: Knock) -> bool:
    """The types of the fields of the types of the fields … are told."""
    nested = "fields { type { " * 4 + "name" + " } }" * 4
    return bool(data(knock.ask("query cop { __schema { types { " + nested + " } } }")))


def unhandled_errors(knock: Knock) -> bool:
    """What is no GraphQL is answered with an exception."""
    return "exception" in str(errors(knock.ask("qwerty cop { abc }"))).lower()


BY_INTENT = {
    get_queries: "with a bearer token, which no link, image or form of another site can send",
    graphiql: "the page is the same for everybody and has no data; who signs in on it is shown its own schema",
    introspection: "a caller is told of what it may ask for, and nothing of the rest: tests/test_introspection.py",
}
"""What is found, and why that is right."""

CHECKS: tuple[Callable[[Knock], bool], ...] = (
    *(alias_overloading, batch_queries, get_queries, get_mutations, forms, tracing, field_duplication),
    *(field_suggestions, graphiql, introspection, directive_overloading, circular_introspection),
    unhandled_errors,
)


def test_there_are_thirteen() -> None:
    """And each exception is one of them."""
    assert len(set(CHECKS)) == 13
    assert set(CHECKS) > BY_INTENT.keys()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_scanner_with_a_token_finds_what_is_meant_to_be_there(
    door: Door, check: Callable[[Knock], bool]
) -> None:
    """Three of the thirteen, by intent, and of the dangerous ones none."""
    assert check(Knock(door, {"authorization": f"Bearer {door.token()}"})) is (check in BY_INTENT)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_scanner_without_a_token_finds_the_page(door: Door, check: Callable[[Knock], bool]) -> None:
    """And nothing else: whoever it is must say so first."""
    assert check(Knock(door, {})) is (check is graphiql)
