"""Documents that a request names instead of sending: trusted ones, and those that the application sent before."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import httpx
import pytest

from gateway.app import create_app
from gateway.endpoint.automatic import Automatic
from gateway.endpoint.media_types import GRAPHQL_JSON, JSON
from tests.door import Door, both_kinds, check, door, opened
from tests.trusted import code, registered, within_the_bound

__all__ = ["door"]

PARTY = "{ caller { party } }"
PURPOSE = "query Purpose { caller { purpose } }"
NAMED = "query A($id: ID!) { node(id: $id) { id } } query B { caller { party purpose } }"
ALIBABA = {"caller": {"party": "ALIBABA"}}


def hashed(document: str) -> str:
    return sha256(document.encode()).hexdigest()


def automatic(hash: Any, version: Any = 1, **other: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": version, "sha256Hash": hash, **other}}}


def ask(door: Door, application: str, body: Any, **headers: str) -> httpx.Response:
    return door.post(body, authorization=f"Bearer {door.token(application=application)}", **headers)


def ask_by_get(door: Door, application: str, **parameters: Any) -> httpx.Response:
    sent = {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()
    }
    return door.get(sent, authorization=f"Bearer {door.token(application=application)}")


def known(door: Door, application: str, id: str) -> bool:
    return code(ask(door, application, {"documentId": id})) != "PERSISTED_QUERY_NOT_FOUND"


@pytest.fixture(scope="module")
def kiosk(door: Door) -> Door:
    """An application that may run two documents only, and one that has the same and may run others."""
    documents = {hashed(PARTY): PARTY, "x-kiosk:purpose": PURPOSE, "named": NAMED}
    registered(door.settings, "kiosk", documents, only=True)
    registered(door.settings, "free", documents, only=False)
    within_the_bound(lambda: known(door, "kiosk", "named") and known(door, "free", "named"))
    return door


NAMES = [
    {"documentId": hashed(PARTY)},
    {"documentId": f"sha256:{hashed(PARTY)}"},
    {"doc_id": hashed(PARTY)},
    {"documentId": hashed(PARTY), "query": None},
    {"documentId": hashed(PARTY), "query": ""},
    automatic(hashed(PARTY)),
    automatic(f"sha256:{hashed(PARTY)}", miss=False),
    {"query": PARTY},
    {"query": PARTY, **automatic(hashed(PARTY))},
]


@pytest.mark.parametrize("application", ["kiosk", "free"])
@pytest.mark.parametrize("body", NAMES, ids=json.dumps)
def test_a_trusted_document_runs_by_each_of_its_names(
    kiosk: Door, application: str, body: dict[str, Any]
) -> None:
    """By POST and by GET, and by its text too."""
    assert ask(kiosk, application, body).json().get("data") == ALIBABA
    assert (
        ask_by_get(kiosk, application, **{k: v for k, v in body.items() if v}).json().get("data") == ALIBABA
    )


def test_an_identifier_of_the_applications_own_names_a_document(kiosk: Door) -> None:
    """Also one that is no hash, or has a prefix."""
    for body in (
        {"documentId": "x-kiosk:purpose"},
        automatic("x-kiosk:purpose"),
        {"query": PURPOSE, **automatic("x-kiosk:purpose")},
    ):
        assert ask(kiosk, "kiosk", body).json()["data"] == {"caller": {"purpose": "analytics"}}


def test_operation_names_and_variables_go_with_an_identifier(kiosk: Door) -> None:
    body: dict[str, Any] = {"documentId": "named", "operationName": "B"}
    assert ask(kiosk, "kiosk", body).json()["data"]["caller"]["party"] == "ALIBABA"
    body |= {"operationName": "A", "variables": {"id": "Client:none"}}
    assert ask(kiosk, "kiosk", body).json()["data"] == {"node": None}
    assert ask_by_get(kiosk, "kiosk", **body).json()["data"] == {"node": None}
    body["operationName"] = None
    assert code(ask(kiosk, "kiosk", body)) == "OPERATION_RESOLUTION_FAILURE"


UNKNOWN = [{"documentId": "nothing"}, {"documentId": f"sha256:{hashed('x')}"}, automatic(hashed("x"))]


@both_kinds
@pytest.mark.parametrize("application", ["kiosk", "free", "nobody"])
@pytest.mark.parametrize("body", UNKNOWN, ids=json.dumps)
def test_an_unknown_identifier_is_told_as_clients_expect(
    kiosk: Door, application: str, body: dict[str, Any], kind: str
) -> None:
    """With the words they look for; 200 in plain JSON, for otherwise some would not look."""
    status = 400 if kind == GRAPHQL_JSON else 200
    said = check(ask(kiosk, application, body, accept=kind), status, "PERSISTED_QUERY_NOT_FOUND", kind)
    assert said == "PersistedQueryNotFound"


def test_documents_of_another_application_are_unknown(kiosk: Door) -> None:
    """To any but their own."""
    assert code(ask(kiosk, "nobody", {"documentId": "named"})) == "PERSISTED_QUERY_NOT_FOUND"


INTROSPECTION = "{ __schema { queryType { name } } }"


@both_kinds
@pytest.mark.parametrize(
    "text", [f"{PARTY} ", "{caller{party}}", INTROSPECTION, "{ __typename }", "{ whatever }", "{"]
)
def test_who_may_run_trusted_documents_only_runs_no_other(kiosk: Door, text: str, kind: str) -> None:
    """Not even one that differs in a space; whether it would be valid is not told."""
    check(ask(kiosk, "kiosk", {"query": text}, accept=kind), 403, "QUERY_NOT_IN_SAFELIST", kind)
    body = {"query": text, **automatic(hashed(text))}
    check(ask(kiosk, "kiosk", body, accept=kind), 403, "QUERY_NOT_IN_SAFELIST", kind)
    assert code(ask(kiosk, "kiosk", automatic(hashed(text)))) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize("text", [PARTY, f"{PARTY} ", "{ whatever }", "{"])
def test_who_may_run_trusted_documents_only_is_told_of_no_other_by_an_explanation(
    door: Door, text: str
) -> None:
    """It is explained as it would be run: not, unless it is registered."""
    explaining = "query ($d: String!) { explainAccess(document: $d) { runs errors { code } } }"
    registered(door.settings, "counter", {"explain": explaining, "party": PARTY}, only=True)
    within_the_bound(lambda: known(door, "counter", "party"))
    answer = ask(door, "counter", {"documentId": "explain", "variables": {"d": text}}).json()
    errors = [] if text == PARTY else [{"code": "QUERY_NOT_IN_SAFELIST"}]
    assert answer["data"]["explainAccess"] == {"runs": not errors, "errors": errors}


def test_who_may_run_trusted_documents_only_gets_no_printed_schema(kiosk: Door) -> None:
    """It is what an introspection would tell."""
    for application, status in (("kiosk", 403), ("free", 200)):
        headers = {"authorization": f"Bearer {kiosk.token(application=application)}"}
        assert kiosk.client.get("/graphql/schema.graphql", headers=headers).status_code == status


def test_a_mutation_by_get_is_refused_by_its_identifier_too(kiosk: Door) -> None:
    """405, for the method promises to change nothing."""
    mutation = "mutation { a }"
    registered(kiosk.settings, "writer", {"m": mutation}, only=False)
    within_the_bound(lambda: code(ask(kiosk, "writer", {"documentId": "m"})) != "PERSISTED_QUERY_NOT_FOUND")
    check(ask_by_get(kiosk, "writer", documentId="m"), 405, "METHOD_NOT_ALLOWED")
    check(ask_by_get(kiosk, "app", query=mutation, **automatic(hashed(mutation))), 405, "METHOD_NOT_ALLOWED")


def test_what_is_changed_holds_within_two_seconds(kiosk: Door) -> None:
    """A document that is taken away, one that is added, and the switch, either way; in every worker."""
    with opened(create_app(kiosk.settings), kiosk.settings) as other:

        def everywhere(holds: Callable[[Door], bool]) -> None:
            within_the_bound(lambda: holds(kiosk) and holds(other))

        def runs(door: Door) -> bool:
            return code(ask(door, "changing", {"query": PARTY})) is None

        registered(kiosk.settings, "changing", {"a": PARTY}, only=False)
        everywhere(lambda door: known(door, "changing", "a"))
        registered(kiosk.settings, "changing", {"b": PURPOSE}, only=False)
        everywhere(lambda door: not known(door, "changing", "a") and known(door, "changing", "b"))
        assert runs(kiosk)
        registered(kiosk.settings, "changing", {"b": PURPOSE}, only=True)
        everywhere(lambda door: not runs(door))
        assert known(kiosk, "changing", "b")
        registered(kiosk.settings, "changing", {}, only=False)
        everywhere(runs)
        assert not known(kiosk, "changing", "b")


# Automatic persisted queries


def test_a_document_sent_with_its_hash_is_known_by_it(door: Door) -> None:
    """From then on, by POST and by GET, under the standard's name for it too."""
    text = "query Kept { caller { party } }"
    assert code(ask(door, "app", automatic(hashed(text)))) == "PERSISTED_QUERY_NOT_FOUND"
    assert (
        ask(door, "app", {"query": text, **automatic(hashed(text), miss=True)}).json().get("data") == ALIBABA
    )
    assert ask(door, "app", automatic(hashed(text))).json().get("data") == ALIBABA
    assert ask_by_get(door, "app", **automatic(hashed(text))).json().get("data") == ALIBABA
    assert ask(door, "app", {"documentId": f"sha256:{hashed(text)}"}).json().get("data") == ALIBABA


