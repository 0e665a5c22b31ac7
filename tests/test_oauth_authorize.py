"""The authorization endpoint: who is asked what, and where the answer goes (RFC 6749, 4.1; RFC 9700, 2.1)."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from gateway.oauth.applications import applications
from gateway.oauth.users import users
from tests.conftest import ORIGIN
from tests.people import CALLBACK, LI, OLGA, PASSWORD, Flow, Here, claims, form_of, here, sent

__all__ = ["here"]


def text(page: httpx.Response) -> str:
    """A page as it is read: without its marks, and in one line."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.text)))


def no_redirect(answer: httpx.Response) -> None:
    """The browser stays, with a page that says what is wrong."""
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "This does not work" in answer.text


def told(answer: httpx.Response, code: str, flow: Flow) -> None:
    """The application is told an error, with its state, and by whom (RFC 9207)."""
    assert answer.headers["location"].startswith(f"{flow.redirect_uri}?")
    found = sent(answer)
    assert (found["error"], found["iss"], found["state"]) == (code, f"{ORIGIN}/oauth", flow.state)
    assert found.keys() == {"error", "error_description", "iss", "state"}
    assert re.fullmatch(r"[\x20\x21\x23-\x5b\x5d-\x7e]+", found["error_description"])


async def test_a_person_signs_in_allows_and_the_application_gets_tokens(here: Here) -> None:
    """The whole walk; the token is of the person's party, and the gateway knows whom it is from."""
    flow = Flow(here.browser())
    page = await flow.sign_in(await flow.begin())
    answer = await flow.submit(page, "authorize", decision="allow")
    found = sent(answer)
    assert answer.headers["location"].startswith(f"{CALLBACK}?")
    assert found.keys() == {"code", "state", "iss"}
    assert (found["state"], found["iss"]) == (flow.state, f"{ORIGIN}/oauth")
    token = (await flow.exchange(found["code"])).json()
    assert (token["token_type"], token["expires_in"], token["scope"]) == (
        "Bearer",
        300,
        "alibaba:read clients:read",
    )
    said = claims(token["access_token"])
    assert (said["sub"], said["client_id"], said["party"], said["purpose"]) == (
        LI,
        "shop",
        "ALIBABA",
        "analytics",
    )
    caller = await here.verifier.authenticate(f"Bearer {token['access_token']}")
    assert (caller.user, caller.party, caller.application) == (LI, "ALIBABA", "shop")


async def test_who_denies_is_asked_for_nothing_more(here: Here) -> None:
    flow = Flow(here.browser())
    page = await flow.sign_in(await flow.begin())
    told(await flow.submit(page, "authorize", decision="deny"), "access_denied", flow)


async def test_without_a_state_there_is_none_in_the_answer(here: Here) -> None:
    assert sent(await Flow(here.browser()).consented(state=None)).keys() == {"code", "iss"}
    assert sent(await Flow(here.browser()).begin(state=None, scope="x")).keys() == {
        "error",
        "error_description",
        "iss",
    }


@pytest.mark.parametrize("state", ["a&code=b#c", '"><script>', "й %00 +", "x" * 4000, "a\r\nSet-Cookie: a=b"])
async def test_the_state_comes_back_as_it_was_sent(here: Here, state: str) -> None:
    assert sent(await Flow(here.browser()).begin(state=state, scope="x"))["state"] == state
    assert sent(await Flow(here.browser()).consented(state=state))["state"] == state


async def test_what_host_says_changes_nothing(here: Here) -> None:
    """A23: neither the issuer in the answer, nor where a browser goes next."""
    browser = here.browser()
    browser.headers.update(
        {
            "Host": "evil.example",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "http",
        }
    )
    flow = Flow(browser)
    page = await flow.begin()
    form = form_of(page, "sign-in")
    entered = await browser.post(form["action"], data={**form["hidden"], "id": LI, "password": PASSWORD})
    assert entered.headers["location"].startswith("/oauth/authorize?")
    page = await browser.get(entered.headers["location"])
    assert "evil.example" not in page.text
    assert sent(await flow.submit(page, "authorize", decision="allow"))["iss"] == f"{ORIGIN}/oauth"


