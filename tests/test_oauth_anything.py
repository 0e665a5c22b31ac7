"""Whatever is sent to the token service, by hypothesis: there is an answer, and it is never the gateway's failure."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route

from gateway.app import create_app
from gateway.settings import Settings
from tests.conftest import ORIGIN
from tests.oauth_requests import SIGNER, credentials, headers, jwts, methods, parameters, visible
from tests.peers.browser import Page
from tests.peers.served import CALLBACK, PASSWORD, PERSON, furnish, secret

GOOD = {
    "client_id": "browser",
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "code_challenge": "A" * 43,
    "code_challenge_method": "S256",
}
many = settings(max_examples=60, deadline=None)


class Service:
    """The whole gateway, over ASGI: an exception in it comes out here, with all that led to it."""

    def __init__(self, app: Starlette, runner: asyncio.Runner) -> None:
        self._run = runner.run
        self.paths = sorted(_paths(app))
        self._asked = 0
        self._transport = httpx.ASGITransport(app)
        self._http = httpx.AsyncClient(transport=self._transport, base_url=ORIGIN)

    def ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """An answer below 500, which repeats nothing that is secret."""
        # Each from an address of its own: who fails too often would otherwise not be heard at all.
        self._asked += 1
        self._transport.client = (".".join(map(str, self._asked.to_bytes(4, "big"))), 1234)
        self._http.cookies.clear()
        answer = self._run(self._http.request(method, path, **sent))
        assert answer.status_code < 500, answer.text
        assert secret("shop") not in answer.text + str(answer.headers)
        # Nobody is sent to an address that was not registered beforehand.
        target = urlsplit(answer.headers.get("location", ORIGIN))
        assert not target.netloc or f"{target.scheme}://{target.netloc}" in (ORIGIN, "https://app.example")
        return answer


def _paths(app: Starlette) -> Iterator[str]:
    for route in app.routes:
        if isinstance(route, Route) and route.path.startswith(("/oauth", "/.well-known")):
            yield route.path


@contextmanager
def _opened(state: Path) -> Iterator[Service]:
    with asyncio.Runner() as runner:
        used = Settings(state=state, origin=ORIGIN)
        runner.run(furnish(used))
        app = create_app(used)
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        try:
            yield Service(app, runner)
        finally:
            runner.run(lifespan.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with _opened(tmp_path_factory.mktemp("anything")) as found:
        yield found


@pytest.fixture(scope="module")
def person(service: Service) -> dict[str, str]:
    """The cookie of a browser in which somebody is signed in."""
    page = service.ask("GET", "/oauth/authorize", params=GOOD)
    (action, fields) = Page(page.text).forms[0]
    cookie = page.headers["set-cookie"].partition(";")[0]
    filled = {**fields, "id": PERSON, "password": PASSWORD}
    answer = service.ask("POST", action, data=filled, headers={"cookie": cookie})
    signed_in = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
    page = service.ask("GET", "/oauth/authorize", params=GOOD, headers=signed_in)
    assert any("decision" in fields for _, fields in Page(page.text).forms)
    return signed_in


def encoded(sent: Mapping[str, str]) -> dict[str, bytes]:
    """Headers as bytes, in which anything may be."""
    return {name: value.encode() for name, value in sent.items()}


def test_every_endpoint_is_asked(service: Service) -> None:
    """What the tests below rest on: they find the endpoints."""
    assert {"/oauth/token", "/oauth/jwks.json", "/.well-known/oauth-authorization-server/oauth"} <= set(
        service.paths
    )


@given(data=st.data(), method=methods, form=parameters, headers=headers)
@many
def test_any_form_has_an_answer(
    service: Service, data: st.DataObject, method: str, form: list[tuple[str, str]], headers: dict[str, str]
) -> None:
    """All parameters that OAuth knows and some it does not, in the form and in the address, of any endpoint."""
    path = data.draw(st.sampled_from(service.paths))
    body = str(httpx.QueryParams([(name, value) for name, value in form]))
    sent = {"content-type": "application/x-www-form-urlencoded", **headers}
    query = data.draw(st.booleans())
    service.ask(
        method, f"{path}?{body}" if query else path, content=b"" if query else body, headers=encoded(sent)
    )


@given(data=st.data(), method=methods, body=st.binary(max_size=300), headers=headers)
@many
def test_any_bytes_have_an_answer(
    service: Service, data: st.DataObject, method: str, body: bytes, headers: dict[str, str]
) -> None:
    path = data.draw(st.sampled_from(service.paths))
    kind = data.draw(
        st.sampled_from(["application/x-www-form-urlencoded", "application/json", "multipart/form-data"])
    )
    service.ask(method, path, content=body, headers=encoded({"content-type": kind, **headers}))


@given(data=credentials, form=parameters, scheme=st.sampled_from([b"Basic ", b"basic  ", b"Bearer ", b""]))
@many
def test_any_credentials_have_an_answer(
    service: Service, data: bytes, form: list[tuple[str, str]], scheme: bytes
) -> None:
    """Bytes where id and secret should be, coded and not."""
    asked = {"grant_type": "client_credentials", **dict(form)}
    service.ask("POST", "/oauth/token", data=asked, headers={"authorization": scheme + data})


@given(assertion=jwts, form=parameters, named=st.booleans())
@many
def test_any_assertion_has_an_answer(
    service: Service, assertion: str, form: list[tuple[str, str]], named: bool
) -> None:
    """Assertions of an application's that are nearly good, and so get deep into the service."""
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    asked = {"grant_type": "client_credentials", "client_assertion_type": kind, "client_assertion": assertion}
    if named:
        asked["client_id"] = SIGNER
    answer = service.ask("POST", "/oauth/token", data={**dict(form), **asked})
    assert answer.headers["cache-control"] == "no-store"
    assert ("access_token" in answer.json()) == (answer.status_code == 200)


