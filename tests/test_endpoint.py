"""The door: who may come in, by which method, and in which form the answer is given."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from gateway.app import create_app
from gateway.endpoint.media_types import GRAPHQL_JSON, JSON
from gateway.oauth.keys import signing_keys
from tests.answers import data_of
from tests.conftest import ORIGIN
from tests.door import CALLER, Door, both_kinds, check, door, filled, log, opened

__all__ = ["door", "log"]

# Media types


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        ("APPLICATION/JSON", JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}; charset=utf-8", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, {JSON};q=0.9", GRAPHQL_JSON),
        (f"{JSON}, {GRAPHQL_JSON}", GRAPHQL_JSON),
        (f"{JSON}, {GRAPHQL_JSON};q=0.5", JSON),
        (f"{JSON};q=0.2, {GRAPHQL_JSON};q=0.3, */*;q=0.1", GRAPHQL_JSON),
        (f"{JSON}, text/plain, */*", JSON),
        ("multipart/mixed, application/json", JSON),
        (f"{GRAPHQL_JSON};q=0, */*", JSON),
        (f"{JSON};q=nonsense", JSON),
        ("text/html, */*;q=0.8", JSON),
        (";;;", JSON),
        (f"{JSON};q=0, */*", GRAPHQL_JSON),
        (f"{JSON};q=0.1, application/*", GRAPHQL_JSON),
        ("application/*;q=0.1, */*", JSON),
        (f"{GRAPHQL_JSON};q=0.1, */*;q=0.2", JSON),
        (f"text/html;q=1, {JSON};q=0.1", JSON),
        ("text/*, */*;q=0.1", JSON),
    ],
)
def test_the_answer_is_of_the_type_that_is_wanted_most(door: Door, accept: str | None, kind: str) -> None:
    """Plain JSON for whoever does not ask for GraphQL's own type; a POST never gets the page."""
    sent = {"content-type": JSON, "authorization": f"Bearer {door.token()}"}
    request = door.client.build_request("POST", "/graphql", json=CALLER, headers=sent)
    del request.headers["accept"]
    if accept is not None:
        request.headers["accept"] = accept
    response = door.client.send(request)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{kind}; charset=utf-8"
    assert data_of(response.json()) == {"caller": {"party": "ALIBABA"}}


@pytest.mark.parametrize("accept", ["text/csv", "text/html", "*/*;q=0", f"{JSON};q=0.0", "application/xml"])
def test_a_type_that_nobody_speaks_here_is_said_so(door: Door, accept: str) -> None:
    """The message names those that are spoken."""
    message = check(door.post(CALLER, accept=accept), 406, "NOT_ACCEPTABLE")
    assert JSON in message


def test_several_accept_headers_are_one(door: Door) -> None:
    """Lists may come in pieces (RFC 9110, 5.3)."""
    headers = [("accept", "text/csv"), ("accept", GRAPHQL_JSON), ("content-type", JSON)]
    response = door.client.post(
        "/graphql", json=CALLER, headers=[*headers, ("authorization", f"Bearer {door.token()}")]
    )
    assert response.headers["content-type"].startswith(GRAPHQL_JSON)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/graphql+json",
        "application/jsonp",
        "application/json; charset=utf-16",
        'application/json; charset="latin-1"',
        "application/json; charset=; x=utf-8",
        "",
    ],
)
@both_kinds
def test_what_is_not_sent_as_json_is_not_read(door: Door, content_type: str, kind: str) -> None:
    """Not even when it is JSON: a form of another site cannot send `application/json`."""
    check(door.post(CALLER, content_type=content_type, accept=kind), 415, "UNSUPPORTED_MEDIA_TYPE", kind)


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"', "application/json;v=1"],
)
def test_json_may_say_that_it_is_utf_8(door: Door, content_type: str) -> None:
    """In any way it is said."""
    assert door.post(CALLER, content_type=content_type).status_code == 200