# Where a browser is sent


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "https://shop.example/callback/",
        "https://shop.example/callback/../callback",
        "https://shop.example/callback/../../evil",
        "https://shop.example/callbac",
        "https://shop.example/callback2",
        "https://shop.example/callback?next=x",
        "https://shop.example/callback#x",
        "https://shop.example/callback%00",
        "https://shop.example/%63allback",
        "https://shop.example:443/callback",
        "https://shop.example:8443/callback",
        "https://user@shop.example/callback",
        "https://shop.example@evil.example/callback",
        "https://shop.example.evil.example/callback",
        "https://evil.example/https://shop.example/callback",
        "https://Shop.example/callback",
        "HTTPS://shop.example/callback",
        "http://shop.example/callback",
        "//shop.example/callback",
        "https://shop.example\\@evil.example/callback",
        "https://ѕhop.example/callback",
        "https://shop.example/callback\r\nLocation: https://evil.example",
        " https://shop.example/callback",
        "https://shop.example/callback https://evil.example",
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "http://127.0.0.1:8000/callback",
    ],
)
@pytest.mark.parametrize("changes", [{}, {"scope": "x"}, {"response_type": "token"}, {"prompt": "none"}])
async def test_nobody_is_sent_to_an_address_that_is_not_registered(
    here: Here, address: str | None, changes: dict[str, str]
) -> None:
    """A14. Not letter by letter the same is another address, and no error goes there either."""
    no_redirect(await Flow(here.browser()).begin(redirect_uri=address, **changes))


@pytest.mark.parametrize("application", [None, "", "nobody", "shop ", "SHOP", "silent", "' OR 1=1 --", "é"])
async def test_an_application_that_is_not_known_gets_no_redirect(here: Here, application: str | None) -> None:
    no_redirect(await Flow(here.browser()).begin(client_id=application, redirect_uri="https://evil.example/"))


async def test_a_disabled_application_is_as_good_as_none(here: Here) -> None:
    async with here.writing() as connection:
        await connection.execute(update(applications).values(disabled_at="2026-01-01T00:00:00Z"))
    no_redirect(await Flow(here.browser()).begin())


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:49152/callback", "http://127.0.0.1/callback", CALLBACK]
)
async def test_an_application_on_a_device_takes_the_loopback_port_that_it_gets(
    here: Here, address: str
) -> None:
    """RFC 8252, 7.3."""
    flow = Flow(here.browser(), "desk", address)
    assert claims((await flow.tokens())["access_token"])["client_id"] == "desk"


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:49152/callback",
        "http://127.0.0.1:49152/callback2",
        "http://127.0.0.1:49152/callback/../evil",
        "http://127.0.0.1:49152",
        "http://127.0.0.1:1@evil.example/callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1.evil.example:1/callback",
        "http://127.0.0.1:123456/callback",
        "http://127.0.0.1:٣/callback",
        "http://127.0.0.2:49152/callback",
        "http://[::1]:49152/callback",
        "https://127.0.0.1:49152/callback",
        "https://shop.example:49152/callback",
    ],
)
async def test_nothing_but_the_port_of_loopback_is_free(here: Here, address: str) -> None:
    """And of no other host; nor does the other loopback address stand for the registered one."""
    no_redirect(await Flow(here.browser(), "desk").begin(redirect_uri=address))


