"""The token endpoint: who is given a token and which, and that no request brings it down.

Traps are numbered as measured in Authlib 1.9: what the library does by itself, and must not do here.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import event, update
from starlette.datastructures import Headers

from gateway.oauth.applications import applications
from gateway.oauth.forms import MAX_FORM, MAX_PARAMETERS
from gateway.oauth.nonces import nonces
from gateway.oauth.requests import TokenRequest
from gateway.oauth.server import Exchange, Service
from tests.test_oauth import World, world

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HOSTILE = [
    '"',
    "\\",
    "é",
    "\r\nSet-Cookie: a=b",
    "\x00",
    "</script>",
    "%ff",
    "' OR 1=1 --",
    "\ud7ff",
    "x" * 10_000,
]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as opened:
        yield opened


def parts(answer: httpx.Response) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of the token in an answer."""
    header, claims = answer.json()["access_token"].split(".")[:2]
    return tuple(json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims))  # type: ignore[return-value]


def refused(answer: httpx.Response, status: int, code: str) -> None:
    """The answer is an error as RFC 6749, 5.2 has it, in the characters it allows, and is stored nowhere."""
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert answer.json().keys() == {"error", "error_description"}
    assert re.fullmatch(r"[\x20\x21\x23-\x5b\x5d-\x7e]+", answer.json()["error_description"])
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


async def test_http_basic_authenticates(here: World) -> None:
    answer = await here.ask()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert answer.json().keys() == {"access_token", "token_type", "expires_in", "scope"}


async def test_credentials_in_the_form_authenticate(here: World) -> None:
    """Trap 18: Authlib's grants know Basic alone unless told."""
    answer = await here.ask({}, client_id="shop", client_secret=here.secrets["shop"])
    assert answer.status_code == 200


async def test_basic_credentials_may_be_url_encoded(here: World) -> None:
    """RFC 6749, 2.3.1 asks for it, and strict libraries do it."""
    encoded = "".join(f"%{byte:02X}" for byte in here.secrets["shop"].encode())
    assert (await here.ask(here.basic("%73hop", encoded))).status_code == 200


async def test_the_token_is_signed_by_the_current_key_under_its_id(here: World) -> None:
    """Trap 1: Authlib leaves `kid` out for one key, and picks a random key of several."""
    header, _ = parts(await here.ask())
    assert header == {"typ": "at+jwt", "alg": "ES256", "kid": here.keys.current.thumbprint()}


async def test_the_token_lives_for_300_seconds(here: World) -> None:
    """Trap 6: Authlib's default for this grant is ten days."""
    answer = await here.ask()
    _, claims = parts(answer)
    assert claims["exp"] - claims["iat"] == answer.json()["expires_in"] == 300


async def test_no_spoofed_host_gets_into_a_token(here: World) -> None:
    """Trap 7: the request's own address comes from Host, which is the sender's to write."""
    spoofed = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    answer = await here.ask({**here.basic(), **spoofed, "Forwarded": "host=evil.example"})
    _, claims = parts(answer)
    assert claims["iss"] == "https://gateway.example/oauth"
    assert claims["aud"] == "https://gateway.example/graphql"
    assert "evil" not in answer.text + str(claims)


async def test_all_scopes_of_the_application_when_none_is_asked_for(here: World) -> None:
    """RFC 6749, 3.3: the default is stated, and the answer says what was given."""
    answer = await here.ask()
    assert answer.json()["scope"] == parts(answer)[1]["scope"] == "clients:read orders:read"


@pytest.mark.parametrize("scope", ["orders:read", "orders:read clients:read", "orders:read orders:read"])
async def test_fewer_scopes_when_fewer_are_asked_for(here: World, scope: str) -> None:
    answer = await here.ask(scope=scope)
    expected = " ".join(sorted(set(scope.split())))
    assert answer.json()["scope"] == parts(answer)[1]["scope"] == expected


@pytest.mark.parametrize(
    "scope",
    [
        "clients:pii",
        "orders:read clients:pii",
        "nonsense",
        " ",
        "orders:read ",
        "a  b",
        "orders:read\tclients:read",
        "ORDERS:READ",
    ],
)
async def test_a_scope_that_may_not_be_had_is_refused(here: World, scope: str) -> None:
    """Trap 9: Authlib's mixin drops such scopes in silence, down to a token that is good for nothing."""
    refused(await here.ask(scope=scope), 400, "invalid_scope")


async def test_an_application_without_scopes_gets_a_token_without_the_claim(here: World) -> None:
    answer = await here.ask(here.basic("bare", here.secrets["bare"]))
    assert answer.status_code == 200
    assert "scope" not in answer.json()
    assert "scope" not in parts(answer)[1]
    refused(
        await here.ask(here.basic("bare", here.secrets["bare"]), scope="orders:read"), 400, "invalid_scope"
    )


