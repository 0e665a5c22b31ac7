"""Operations that come by GET: in an address of bounded size, never to change anything, never from another site."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest

from gateway.endpoint.addresses import MAX_ADDRESS
from gateway.endpoint.media_types import GRAPHQL_JSON, HTML, JSON
from tests.answers import data_of
from tests.door import CALLER, Door, both_kinds, check, door, log

__all__ = ["door", "log"]

DATA = {"caller": {"party": "ALIBABA"}}
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
TWO = "query A { caller { party } } mutation B { anything }"
FIRST = "query ($first: Int) { clients(first: $first) { nodes { region } } }"


@both_kinds
def test_an_address_has_what_a_body_has(door: Door, kind: str) -> None:
    """Document, variables, the name of the operation: the answer is the one that POST gives, in either type."""
    asked = {"query": f"{FIRST.replace('query', 'query Some')} query Other {{ __typename }}"}
    asked |= {"operationName": "Some"}
    by_get = door.get({**asked, "variables": json.dumps({"first": 2}), "extensions": "{}"}, accept=kind)
    by_post = door.post({**asked, "variables": {"first": 2}}, accept=kind)
    assert by_get.status_code == by_post.status_code == 200
    assert by_get.headers["content-type"] == f"{kind}; charset=utf-8"
    assert by_get.content == by_post.content
    assert len(by_get.json()["data"]["clients"]["nodes"]) == 2
    assert by_get.headers["cache-control"] == "no-store"
    assert by_get.headers["vary"] == "Authorization, Accept"


@pytest.mark.parametrize(
    "address",
    [
        "query={caller{party}}",
        "query=%7B+caller+%7B+party+%7D+%7D",
        "query=%7Bcaller%7Bparty%7D%7D&operationName=",
        "query={caller{party}}&variables=null&extensions=null",
        "query={caller{party}}&variables={}&extensions={}&whatever=1&whatever=2",
        "query=query+A{caller{party}}&operationName=A",
        "&&query={caller{party}}&",
        f"query={quote('{caller{party}} # кириллица 🏃')}",
    ],
)
def test_an_address_may_be_written_as_clients_write_it(door: Door, address: str) -> None:
    """Encoded or not, with nothing where there is nothing, and with parameters of others' beside."""
    assert data_of(door.get(address).json()) == DATA


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("", "`query`"),
        ("variables={}", "`query`"),
        ("query={a}&query={b}", "`query`"),
        ("query={a}&query={a}", "`query`"),
        ("query={a}&variables={}&variables={}", "`variables`"),
        ("query={a}&operationName=A&operationName=", "`operationName`"),
        ("query={a}&extensions={}&extensions={}", "`extensions`"),
        ("query={a}&variables=", "`variables`"),
        ("query={a}&variables=a", "`variables`"),
        ("query={a}&variables=[]", "`variables`"),
        ("query={a}&variables=5", "`variables`"),
        ('query={a}&variables="{}"', "`variables`"),
        ("query={a}&variables={'a':1}", "`variables`"),
        ('query={a}&variables={"a":NaN}', "`variables`"),
        ("query={a}&variables=" + "[" * 5_000, "`variables`"),
        ("query={a}&extensions=no", "`extensions`"),
        ("query={a}&extensions=true", "`extensions`"),
        ("query=%ff", "UTF-8"),
        ("query={a}&whatever=%c3%28", "UTF-8"),
        ("query=%ed%a0%80", "UTF-8"),
    ],
)
@both_kinds
def test_an_address_that_is_no_request_is_refused(door: Door, address: str, named: str, kind: str) -> None:
    """With 400 whatever is accepted, and what is wrong is named."""
    assert named in check(door.get(address, accept=kind), 400, "BAD_REQUEST", kind)


def test_an_address_has_an_end(door: Door) -> None:
    """The limit itself is within it, and one byte more is not: that is for POST."""
    start = "query={caller{party}}"
    longest = start + "+" * (MAX_ADDRESS - len(start))
    assert data_of(door.get(longest).json()) == DATA
    for more in (1, 40_000):
        assert "POST" in check(door.get(longest + "+" * more), 414, "URI_TOO_LONG")


def test_an_address_with_very_many_parameters_is_read(door: Door) -> None:
    """Eight thousand of them, and then the one that counts."""
    assert data_of(door.get("a&" * 8_000 + "query={caller{party}}").json()) == DATA


def test_a_get_has_no_body(door: Door) -> None:
    """Whoever sends one meant something by it, and others on the way may have read it."""
    sent = {"authorization": f"Bearer {door.token()}", "content-type": JSON}
    response = door.client.request("GET", "/graphql", params=CALLER, json=CALLER, headers=sent)
    check(response, 400, "BAD_REQUEST")
    large = door.client.request("GET", "/graphql", content=b" " * 2_000_000, headers=sent)
    check(large, 413, "PAYLOAD_TOO_LARGE")


def test_a_head_is_a_get_without_the_body(door: Door) -> None:
    """Same status and headers (RFC 9110, 9.3.2), of an operation, of a refusal, and of the page."""
    for asked, headers in (
        (CALLER, {}),
        ({}, {}),
        ({"query": "mutation { a }"}, {}),
        ({}, {"accept": HTML, "authorization": None}),
        (CALLER, {"authorization": None}),
    ):
        head, get = door.get(asked, "HEAD", **headers), door.get(asked, **headers)  # type: ignore[arg-type]
        assert head.content == b""
        assert head.status_code == get.status_code
        for name in ("content-type", "content-length", "vary", "cache-control", "allow", "www-authenticate"):
            assert head.headers.get(name) == get.headers.get(name)


# Nothing is changed by a GET