# What may be asked


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": 'co"de\\'}, "unsupported_response_type"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "urn:x"}, "request_uri_not_supported"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": "a" * 42}, "invalid_request"),
        ({"code_challenge": "a" * 44}, "invalid_request"),
        ({"code_challenge": "a" * 42 + "="}, "invalid_request"),
        ({"code_challenge": "a" * 43 + "\n"}, "invalid_request"),
        ({"scope": "nothing:read"}, "invalid_scope"),
        ({"scope": "fund:reports"}, "invalid_scope"),
        ({"scope": " "}, "invalid_scope"),
        ({"scope": "clients:read  alibaba:read"}, "invalid_scope"),
        ({"scope": "clients:read\\"}, "invalid_scope"),
        ({"purpose": "reporting"}, "invalid_request"),
        ({"purpose": 'quo"te'}, "invalid_request"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"resource": "https://evil.example/graphql"}, "invalid_target"),
        ({"authorization_details": "{"}, "invalid_authorization_details"),
        ({"authorization_details": '[{"type": "payment"}]'}, "invalid_authorization_details"),
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "none login"}, "invalid_request"),
    ],
)
async def test_a_request_that_cannot_be_granted_is_answered_before_anybody_is_asked(
    here: Here, changes: dict[str, str | None], code: str
) -> None:
    """A11, A12, A15, A16: the error has the state and the issuer."""
    flow = Flow(here.browser())
    told(await flow.begin(**changes), code, flow)


async def test_an_application_that_may_ask_nobody_is_told(here: Here) -> None:
    flow = Flow(here.browser(), "silent")
    told(await flow.begin(), "unauthorized_client", flow)


async def test_what_the_person_may_not_do_nobody_may_do_in_its_name(here: Here) -> None:
    """A11. Asked for nothing, all that both may have is granted."""
    browser = here.browser()
    flow = Flow(browser)
    await flow.sign_in(await flow.begin())
    told(await flow.begin(scope="clients:pii"), "invalid_scope", flow)
    assert (await flow.tokens())["scope"] == "alibaba:read clients:read"
    assert (await Flow(browser).tokens(scope="clients:read"))["scope"] == "clients:read"


async def test_the_purpose_is_one_that_both_have(here: Here) -> None:
    browser = here.browser()
    flow = Flow(browser)
    assert (
        claims((await flow.tokens(purpose="targeted_offers"))["access_token"])["purpose"] == "targeted_offers"
    )
    async with here.writing() as connection:
        await connection.execute(
            update(users).where(users.c.id == LI).values(purposes="targeted_offers reporting")
        )
    assert claims((await Flow(browser).tokens())["access_token"])["purpose"] == "targeted_offers"
    told(await flow.begin(purpose="analytics"), "invalid_request", flow)
    async with here.writing() as connection:
        await connection.execute(update(users).where(users.c.id == LI).values(purposes="reporting"))
    told(await flow.begin(), "invalid_request", flow)


async def test_the_details_are_those_of_the_persons_party(here: Here) -> None:
    """Whose rights they must be among is known when somebody has signed in (RFC 9396)."""
    details = '[{"type": "partner_data", "party": "MAILRU", "datasets": ["orders"]}]'
    flow = Flow(here.browser(), "venture")
    page = await flow.sign_in(await flow.begin(authorization_details=details), OLGA)
    assert "Mail.ru Group (Pandao, myTarget): orders only" in text(page)
    found = (await flow.exchange(sent(await flow.submit(page, "authorize", decision="allow"))["code"])).json()
    [granted] = claims(found["access_token"])["authorization_details"]
    assert (granted["party"], granted["datasets"]) == ("MAILRU", ["orders"])
    again = await flow.refresh(
        found["refresh_token"], authorization_details=details.replace("orders", "segments")
    )
    assert (again.status_code, again.json()["error"]) == (400, "invalid_authorization_details")
    again = await flow.refresh(found["refresh_token"])
    assert claims(again.json()["access_token"])["authorization_details"] == [granted]
    flow = Flow(here.browser(), "venture")
    told(
        await flow.sign_in(await flow.begin(authorization_details=details.replace("orders", "x")), OLGA),
        "invalid_authorization_details",
        flow,
    )