def test_a_document_can_be_sent_with_its_hash_by_get(door: Door) -> None:
    text = "query ByGet { caller { party } }"
    assert ask_by_get(door, "app", query=text, **automatic(hashed(text))).json().get("data") == ALIBABA
    assert ask_by_get(door, "app", **automatic(hashed(text))).json().get("data") == ALIBABA


def test_an_application_knows_nothing_of_what_another_sent(door: Door) -> None:
    """Nor whether it did."""
    text = "query Secret { caller { party } }"
    assert ask(door, "one", {"query": text, **automatic(hashed(text))}).json().get("data") == ALIBABA
    assert code(ask(door, "other", automatic(hashed(text)))) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize("hash", [hashed("{ a }"), hashed(PARTY).upper(), hashed(PARTY)[:-1], "x"])
@both_kinds
def test_a_hash_that_is_not_the_documents_is_refused(door: Door, hash: str, kind: str) -> None:
    """Nothing is run, and nothing is kept under it."""
    body = {"query": PARTY, **automatic(hash)}
    said = check(ask(door, "app", body, accept=kind), 400, "PERSISTED_QUERY_HASH_MISMATCH", kind)
    assert "SHA-256" in said
    assert code(ask(door, "app", automatic(hash))) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("{ whatever }", {}),
        ("{ caller { party }", {}),
        ("{ a }" * 3_000, {}),
        ("query ($a: Int!) { clients(first: $a) { totalCount } }", {"variables": {"a": "x"}}),
        ("query A { caller { party } }", {"operationName": "B"}),
    ],
)
def test_a_document_that_did_not_prove_valid_is_not_kept(door: Door, text: str, other: Any) -> None:
    assert code(ask(door, "app", {"query": text, **automatic(hashed(text)), **other})) is not None
    assert code(ask(door, "app", automatic(hashed(text)))) == "PERSISTED_QUERY_NOT_FOUND"