@given(form=parameters, proof=jwts | visible)
@many
def test_any_request_of_an_application_in_good_standing_has_an_answer(
    service: Service, form: list[tuple[str, str]], proof: str
) -> None:
    """Behind the authentication, where every grant and every parameter is looked at."""
    pair = base64.b64encode(f"site:{secret('site')}".encode())
    asked = {name: value for name, value in form if not name.startswith("client_")}
    for path in service.paths:
        service.ask(
            "POST", path, data=asked, headers={"authorization": b"Basic " + pair, "dpop": proof.encode()}
        )


@given(query=parameters, changes=parameters)
@many
def test_any_request_that_a_person_who_is_signed_in_allows_has_an_answer(
    service: Service, person: dict[str, str], query: list[tuple[str, str]], changes: list[tuple[str, str]]
) -> None:
    """Behind the sign-in, where what is asked becomes a code; the form of the page is sent as it is, or nearly."""
    sent = {**GOOD, **{name: value for name, value in query if name not in ("client_id", "redirect_uri")}}
    page = service.ask("GET", "/oauth/authorize", params=sent, headers=person)
    for action, fields in Page(page.text).forms:
        if "decision" in fields:
            service.ask("POST", action, data={**fields, "decision": "allow"}, headers=person)
        if "sign-out" not in action:
            service.ask("POST", action, data={**fields, **dict(changes)}, headers=person)


@given(query=parameters, cookies=st.dictionaries(visible, visible, max_size=2))
@many
def test_any_authorization_request_has_an_answer(
    service: Service, query: list[tuple[str, str]], cookies: dict[str, str]
) -> None:
    """Addresses that anybody can make a person follow; whatever is in them is shown as text or not at all."""
    sent = {**GOOD, **dict(query)}
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    answer = service.ask("GET", "/oauth/authorize", params=sent, headers=encoded({"cookie": cookie}))
    assert "</script>" not in answer.text.replace("<script></script>", "")
    assert "set-cookie" not in answer.headers or "a=b" not in answer.headers["set-cookie"]