async def test_the_purpose_is_the_one_asked_for_or_the_first(here: World) -> None:
    assert parts(await here.ask())[1]["purpose"] == "analytics"
    assert parts(await here.ask(purpose="targeted_offers"))[1]["purpose"] == "targeted_offers"


@pytest.mark.parametrize("purpose", ["reporting", "spying", " ", "analytics targeted_offers", "ANALYTICS"])
async def test_a_purpose_that_is_not_the_applications_is_refused(here: World, purpose: str) -> None:
    """Rows are released for a purpose; whoever could choose it freely would choose the widest."""
    refused(await here.ask(purpose=purpose), 400, "invalid_request")


async def test_party_and_application_are_not_the_senders_to_choose(here: World) -> None:
    answer = await here.ask(party="MAILRU", sub="other", aud="https://evil.example")
    _, claims = parts(answer)
    assert (claims["party"], claims["sub"], claims["client_id"]) == ("ALIBABA", "shop", "shop")
    assert claims["aud"] == "https://gateway.example/graphql"


async def test_an_unknown_client_and_a_wrong_secret_look_and_cost_the_same(here: World) -> None:
    """Trap 12: Authlib says which of both it was, so guessing names tells which applications there are."""
    statements: list[str] = []

    @event.listens_for(here.engine.sync_engine, "before_cursor_execute")
    def _count(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    async with here.engine.begin() as connection:
        disable = (
            update(applications)
            .where(applications.c.id == "other")
            .values(disabled_at="2026-01-01T00:00:00Z")
        )
        await connection.execute(disable)
    seen = set()
    for id, secret in (
        ("shop", "wrong"),
        ("nobody", "wrong"),
        ("other", here.secrets["other"]),
        ("", "wrong"),
    ):
        statements.clear()
        answer = await here.ask(here.basic(id, secret))
        refused(answer, 401, "invalid_client")
        headers = {name: value for name, value in answer.headers.items() if name != "date"}
        if id:
            seen.add((answer.content, str(headers), tuple(statements)))
    assert len(seen) == 1


async def test_the_secret_of_an_application_that_does_not_exist_is_compared_too(here: World) -> None:
    """Trap 12: without it, the time of an answer would tell."""
    settings = here.settings
    offered = nonces(settings.state)
    service = Service(here.engine, here.keys, settings.issuer, settings.audience, offered)
    async with here.engine.connect() as connection:
        asked = TokenRequest(f"{service.issuer}/token", Headers(), {})
        stranger = await connection.run_sync(
            lambda sync: Exchange(service, sync, asked).query_client("nobody")
        )
    assert not stranger.check_client_secret(here.secrets["shop"])
    assert not stranger.check_client_secret("")


async def test_the_same_holds_for_credentials_in_the_form(here: World) -> None:
    answers = [await here.ask({}, client_id=id, client_secret="wrong") for id in ("shop", "nobody")]
    assert answers[0].content == answers[1].content
    for answer in answers:
        refused(answer, 400, "invalid_client")
        assert answer.json()["error_description"] == "The client could not be authenticated."
        assert "www-authenticate" not in answer.headers


async def test_a_failed_authorization_header_is_answered_with_a_challenge(here: World) -> None:
    """RFC 6749, 5.2, and only then: a challenge after a form makes browsers ask for a password."""
    answer = await here.ask(here.basic(secret="wrong"))
    assert answer.headers["www-authenticate"] == 'Basic realm="oauth", charset="UTF-8"'
    refused(await here.ask({"Authorization": "Bearer abc"}), 401, "invalid_client")
    refused(await here.ask({"Authorization": "Basic"}), 400, "invalid_request")


@pytest.mark.parametrize(
    "form", [{}, {"client_id": "shop"}, {"client_secret": "x"}, {"client_id": "shop", "client_secret": ""}]
)
async def test_nobody_is_given_a_token_without_a_secret(here: World, form: dict[str, str]) -> None:
    refused(await here.ask({}, **form), 400, "invalid_client")


async def test_the_secret_of_one_application_is_not_good_for_another(here: World) -> None:
    refused(await here.ask(here.basic("shop", here.secrets["other"])), 401, "invalid_client")


async def test_two_authentications_in_one_request_are_refused(here: World) -> None:
    """Trap 11: Authlib takes the first that succeeds; RFC 6749, 2.3 forbids it: who was it then?"""
    other = {"client_id": "other", "client_secret": here.secrets["other"]}
    refused(await here.ask(**other), 400, "invalid_request")
    refused(await here.ask(client_secret=here.secrets["shop"]), 400, "invalid_request")
    refused(await here.ask(client_assertion="a.b.c"), 400, "invalid_request")
    refused(await here.ask(here.basic(secret="wrong"), **other), 400, "invalid_request")
    refused(await here.ask({}, **other, client_assertion="a.b.c"), 400, "invalid_request")
    twice = [
        ("Authorization", here.basic()["Authorization"]),
        ("Authorization", here.basic("other")["Authorization"]),
    ]
    answer = await here.http.post(
        "/oauth/token", content="grant_type=client_credentials", headers=[*FORM.items(), *twice]
    )
    refused(answer, 400, "invalid_request")


async def test_a_client_id_beside_basic_must_be_the_same(here: World) -> None:
    """Many libraries send it in both places, which is one authentication as long as both say the same."""
    assert (await here.ask(client_id="shop")).status_code == 200
    refused(await here.ask(client_id="other"), 400, "invalid_request")


@pytest.mark.parametrize(
    "credentials",
    [
        *(base64.b64encode(pair) for pair in (b"\xff:\xff", b"shop:\xff", b"shop", b"", b"\xed\xa0\x80:x")),
        *(b"\xff\xfe", b"c2hvcDp4%", b"===", b"c2hvcDp", "é".encode(), b"a b", b""),
    ],
)
async def test_a_basic_header_that_cannot_be_read_is_a_bad_request(here: World, credentials: bytes) -> None:
    """Trap 8: UnicodeDecodeError and ValueError in Authlib, and so a 500 that anybody can cause."""
    headers = {**FORM, "Authorization": b"Basic " + credentials}
    answer = await here.http.post("/oauth/token", content="grant_type=client_credentials", headers=headers)  # type: ignore[arg-type]
    refused(answer, 400, "invalid_request")


@pytest.mark.parametrize("gap", [b"\t", b" \t", b"\x85", b"\xa0"])
async def test_basic_is_basic_whatever_white_space_follows(here: World, gap: bytes) -> None:
    """Authlib parts the header at any of it: what only Authlib took for Basic passed by every check of ours."""
    pairs = {b"shop:" + here.secrets["shop"].encode(): "other", b"shop:\xff\xfe": "shop", b"": "shop"}
    for pair, named in pairs.items():
        coded = base64.b64encode(pair)
        headers = {**FORM, "Authorization": b"Basic" + gap + coded[:4] + b" " + coded[4:]}
        form = f"grant_type=client_credentials&client_id={named}"
        answer = await here.http.post("/oauth/token", content=form, headers=headers)  # type: ignore[arg-type]
        refused(answer, 400, "invalid_request")


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_hostile_text_is_refused_in_every_parameter(here: World, text: str) -> None:
    """Trap 8: Authlib fails on such a text in one error_description, and repeats it raw in another."""
    refused(await here.ask(grant_type=text), 400, "unsupported_grant_type")
    refused(await here.ask(scope=text), 400, "invalid_scope")
    refused(await here.ask(purpose=text), 400, "invalid_request")
    refused(await here.ask({}, client_id=text, client_secret=text), 400, "invalid_client")
    refused(await here.ask({}, client_id="shop", client_secret=text), 400, "invalid_client")
    refused(await here.ask(here.basic(quote(text), quote(text))), 401, "invalid_client")
    assert (await here.ask(**{text: text})).status_code == 200


async def test_no_malformed_request_is_the_servers_fault(here: World) -> None:
    """Bytes at random, in form and header: each is answered with an error of the 400s, as JSON."""
    dice = random.Random(7)
    pieces = [
        b"grant_type=client_credentials",
        b"&",
        b"=",
        b"%",
        b"%zz",
        b"%00",
        b"scope=",
        b"client_id=shop",
        b"\xff",
        b"+",
    ]
    for _ in range(200):
        body = b"".join(dice.choices([*pieces, dice.randbytes(5)], k=dice.randrange(12)))
        scheme = dice.choice([b"Basic ", b"basic ", b"Bearer ", b"", b"Basic\t"])
        token = dice.choice(
            [dice.randbytes(9).hex().encode(), base64.b64encode(dice.randbytes(12)), b"c2hvcDp4"]
        )
        headers = {**FORM, "Authorization": scheme + token}
        answer = await here.http.post("/oauth/token", content=body, headers=headers)  # type: ignore[arg-type]
        refused(answer, answer.status_code, answer.json()["error"])
        assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    "grant",
    ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
)
async def test_no_other_grant_is_given(here: World, grant: str) -> None:
    answer = await here.ask(
        grant_type=grant, username="a", password="b", code="c", refresh_token="d", assertion="e"
    )
    refused(answer, 400, "unsupported_grant_type")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_only_post_asks_for_a_token(here: World, method: str) -> None:
    """In an address, credentials would stand in every log on the way."""
    credentials = {
        "grant_type": "client_credentials",
        "client_id": "shop",
        "client_secret": here.secrets["shop"],
    }
    answer = await here.http.request(method, "/oauth/token", params=credentials)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    if method != "HEAD":
        refused(answer, 405, "invalid_request")