def test_what_is_kept_has_bounds() -> None:
    """In number and in size, of each application apart; what was used last stays."""
    kept = Automatic(count=3, size=1_000, applications=2)
    for each in "abc":
        kept.keep("one", each, each)
    assert kept.get("one", "a") == "a"
    kept.keep("one", "d", "d")
    assert [kept.get("one", each) for each in "abcd"] == ["a", None, "c", "d"]
    for number in range(1_000):
        kept.keep("other", str(number), "x" * 300)
    assert [number for number in range(1_000) if kept.get("other", str(number))] == [998, 999]
    assert [kept.get("one", each) for each in "abcd"] == ["a", None, "c", "d"]
    kept.keep("one", "large", "x" * 2_000)
    assert [kept.get("one", each) for each in ("a", "c", "d", "large")] == ["a", "c", "d", None]
    kept.keep("third", "a", "a")
    assert (kept.get("other", "999"), kept.get("one", "a"), kept.get("third", "a")) == (None, "a", "a")


# What is no request


@pytest.mark.parametrize(
    ("body", "expected", "word"),
    [
        ({}, "BAD_REQUEST", "`query`"),
        ({"documentId": None}, "BAD_REQUEST", "`query`"),
        ({"documentId": 5}, "BAD_REQUEST", "`documentId`"),
        ({"documentId": ""}, "BAD_REQUEST", "`documentId`"),
        ({"documentId": "x" * 257}, "BAD_REQUEST", "`documentId`"),
        ({"documentId": ["x"], "query": ""}, "BAD_REQUEST", "`documentId`"),
        ({"documentId": "x", "query": 5}, "CANNOT_SEND_PQ_ID_AND_BODY", "`documentId`"),
        ({"documentId": "x", "query": []}, "BAD_REQUEST", "`query`"),
        ({"documentId": "x", "query": PARTY}, "CANNOT_SEND_PQ_ID_AND_BODY", "not both"),
        ({"documentId": "x", **automatic("x")}, "BAD_REQUEST", "not both"),
        ({"doc_id": 5}, "BAD_REQUEST", "`doc_id`"),
        ({"extensions": {"persistedQuery": 5}}, "BAD_REQUEST", "`extensions.persistedQuery`"),
        ({"extensions": {"persistedQuery": {}}}, "PERSISTED_QUERY_NOT_SUPPORTED", "`version`"),
        (automatic("x", 2), "PERSISTED_QUERY_NOT_SUPPORTED", "`version`"),
        (automatic("x", "1"), "PERSISTED_QUERY_NOT_SUPPORTED", "`version`"),
        (automatic("x", True), "PERSISTED_QUERY_NOT_SUPPORTED", "`version`"),
        (automatic(None), "BAD_REQUEST", "`sha256Hash`"),
        (automatic(""), "BAD_REQUEST", "`sha256Hash`"),
        ({"query": PARTY, **automatic(7)}, "BAD_REQUEST", "`sha256Hash`"),
        ([{"query": PARTY}], "BAD_REQUEST", "Batches are not taken"),
        ([], "BAD_REQUEST", "Batches are not taken"),
    ],
    ids=repr,
)
@both_kinds
def test_what_names_no_document_is_refused_in_words(
    door: Door, body: Any, expected: str, word: str, kind: str
) -> None:
    assert word in check(door.post(body, accept=kind), 400, expected, kind)


def test_a_document_named_twice_in_an_address_is_refused(door: Door) -> None:
    assert "twice" in check(door.get("documentId=a&documentId=b"), 400, "BAD_REQUEST", JSON)