# Methods


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "QUERY"])
@both_kinds
def test_a_method_that_is_not_there_is_said_so(door: Door, method: str, kind: str) -> None:
    """With those that are (RFC 9110, 15.5.6)."""
    headers = {"authorization": f"Bearer {door.token()}", "accept": kind, "content-type": JSON}
    response = door.client.request(method, "/graphql", params=CALLER, headers=headers)
    check(response, 405, "METHOD_NOT_ALLOWED", kind)
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_who_asks_for_the_methods_is_told_them(door: Door) -> None:
    """Without a token, for they are everybody's; and with no word that lets the scripts of another origin in."""
    preflight = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    for headers in (
        {},
        {"accept": "image/png"},
        preflight,
        {**preflight, "access-control-request-headers": "authorization"},
    ):
        response = door.client.options("/graphql", headers=headers)
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"
        assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "accept",
    [
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "text/html",
        "text/*",
        f"TEXT/HTML;q=0.9, {JSON};q=0.8",
    ],
)
def test_a_browser_gets_the_page_without_a_token(door: Door, accept: str) -> None:
    """With its policy, and stored nowhere."""
    response = door.client.get("/graphql", headers={"accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


# Who asks


def stranger(folder: Path) -> Any:
    """Keys of somebody else."""
    return signing_keys(folder)


def unsigned(door: Door) -> str:
    """A token that says it needs no signature."""
    _, claims, _ = door.token().split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').decode().rstrip("=")
    return f"{header}.{claims}."


def test_a_request_without_a_token_is_told_where_to_get_one(door: Door) -> None:
    """The challenge names the metadata (RFC 9728, 5.1), and no error: nothing was wrong but that (RFC 6750, 3.1)."""
    response = door.post(CALLER, authorization=None)  # type: ignore[arg-type]
    check(response, 401, "UNAUTHENTICATED")
    metadata = f"{ORIGIN}/.well-known/oauth-protected-resource/graphql"
    where = f'resource_metadata="{metadata}"'
    challenges = f'Bearer {where}, DPoP algs="ES256 PS256 Ed25519 EdDSA", {where}'
    assert response.headers["www-authenticate"] == challenges
    assert door.client.get(metadata.removeprefix(ORIGIN)).json()["resource"] == f"{ORIGIN}/graphql"


@both_kinds
def test_a_token_that_is_not_good_is_refused(door: Door, tmp_path: Path, kind: str) -> None:
    """Expired, forged, foreign, for others, unsigned, cut or none: one answer, which does not tell them apart."""
    good = door.token()
    keys = stranger(tmp_path)
    bad = {
        "expired": door.token(lifetime=-1),
        "forged": good[:-6] + "AAAAAA",
        "foreign": door.token(keys=keys, issuer="https://elsewhere.example/oauth"),
        "of a stranger": door.token(keys=keys),
        "for another resource": door.token(audience="https://elsewhere.example/graphql"),
        "unsigned": unsigned(door),
        "cut": good[: len(good) // 2],
        "none": "x",
        "too long": "a" * 9000,
    }
    answers = set()
    for name, token in bad.items():
        response = door.post(CALLER, authorization=f"Bearer {token}", accept=kind)
        check(response, 401, "UNAUTHENTICATED", kind)
        assert 'error="invalid_token"' in response.headers["www-authenticate"], name
        answers.add(response.content)
    assert len(answers) == 1


@pytest.mark.parametrize("authorization", ["Basic YTpi", "Bearer", "Token x", "", "Negotiate x", "Bearerx"])
def test_another_scheme_is_no_token(door: Door, authorization: str) -> None:
    """Then none was sent."""
    response = door.post(CALLER, authorization=authorization)
    check(response, 401, "UNAUTHENTICATED")
    assert "error=" not in response.headers["www-authenticate"]


def test_two_authorization_headers_are_one_too_many(door: Door) -> None:
    """Two readers of such a request could take it for two callers' (RFC 6750, 3.1: invalid_request)."""
    headers = [("authorization", f"Bearer {door.token()}") for _ in range(2)]
    response = door.client.post("/graphql", json=CALLER, headers=headers)
    check(response, 400, "BAD_REQUEST")
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_request"'


def test_a_token_in_the_address_or_the_body_is_not_seen(door: Door) -> None:
    """Addresses end up in logs (RFC 6750, 5.3)."""
    token = door.token()
    response = door.client.post(
        "/graphql", params={"access_token": token}, json={**CALLER, "access_token": token}
    )
    check(response, 401, "UNAUTHENTICATED")


# Beside the door


def test_the_process_and_its_database_answer(door: Door) -> None:
    """Without a token, for whoever watches."""
    assert door.client.get("/healthz").json() == {"status": "ok"}
    assert door.client.get("/readyz").json() == {"status": "ready"}


def test_a_gateway_without_its_database_is_alive_but_not_ready(tmp_path: Path) -> None:
    """503 once it is gone, with the time to ask again; nothing is put in its place."""
    used = asyncio.run(filled(tmp_path))
    with opened(create_app(used), used) as door:
        assert door.client.get("/readyz").status_code == 200
        used.database.rename(tmp_path / "elsewhere.db")
        response = door.client.get("/readyz")
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
        assert response.json() == {"status": "unavailable"}
        assert not used.database.exists()
        assert door.client.get("/healthz").status_code == 200
        (tmp_path / "elsewhere.db").rename(used.database)
        assert door.client.get("/readyz").status_code == 200


def test_the_root_leads_to_the_page(door: Door) -> None:
    """By a temporary redirect without a host in it."""
    response = door.client.get("/")
    assert (response.status_code, response.headers["location"]) == (307, "/graphql")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/.well-known/oauth-authorization-server/oauth", "issuer"),
        ("/oauth/.well-known/oauth-authorization-server", "issuer"),
        ("/.well-known/oauth-protected-resource/graphql", "resource"),
        ("/.well-known/oauth-protected-resource", "resource"),
        ("/oauth/jwks.json", "keys"),
    ],
)
def test_the_documents_are_there(door: Door, path: str, name: str) -> None:
    """For libraries that find their own way, whatever the Host header says."""
    response = door.client.get(path, headers={"host": "evil.example"})
    assert response.status_code == 200
    assert name in response.json()
    assert "evil" not in response.text


@pytest.mark.parametrize(
    "path", ["/nothing", "/graphql/", "/graphql/x", "/%00", "/../etc/passwd", "/graphiql/%2e%2e/index.html"]
)
def test_what_is_not_there_is_not_found(door: Door, path: str) -> None:
    """And no file is where it should not be."""
    assert door.client.get(path).status_code in (404, 405, 307)


def test_an_unknown_protocol_is_refused(door: Door) -> None:
    """TLS to a port that speaks none, HTTP/2 without asking, and noise."""
    for noise in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x00" * 100,
    ):
        found = door.raw(noise)
        assert found == b"" or found.startswith(b"HTTP/1.1 4")
    assert door.client.get("/healthz").status_code == 200