async def test_parameters_in_the_address_are_not_heard(here: World) -> None:
    """RFC 6749, 2.3.1."""
    credentials = {
        "grant_type": "client_credentials",
        "client_id": "shop",
        "client_secret": here.secrets["shop"],
    }
    refused(await here.http.post("/oauth/token", params=credentials, headers=FORM), 400, "invalid_request")
    form = {"grant_type": "client_credentials"}
    refused(await here.http.post("/oauth/token", params=credentials, data=form), 400, "invalid_client")


@pytest.mark.parametrize(
    "kind", [None, "", "application/json", "text/plain", "multipart/form-data; boundary=x", "x"]
)
async def test_another_content_type_is_refused(here: World, kind: str | None) -> None:
    headers = {**here.basic(), **({"Content-Type": kind} if kind is not None else {})}
    answer = await here.http.post("/oauth/token", content=b"grant_type=client_credentials", headers=headers)
    refused(answer, 400, "invalid_request")


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-Urlencoded"]
)
async def test_the_content_type_may_name_its_charset(here: World, kind: str) -> None:
    headers = {**here.basic(), "Content-Type": kind}
    answer = await here.http.post("/oauth/token", content=b"grant_type=client_credentials", headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [b"grant_type=%ff", b"grant_type=\xff", b"%ff=x", b"grant_type=%ed%a0%80"])