@pytest.mark.parametrize(
    "asked",
    [
        {"query": "mutation { a }"},
        {"query": "mutation { __typename }"},
        {"query": 'mutation { activateAudience(key: "k", name: "n", contact: EMAIL) { id } }'},
        {"query": "mutation B { a }", "operationName": "B"},
        {"query": TWO, "operationName": "B"},
        {"query": "# query\n,,mutation\t@x { a } fragment query on Query { a }"},
        {"query": "\ufeffmutation { a }"},
        {"query": "mutation { a }", "variables": '{"query": "{ caller { party } }"}'},
    ],
    ids=repr,
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@both_kinds
def test_a_mutation_never_comes_by_get(door: Door, asked: dict[str, str], method: str, kind: str) -> None:
    """405 in either type, and how to send it, before it is even asked whether there is such a mutation."""
    response = door.get(asked, method, accept=kind)
    assert response.headers["allow"] == "POST"
    if method == "HEAD":
        assert response.status_code == 405
    else:
        check(response, 405, "METHOD_NOT_ALLOWED", kind)


@pytest.mark.parametrize(
    "query",
    ["mutation {", "mutation", "mutation { a }" * 2, "{ mutation", "query mutation { a", "{a" * 2_000],
)
def test_a_document_that_is_no_good_is_no_mutation(door: Door, query: str) -> None:
    """It is answered as it is when it comes by POST."""
    by_get, by_post = door.get({"query": query}), door.post({"query": query})
    assert by_get.json() == by_post.json()
    assert by_get.json()["errors"][0]["extensions"]["code"].startswith("GRAPHQL_")


def test_the_operation_that_is_named_decides(door: Door) -> None:
    """A query beside a mutation is not refused for the method; the document is not valid here, where none is."""
    response = door.get({"query": TWO, "operationName": "A"}, accept=GRAPHQL_JSON)
    check(response, 400, "GRAPHQL_VALIDATION_FAILED", GRAPHQL_JSON)
    check(door.get({"query": TWO}), 200, "GRAPHQL_VALIDATION_FAILED")


def test_a_query_that_only_speaks_of_mutations_is_a_query(door: Door) -> None:
    """The word in a string, an alias or a comment changes nothing."""
    query = 'query mutation { mutation: caller { party } node(id: "mutation { a }") { id } } # mutation'
    assert door.get({"query": query}).json()["data"] == {"mutation": {"party": "ALIBABA"}, "node": None}


# Nothing comes from another site


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        pytest.param("GET", {"accept": "image/avif,image/webp,*/*;q=0.8"}, id="an image"),
        pytest.param("GET", {"accept": "*/*"}, id="a script"),
        pytest.param("GET", {"accept": f"{GRAPHQL_JSON}, {JSON}"}, id="a fetch in no-cors mode"),
        pytest.param("GET", {"accept": "*/*", "content-type": "text/plain"}, id="an odd content type"),
        pytest.param("POST", {"content-type": "application/x-www-form-urlencoded"}, id="a form"),
        pytest.param("POST", {"content-type": "multipart/form-data; boundary=x"}, id="a form with files"),
        pytest.param("POST", {"content-type": "text/plain"}, id="a beacon"),
        pytest.param("POST", {"content-type": JSON}, id="a fetch that got through"),
    ],
)
def test_what_another_site_makes_a_browser_send_has_no_caller(
    door: Door, method: str, headers: dict[str, str]
) -> None:
    """Cookies, Basic credentials and tokens in the address are not looked at: 401 before anything is read."""
    token = door.token()
    sent = {"origin": "https://evil.example", "cookie": f"token={token}; access_token={token}", **headers}
    address = "/graphql?" + urlencode({**CALLER, "access_token": token})
    response = door.client.request(method, address, headers=sent)
    check(response, 401, "UNAUTHENTICATED", response.headers["content-type"].partition(";")[0])
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_a_link_leads_to_the_page_and_runs_nothing(door: Door) -> None:
    """Also with an operation in the address: a browser that navigates has no token to send."""
    response = door.client.get("/graphql", params={"query": "mutation { a }"}, headers={"accept": BROWSER})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(HTML)
    assert "mutation" not in response.text


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "x", ""])
def test_a_get_of_an_odd_type_is_not_run(door: Door, content_type: str) -> None:
    """Some browser might send it unasked (GHSA-hff2-gcpx-8f4p)."""
    response = door.get(CALLER, content_type=content_type)
    check(response, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert data_of(door.get(CALLER, content_type=JSON).json()) == DATA


# The caller's own schema


def test_the_schema_is_there_as_text(door: Door) -> None:
    """For who has a token, as far as it may be used."""
    response = door.client.get("/graphql/schema.graphql", headers={"authorization": f"Bearer {door.token()}"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"] == "Authorization, Accept"
    assert 'type AlibabaAccount @requiresScopes(scopes: [["alibaba:read"]])' in response.text
    assert "FundReport" not in response.text


def test_the_schema_is_for_callers(door: Door) -> None:
    """It is refused in the words of the door, and other methods are."""
    refused = door.client.get("/graphql/schema.graphql")
    check(refused, 401, "UNAUTHENTICATED")
    assert (
        refused.headers["www-authenticate"] == door.post({}, authorization=None).headers["www-authenticate"]
    )  # type: ignore[arg-type]
    assert (
        door.client.get("/graphql/schema.graphql", headers={"authorization": "Bearer x"}).status_code == 401
    )
    for method in ("POST", "PUT", "OPTIONS"):
        response = door.client.request(method, "/graphql/schema.graphql")
        allowed = sorted(response.headers["allow"].split(", "))
        assert (response.status_code, allowed) == (405, ["GET", "HEAD"])
