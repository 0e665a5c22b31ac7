"""What a document may be: well-formed, valid, not too long, not too deep, not too wide; told before anything runs."""

from __future__ import annotations

import pytest
import strawberry

from gateway.engine.batch import batch
from gateway.engine.documents import InvalidDocument
from tests.engine.stage import Stage


@strawberry.type
class Node:
    number: int = batch(lambda nodes, access: [7 for _ in nodes])
    next: Node | None = batch(lambda nodes, access: [None for _ in nodes])


@strawberry.type
class Query:
    node: Node = batch(lambda parents, access: [1])


stage = Stage(Query)


def chain(length: int, link: str) -> str:
    """Fragments of which each spreads the next one, `%s` in its link."""
    links = [f"fragment F{n} on Node {{ {link.replace('%s', f'...F{n + 1}')} }}" for n in range(length)]
    return " ".join(["{ node { ...F0 } }", *links, f"fragment F{length} on Node {{ number }}"])


def refused(document: str) -> tuple[str, str]:
    """The code and the words with which a document is refused."""
    with pytest.raises(InvalidDocument) as caught:
        stage.engine.prepare(stage.view, document, {}, None)
    return caught.value.code, caught.value.errors[0].message


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        ("{ node { number }", "GRAPHQL_PARSE_FAILED", "Syntax Error: Expected Name, found <EOF>."),
        ("", "GRAPHQL_PARSE_FAILED", "Syntax Error: Unexpected <EOF>."),
        ("{ node { numbr } }", "GRAPHQL_VALIDATION_FAILED", "Cannot query field 'numbr' on type 'Node'."),
        ("{ node }", "GRAPHQL_VALIDATION_FAILED", "must have a selection of subfields"),
        ("{ node { } }", "GRAPHQL_PARSE_FAILED", "Syntax Error: Expected Name, found '}'."),
        (
            "fragment F on Query { __typename }",
            "GRAPHQL_VALIDATION_FAILED",
            "Fragment 'F' is never used.",
        ),
        ("mutation { node }", "GRAPHQL_VALIDATION_FAILED", "not supported by the schema"),
        ("subscription { node }", "GRAPHQL_VALIDATION_FAILED", "not supported by the schema"),
        ("query A { __typename } query A { __typename }", "GRAPHQL_VALIDATION_FAILED", "named 'A'"),
        ("{ __typename } query A { __typename }", "GRAPHQL_VALIDATION_FAILED", "anonymous operation"),
        ("type Query { a: Int }", "GRAPHQL_VALIDATION_FAILED", "not executable"),
    ],
)
def test_what_is_no_document_is_refused_in_words(document: str, code: str, words: str) -> None:
    found, message = refused(document)
    assert found == code
    assert words in message


def test_a_document_may_be_fifteen_levels_deep() -> None:
    """Inline fragments are no levels."""
    deepest = "{ node" + " { ... { next" * 13 + " { number } " + "} }" * 13 + "}"
    assert stage.engine.prepare(stage.view, deepest, {}, None)
    deeper = deepest.replace("{ node", "{ node { next").replace("number }", "number } }")
    assert refused(deeper) == ("DEPTH_LIMIT", "The document is 16 levels deep; 15 are allowed.")


def test_fragments_count_where_they_are_spread() -> None:
    assert refused(chain(60, "next { %s }"))[0] == "DEPTH_LIMIT"
    assert stage.engine.prepare(stage.view, chain(12, "next { %s }"), {}, None)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        # Each fragment twice: 2^60 fields in sixty lines.
        (chain(60, "%s %s"), "FIELD_LIMIT"),
        (chain(12, "a: next { %s } b: next { %s } c: next { %s }"), "FIELD_LIMIT"),
        # Nothing but spreads, far deeper than Python can recurse.
        (chain(480, "%s"), "DEFINITION_LIMIT"),
        (chain(8, "... { " * 100 + "%s" + " }" * 100), "GRAPHQL_VALIDATION_FAILED"),
        ("{ node { ...A } } fragment A on Node { next { ...A } }", "GRAPHQL_VALIDATION_FAILED"),
        (
            "{ node { ...A } } fragment A on Node { ...B } fragment B on Node { next { ...A } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("{ node { number " + "x: number " * 2_000 + "} }", "GRAPHQL_PARSE_FAILED"),
        ("{ " * 2_500, "GRAPHQL_PARSE_FAILED"),
        ("{ node(a: " + "[" * 2_500 + "]" * 2_500 + ") { number } }", "GRAPHQL_PARSE_FAILED"),
    ],
)
def test_bombs_are_refused_at_once(document: str, code: str) -> None:
    assert refused(document)[0] == code


def test_a_wide_document_is_no_bomb() -> None:
    wide = "{ node { " + " ".join(f"a{n}: number" for n in range(300)) + " } }"
    assert stage.engine.prepare(stage.view, wide, {}, None)