@pytest.mark.parametrize("twice", ["scope", "state", "client_id", "redirect_uri", "code_challenge", "prompt"])
async def test_a_parameter_that_is_sent_twice_sends_nobody_anywhere(here: Here, twice: str) -> None:
    """Software in front of us may have read the other one (RFC 6749, 3.1)."""
    flow = Flow(here.browser())
    pairs: list[tuple[str, Any]] = [*flow.asked(scope="clients:read", prompt="consent").items(), (twice, "x")]
    no_redirect(await flow.browser.get("/oauth/authorize", params=pairs))


@pytest.mark.parametrize(
    "query",
    ["a=%ff", "%c3=1", "a=%ed%a0%80", "&".join(f"a{n}=1" for n in range(60)), "a=" + "x" * 33_000],
)
async def test_a_query_that_cannot_be_read_gets_a_page(here: Here, query: str) -> None:
    answer = await here.browser().get(httpx.URL("/oauth/authorize", query=query.encode()))
    assert answer.status_code in (400, 414)
    assert "This does not work" in answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_no_other_method_is_taken(here: Here, method: str) -> None:
    answer = await here.browser().request(method, "/oauth/authorize")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


# Whom it may act for


async def test_an_application_of_another_party_is_refused_with_a_way_out(here: Here) -> None:
    """A person's word is worth nothing there; not even a forged one."""
    flow = Flow(here.browser())
    page = await flow.sign_in(await flow.begin(), OLGA)
    assert page.status_code == 403
    assert "can act only for people of that party" in text(page)
    told(await flow.submit(page, "authorize", decision="deny"), "access_denied", flow)
    told(await flow.submit(page, "authorize", decision="allow"), "access_denied", flow)


@pytest.mark.parametrize(("person", "party"), [(LI, "ALIBABA"), (OLGA, "MAILRU")])
async def test_the_ventures_own_application_acts_for_people_of_every_party(
    here: Here, person: str, party: str
) -> None:
    found = claims((await Flow(here.browser(), "venture").tokens(person))["access_token"])
    assert (found["party"], found["sub"]) == (party, person)


async def test_the_page_says_in_words_what_is_asked(here: Here) -> None:
    """Who asks, for whom, what for, with which scopes, how long, where the answer goes; and only what is granted."""
    flow = Flow(here.browser())
    page = await flow.sign_in(await flow.begin(scope="clients:read", purpose="targeted_offers"))
    said = text(page)
    for words in (
        "Let Shop ask in your name?",
        "an application of Alibaba Group (AliExpress)",
        "Signed in as Li Wei",
        "Choosing which offer a client is shown.",
        "The clients your party may see, and where they live.",
        "30 days at most",
        "You can take it back",
        CALLBACK,
    ):
        assert words in said
    assert "AliExpress and the orders" not in said
    assert "Understanding what clients buy" not in said


# How it is asked


async def test_a_person_who_is_signed_in_is_asked_at_once(here: Here) -> None:
    browser = here.browser()
    await Flow(browser).tokens()
    assert 'value="allow"' in (await Flow(browser).begin()).text
    assert sent(await Flow(browser).begin(prompt="none"))["error"] == "consent_required"


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
async def test_an_application_may_have_the_person_sign_in_again(here: Here, prompt: str) -> None:
    browser = here.browser()
    await Flow(browser).tokens()
    flow = Flow(browser)
    page = await flow.begin(prompt=prompt)
    assert 'name="password"' in page.text
    page = await flow.sign_in(page)
    assert "code" in sent(await flow.submit(page, "authorize", decision="allow"))


async def test_a_prompt_that_nobody_knows_is_ignored(here: Here) -> None:
    assert "code" in sent(await Flow(here.browser()).consented(prompt="create"))


async def test_whoever_decides_neither_way_is_asked_again(here: Here) -> None:
    flow = Flow(here.browser())
    page = await flow.sign_in(await flow.begin())
    no_redirect(await flow.submit(page, "authorize", decision="perhaps"))
    no_redirect(await flow.submit(page, "authorize"))