async def test_a_form_that_is_not_utf_8_is_refused(here: World, body: bytes) -> None:
    answer = await here.http.post("/oauth/token", content=body, headers={**here.basic(), **FORM})
    refused(answer, 400, "invalid_request")


@pytest.mark.parametrize("name", ["grant_type", "scope", "purpose", "client_id", "unknown"])
async def test_a_parameter_sent_twice_is_refused(here: World, name: str) -> None:
    """RFC 6749, 3.2: a filter on the way that reads the first would be passed by the second."""
    doubled = f"{name}=shop&{name}=shop"
    body = doubled if name == "grant_type" else f"grant_type=client_credentials&{doubled}"
    answer = await here.http.post("/oauth/token", content=body, headers={**here.basic(), **FORM})
    refused(answer, 400, "invalid_request")


async def test_a_parameter_without_a_value_counts_as_left_out(here: World) -> None:
    """RFC 6749, 3.2."""
    answer = await here.ask(scope="", purpose="", client_id="", client_secret="", unknown="")
    assert answer.json()["scope"] == "clients:read orders:read"
    assert parts(answer)[1]["purpose"] == "analytics"
    refused(await here.ask(grant_type=""), 400, "invalid_request")


async def test_a_form_has_a_size(here: World) -> None:
    """Reading megabytes for a token would be work that anybody can order."""
    start = "grant_type=client_credentials&padding="
    fits = start + "x" * (MAX_FORM - len(start))
    headers = {**here.basic(), **FORM}
    assert (await here.http.post("/oauth/token", content=fits, headers=headers)).status_code == 200
    refused(await here.http.post("/oauth/token", content=fits + "x", headers=headers), 413, "invalid_request")


async def test_a_stream_is_cut_off_where_the_form_must_end(here: World) -> None:
    """A body without a length is not read further than the limit."""
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while taken < 100:
            taken += 1
            yield b"x" * 4096

    headers = {**here.basic(), **FORM}
    refused(await here.http.post("/oauth/token", content=endless(), headers=headers), 413, "invalid_request")
    assert taken <= MAX_FORM / 4096 + 2


async def test_a_form_has_a_number_of_parameters(here: World) -> None:
    most = {f"p{number}": "x" for number in range(MAX_PARAMETERS - 1)}
    assert (await here.ask(**most)).status_code == 200
    refused(await here.ask(**most, more="x"), 400, "invalid_request")
    body = "&".join(["x"] * 10_000)
    answer = await here.http.post("/oauth/token", content=body, headers={**here.basic(), **FORM})
    refused(answer, 400, "invalid_request")


async def test_requests_at_the_same_time_share_nothing(here: World) -> None:
    """Authlib's server keeps state while it answers; another request must not see it."""

    async def ask(id: str, purpose: str) -> bool:
        answer = await here.ask(here.basic(id, here.secrets[id]), purpose=purpose)
        _, claims = parts(answer)
        return (claims["client_id"], claims["purpose"]) == (id, purpose)

    asked = [(id, purpose) for id in here.secrets for purpose in ("analytics", "targeted_offers")] * 5
    assert all(await asyncio.gather(*(ask(*one) for one in asked)))
