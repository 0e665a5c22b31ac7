"""Signing in and out: sessions, forms that nobody else can send, and passwords that nobody can guess."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from sqlalchemy import update

from gateway.oauth import users
from gateway.oauth.forms import MAX_FORM
from gateway.oauth.sessions import sessions
from gateway.oauth.throttle import MAX_PER_NAME
from tests.people import LI, OLGA, PASSWORD, Flow, Here, form_of, here, sent, service

__all__ = ["here"]

COOKIE = "gateway-session"
WRONG = "This name and password do not go together."


async def consent_page(here: Here) -> tuple[Flow, httpx.Response]:
    """A browser that is signed in, before the question."""
    flow = Flow(here.browser())
    page = await flow.sign_in(await flow.begin())
    assert 'value="allow"' in page.text
    return flow, page


def asks_to_sign_in(page: httpx.Response) -> bool:
    """Whether a page asks for a password."""
    return 'name="password"' in page.text


# Who gets in


async def test_a_wrong_name_and_a_wrong_password_look_the_same(here: Here) -> None:
    """A21: nobody learns who is there, not even of who was disabled."""
    async with here.writing() as connection:
        await users.disable(connection, OLGA)
    answers = []
    for id, password in (
        (LI, "wrong"),
        ("nobody@alibaba.example", PASSWORD),
        (OLGA, PASSWORD),
        (LI, PASSWORD + "x"),
    ):
        flow = Flow(here.browser(), state="same", verifier="v" * 43)
        answer = await flow.sign_in(await flow.begin(), id, password)
        proof = form_of(answer, "sign-in")["hidden"]["proof"]
        answers.append((answer.status_code, answer.text.replace(id, "ID").replace(proof, "PROOF")))
    assert answers[0][0] == 403
    assert WRONG in answers[0][1]
    assert len(set(answers)) == 1


@pytest.mark.usefixtures("true_passwords")
async def test_an_unknown_name_takes_as_long_as_a_wrong_password(here: Here) -> None:
    """A21: the hash is looked at in either case. It takes a hundred times what the rest does."""
    spent = {}
    for id in (LI, "nobody@alibaba.example"):
        flow = Flow(here.browser())
        page = await flow.begin()
        times = []
        for _ in range(3):
            started = time.perf_counter()
            await flow.submit(page, "sign-in", id=id, password="wrong")
            times.append(time.perf_counter() - started)
        spent[id] = min(times)
    assert spent["nobody@alibaba.example"] > spent[LI] / 4


async def test_the_name_is_taken_in_any_case_and_with_blanks_around(here: Here) -> None:
    flow = Flow(here.browser())
    assert 'value="allow"' in (await flow.sign_in(await flow.begin(), f" {LI.upper()} ")).text


@pytest.mark.parametrize(
    "values", [{}, {"id": LI}, {"password": PASSWORD}, {"id": LI, "password": "x" * 20_000}]
)
async def test_half_a_sign_in_is_none(here: Here, values: dict[str, str]) -> None:
    flow = Flow(here.browser())
    assert (await flow.submit(await flow.begin(), "sign-in", **values)).status_code == 403


@pytest.mark.usefixtures("true_passwords")
async def test_while_a_password_is_looked_at_others_are_served(here: Here) -> None:
    """It takes a processor for a while, but never the event loop."""
    flow = Flow(here.browser())
    page = await flow.begin()
    signing = asyncio.create_task(flow.submit(page, "sign-in", id=LI, password="wrong"))
    served = 0
    while not signing.done():
        assert (await here.browser().get("/oauth/page.css")).status_code == 200
        await asyncio.sleep(0)
        served += 1
    assert (await signing).status_code == 403
    assert served > 5


async def test_who_guesses_too_often_has_to_wait(here: Here) -> None:
    """A22: even with the right password, so that a guess that is right is not told; others are not locked out."""
    flow = Flow(here.browser())
    page = await flow.begin()
    tries = [flow.submit(page, "sign-in", id=LI, password=f"wrong {n}") for n in range(MAX_PER_NAME)]
    assert {answer.status_code for answer in await asyncio.gather(*tries)} <= {403, 429}
    answer = await flow.submit(page, "sign-in", id=LI, password=PASSWORD)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert "Please wait" in answer.text
    other = Flow(here.browser())
    assert "another party" in (await other.sign_in(await other.begin(), OLGA)).text


@pytest.mark.usefixtures("true_passwords")
async def test_of_many_guesses_at_once_no_more_are_told_than_one_by_one(here: Here) -> None:
    """A22: those that were begun before the first had failed are judged by how many have failed in the end."""
    flow = Flow(here.browser())
    page = await flow.begin()
    guesses = (flow.submit(page, "sign-in", id=LI, password=f"wrong {n}") for n in range(MAX_PER_NAME + 4))
    statuses = [answer.status_code for answer in await asyncio.gather(*guesses)]
    assert statuses.count(403) < MAX_PER_NAME
    # On a busy machine some wait in vain for their turn.
    assert set(statuses) <= {403, 429, 503}


@pytest.mark.usefixtures("true_passwords")
async def test_a_hash_of_other_parameters_is_made_anew(here: Here) -> None:
    """At the next sign-in, which is when the password is known."""
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    table = users.users
    async with here.writing() as connection:
        await connection.execute(update(table).where(table.c.id == LI).values(password_hash=weak))
    for _ in range(2):
        flow = Flow(here.browser())
        assert 'value="allow"' in (await flow.sign_in(await flow.begin())).text
    [hash] = [row.password_hash for row in await here.rows(table) if row.id == LI]
    assert hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


# Sessions


async def test_a_session_is_a_new_one_at_each_sign_in(here: Here) -> None:
    """Whoever planted a cookie before, or had one, is not signed in by it (session fixation)."""
    flow = Flow(here.browser())
    page = await flow.begin()
    before = flow.browser.cookies[COOKIE]
    await flow.sign_in(page)
    first = flow.browser.cookies[COOKIE]
    await flow.sign_in(await flow.begin(prompt="login"))
    second = flow.browser.cookies[COOKIE]
    assert len({before, first, second}) == 3
    for cookie, signed_in in ((before, False), (first, False), (second, True)):
        thief = here.browser()
        thief.cookies.set(COOKIE, cookie)
        assert asks_to_sign_in(await Flow(thief).begin()) != signed_in


@pytest.mark.parametrize("cookie", ["x", "a" * 43, "a" * 5000, "../" * 15, '"', "%00" * 15])
async def test_a_cookie_that_nobody_gave_out_signs_nobody_in(here: Here, cookie: str) -> None:
    thief = here.browser()
    thief.cookies.set(COOKIE, cookie)
    assert asks_to_sign_in(await Flow(thief).begin())


async def test_a_session_ends(here: Here) -> None:
    """By its time; what the page still offers then does nothing."""
    flow, page = await consent_page(here)
    async with here.writing() as connection:
        await connection.execute(update(sessions).values(expires_at="2026-01-01T00:00:00Z"))
    assert asks_to_sign_in(await flow.submit(page, "authorize", decision="allow"))
    assert asks_to_sign_in(await flow.begin())


async def test_signing_out_ends_the_session(here: Here) -> None:
    """For the cookie too, should somebody have kept it."""
    flow, page = await consent_page(here)
    kept = flow.browser.cookies[COOKIE]
    answer = await flow.submit(page, "sign-out")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/oauth/authorize?")
    assert asks_to_sign_in(await flow.browser.get(answer.headers["location"]))
    flow.browser.cookies.set(COOKIE, kept)
    assert asks_to_sign_in(await flow.begin())


@pytest.mark.parametrize("ending", ["disable", "set_password"])
async def test_who_is_disabled_or_gets_another_password_is_signed_out(here: Here, ending: str) -> None:
    flow, page = await consent_page(here)
    async with here.writing() as connection:
        if ending == "disable":
            await users.disable(connection, LI)
        else:
            await users.set_password(connection, LI, "another long password")
    assert asks_to_sign_in(await flow.submit(page, "authorize", decision="allow"))
    assert (await flow.sign_in(await flow.begin())).status_code == 403


async def test_a_cookie_is_for_no_script_and_no_other_site(here: Here, tmp_path: Path) -> None:
    """Over https also for no other host and no plain connection, which the browser holds by the name's prefix."""
    async with service(tmp_path / "https", "https://gateway.example") as secure:
        for at, name, more in ((here, COOKIE, set()), (secure, "__Host-gateway", {"Secure"})):
            flow = Flow(at.browser())
            page = await flow.begin()
            entered = await flow.submit(page, "sign-in", id=LI, password=PASSWORD)
            for answer in (page, entered):
                [set_cookie] = answer.headers.get_list("set-cookie")
                value, *attributes = set_cookie.split("; ")
                assert value.startswith(f"{name}=")
                assert set(attributes) == {"HttpOnly", "Path=/", "SameSite=lax"} | more


# Forms


async def test_a_form_from_elsewhere_signs_nobody_in(here: Here) -> None:
    """Else somebody could have a person work in a session that is not the person's (login CSRF)."""
    flow = Flow(here.browser())
    address = form_of(await flow.begin(), "sign-in")["action"]
    stranger = Flow(here.browser())
    strangers = form_of(await stranger.begin(), "sign-in")["hidden"]["proof"]
    values = {"id": LI, "password": PASSWORD}
    for proof in ({}, {"proof": strangers}, {"proof": "x"}, {"proof": "é"}):
        answer = await flow.browser.post(address, data={**values, **proof})
        assert (answer.status_code, asks_to_sign_in(answer)) == (403, True)
    answer = await here.browser().post(address, data={**values, "proof": strangers})
    assert answer.status_code == 403
    assert await here.rows(sessions) == []


async def test_a_form_from_elsewhere_consents_to_nothing(here: Here) -> None:
    """Not with another browser's proof, nor with one for another request or another form."""
    flow, page = await consent_page(here)
    form = form_of(page, "authorize")
    _, strangers = await consent_page(here)
    more = await Flow(flow.browser).begin(scope="clients:read")
    proofs: list[dict[str, Any]] = [
        {},
        {"proof": form_of(strangers, "authorize")["hidden"]["proof"]},
        {"proof": form_of(more, "authorize")["hidden"]["proof"]},
        {"proof": form_of(page, "sign-out")["hidden"]["proof"]},
    ]
    for proof in proofs:
        answer = await flow.browser.post(form["action"], data={**proof, "decision": "allow"})
        assert answer.status_code == 403
        assert "Please try again" in answer.text
    answer = await flow.browser.post(
        form["action"],
        data={**form["hidden"], "decision": "allow"},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403
    own = {"Sec-Fetch-Site": "same-origin"}
    answer = await flow.browser.post(
        form["action"], data={**form["hidden"], "decision": "allow"}, headers=own
    )
    assert "code" in sent(answer)


async def test_nobody_is_signed_out_from_elsewhere(here: Here) -> None:
    flow, page = await consent_page(here)
    address = form_of(page, "sign-out")["action"]
    assert (await flow.browser.post(address, data={"proof": "x"})).status_code == 303
    assert 'value="allow"' in (await flow.begin()).text


@pytest.mark.parametrize("path", ["sign-in", "sign-out", "authorize"])
@pytest.mark.parametrize(
    "query", ["client_id=shop&redirect_uri=https://evil.example/", "redirect_uri=//evil.example", ""]
)
async def test_no_form_leads_out_for_a_request_that_is_none(here: Here, path: str, query: str) -> None:
    """No open redirect."""
    flow, _ = await consent_page(here)
    answer = await flow.browser.post(f"/oauth/{path}?{query}", data={"id": LI, "password": PASSWORD})
    if path == "sign-out":
        assert answer.headers["location"].startswith("/oauth/authorize?")
        answer = await flow.browser.get(answer.headers["location"])
    assert (answer.status_code, "location" in answer.headers) == (400, False)


@pytest.mark.parametrize("path", ["sign-in", "sign-out", "authorize"])
async def test_a_form_that_cannot_be_read_gets_a_page(here: Here, path: str) -> None:
    flow = Flow(here.browser())
    address = httpx.URL(f"/oauth/{path}", params=flow.asked())
    coded = {"Content-Type": "application/x-www-form-urlencoded"}
    bodies: list[tuple[bytes, dict[str, str], int]] = [
        (b"a=" + b"x" * 5_000_000, coded, 413),
        (b"a=" + b"x" * MAX_FORM, coded, 413),
        (b"id=\xff", coded, 400),
        (b"id=%ff", coded, 400),
        (b"id=a&id=b", coded, 400),
        (b"&".join(b"a%d=1" % n for n in range(5000)), coded, 413),
        (b'{"id": "x"}', {"Content-Type": "application/json"}, 400),
        (b"", {}, 400),
    ]
    for body, headers, status in bodies:
        answer = await flow.browser.post(address, content=body, headers=headers)
        assert (answer.status_code, "does not work" in answer.text) == (status, True), body[:20]
    for method in ("PUT", "OPTIONS"):
        assert (await flow.browser.request(method, address)).status_code == 405


@pytest.mark.parametrize("path", ["sign-in", "sign-out"])
async def test_who_comes_to_a_form_without_one_is_shown_the_page(here: Here, path: str) -> None:
    """As a browser does that loads the page's address anew; nobody is signed in or out by it."""
    flow, _ = await consent_page(here)
    for prompt, sign_in in ((None, False), ("login", True)):
        answer = await flow.browser.get(f"/oauth/{path}", params=flow.asked(prompt=prompt))
        assert answer.status_code == 303
        assert asks_to_sign_in(await flow.browser.get(answer.headers["location"])) == sign_in


# Pages

HOSTILE = [
    '"><script>alert(1)</script>',
    "'onload='x",
    "{{7777*7777}}",
    "\\",
    "й\u202e",
    "\r\nX-Evil: 1",
    "\x00",
    "x" * 5000,
]


@pytest.mark.parametrize("value", HOSTILE)
async def test_nothing_that_is_sent_gets_into_a_page_as_markup(here: Here, value: str) -> None:
    """Whatever the parameter, whoever is signed in; and none of it is a fault of ours."""
    signed, _ = await consent_page(here)
    names = [
        *signed.asked(),
        "scope",
        "purpose",
        "prompt",
        "response_mode",
        "authorization_details",
        "resource",
        "x",
    ]
    for browser in (here.browser(), signed.browser):
        for name in names:
            flow = Flow(browser)
            answer = await flow.begin(**{name: value})
            assert answer.status_code in (200, 303, 400), name
            assert "<script" not in answer.text
            assert value not in answer.text or value.isalnum()
            assert "x-evil" not in answer.headers
    flow = Flow(here.browser())
    answer = await flow.submit(await flow.begin(x=value), "sign-in", id=value, password=value)
    assert answer.status_code == 403
    assert "<script" not in answer.text
    assert "60481729" not in answer.text.partition("<h1>")[2].partition("proof")[0]


async def test_the_pages_let_nothing_in_and_are_kept_nowhere(here: Here) -> None:
    """No script, no frame, no cache; a form leads to us, and by the redirect to the application."""
    flow = Flow(here.browser())
    first = await flow.begin()
    consent = await flow.sign_in(first)
    problem = await flow.begin(client_id="nobody")
    for page, target in ((first, " https://shop.example"), (consent, " https://shop.example"), (problem, "")):
        assert page.headers["content-security-policy"] == (
            "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
            f"form-action 'self'{target}"
        )
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "<script" not in page.text
        assert "style=" not in page.text
    page = await Flow(here.browser(), "desk", "http://127.0.0.1:5000/callback").begin()
    assert page.headers["content-security-policy"].endswith("form-action 'self' http://127.0.0.1:5000")


async def test_every_field_has_its_label(here: Here) -> None:
    page = await Flow(here.browser()).begin()
    for name in form_of(page, "sign-in")["asked"]:
        assert f'<label for="{name}">' in page.text
        assert f'<input id="{name}"' in page.text
    assert '<html lang="en">' in page.text


async def test_the_style_is_served(here: Here) -> None:
    page = await Flow(here.browser()).begin()
    assert '<link rel="stylesheet" href="/oauth/page.css">' in page.text
    style = await here.browser().get("/oauth/page.css")
    assert style.headers["content-type"].startswith("text/css")
    assert "prefers-color-scheme" in style.text or "light-dark(" in style.text


async def test_while_the_database_is_held_a_page_says_to_try_again(here: Here) -> None:
    """After ten seconds, and what was shown before is still good then."""
    flow, page = await consent_page(here)
    with closing(sqlite3.connect(here.settings.database)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = await flow.submit(page, "authorize", decision="allow")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "busy" in answer.text
    assert "code" in sent(await flow.submit(page, "authorize", decision="allow"))


# What is told


async def test_no_password_cookie_code_or_token_is_in_the_log_or_the_database(
    here: Here, caplog: pytest.LogCaptureFixture
) -> None:
    """A20: even at DEBUG, and hashes alone are kept."""
    caplog.set_level(logging.DEBUG)
    flow = Flow(here.browser())
    page = await flow.begin()
    before = flow.browser.cookies[COOKIE]
    await flow.submit(page, "sign-in", id=LI, password="canary of a wrong password")
    page = await flow.sign_in(page)
    code = sent(await flow.submit(page, "authorize", decision="allow"))["code"]
    found = (await flow.exchange(code)).json()
    again = (await flow.refresh(found["refresh_token"])).json()
    secrets = [
        PASSWORD,
        "canary of a wrong password",
        before,
        flow.browser.cookies[COOKIE],
        code,
        flow.verifier,
    ]
    secrets += [each[name] for each in (found, again) for name in ("access_token", "refresh_token")]
    # The test's own HTTP client tells the addresses that it asks, and what it is answered.
    records = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    said = "".join(record.getMessage() + str(vars(record)) for record in records)
    assert "SELECT" in said, "the capture does not work"
    kept = b"".join(path.read_bytes() for path in here.settings.state.glob("gateway.db*"))
    for secret in secrets:
        assert secret not in said
        assert secret.encode() not in kept
