"""Sessions at GraphiQL, in Chromium: tokens that renew themselves or end, and what is followed over both."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import httpx
import pytest

from gateway.settings import Settings
from tests.graphiql.browser import Visit
from tests.graphiql.conftest import Visiting
from tests.graphiql.served import APPLICATION, PASSWORD, PEOPLE
from tests.people import SECRET

NEARLY = 245_000
"""Milliseconds after which a token of five minutes is renewed, and before it ends."""


def change(served: Settings, statement: str, *values: str) -> None:
    """Write to the gateway's database, as another process does."""
    with closing(sqlite3.connect(served.database, timeout=10)) as database, database:
        assert database.execute(statement, values).rowcount >= 1


def signed_in(window: Visit, party: str) -> None:
    """The person of a party signs in; the page's clock can be put forward."""
    window.page.clock.install()
    window.open()
    window.sign_in(PEOPLE[party]["id"], PASSWORD)


def test_a_sign_in_lasts_over_its_tokens_and_ends_in_words(visit: Visiting, served: Settings) -> None:
    """Tokens are renewed before they end, over a reload too; until the operator disables the person."""
    person = PEOPLE["MAILRU"]["id"]
    with visit() as window:
        signed_in(window, "MAILRU")
        with window.page.expect_response("**/oauth/token") as renewed:
            window.page.clock.fast_forward(NEARLY)
        assert renewed.value.status == 200
        with window.page.expect_response("**/oauth/token"):
            window.page.reload()
        window.entered()
        window.write("{ caller { party } }")
        assert window.run()["data"]["caller"]["party"] == "MAILRU"

        change(served, "UPDATE users SET disabled_at = '2026-01-01T00:00:00Z' WHERE id = ?", person)
        try:
            window.page.clock.fast_forward(NEARLY)
            window.page.wait_for_selector(".bar[data-state=person]")
        finally:
            change(served, "UPDATE users SET disabled_at = NULL WHERE id = ?", person)
        notice = window.page.locator(".bar .notice")
        assert notice.inner_text() == "Your sign-in has ended. Sign in again."
        assert notice.get_attribute("data-tone") == "error"
        # The browser itself notes on its console that a token was refused.
        window.forgive("status of 400")


def test_an_application_signs_in_by_its_secret(visit: Visiting) -> None:
    """The other way in; what is wrong with an id or a secret is said in words."""
    with visit() as window:
        window.open()
        window.page.get_by_role("button", name="As an application").click()
        for secret in ("wrong", SECRET):
            window.page.fill("[name=application]", APPLICATION["id"])
            window.page.fill("[name=secret]", secret)
            window.page.get_by_role("button", name="Sign in", exact=True).click()
            if secret == "wrong":
                window.page.get_by_text("No application has this id and secret.").wait_for()
        window.entered()
        caller = window.page.locator(".bar .caller").inner_text()
        assert APPLICATION["id"] in caller
        assert "Person" not in caller
        window.forgive("status of 401")


def test_a_page_that_cannot_be_loaded_says_so(visit: Visiting) -> None:
    """And one may sign in all the same."""
    with visit() as window:
        window.page.route("**/vendor/graphiql.js", lambda route: route.abort())
        window.open()
        window.page.get_by_text("GraphiQL could not be loaded.").wait_for()
        assert window.page.get_by_role("button", name="Sign in", exact=True).is_enabled()
        window.forgive("Failed to load resource")


def test_a_subscription_is_told_of_each_change_until_it_is_stopped(visit: Visiting, served: Settings) -> None:
    """The answers come into the page as they happen; when its token ends before it, it goes on with the next one."""
    with visit() as window:
        with window.page.expect_response("**/oauth/token") as given:
            signed_in(window, "ALIBABA")
        window.page.get_by_role("button", name="Orders, as they come in and change").click()
        window.page.locator(".graphiql-query-editor textarea").first.focus()
        with window.page.expect_response(is_stream):
            window.page.keyboard.press("Control+Enter")
        shown(window, served, "SHIPPED")
        token = {"client_id": "graphiql", "token": given.value.json()["access_token"]}
        with window.page.expect_response(is_stream):
            httpx.post(f"{served.issuer}/revoke", data=token).raise_for_status()
        shown(window, served, "CANCELLED")
        window.page.get_by_role("button", name="Stop").click()
        window.page.get_by_role("button", name="Execute").wait_for()


def is_stream(response: Any) -> bool:
    """Whether a response is a stream of answers."""
    return bool(response.headers.get("content-type", "").startswith("text/event-stream"))


def shown(window: Visit, served: Settings, status: str) -> None:
    """An order gets a status, and the page shows it; again and again, for nobody says when it is listened to."""
    for _ in range(60):
        for each in ("COMPLETED", status):
            change(served, "UPDATE orders SET status = ? WHERE id = 'AlibabaOrder:DINA'", each)
        window.page.wait_for_timeout(1000)
        if status in window.until("response.json", ""):
            break
    assert window.answer()["data"]["orderChanged"]["status"] == status


@pytest.mark.parametrize("party", ["RDIF"])
def test_nobody_is_offered_to_follow_what_it_may_not_see(visit: Visiting, party: str) -> None:
    with visit() as window:
        signed_in(window, party)
        window.page.locator(".examples").wait_for()
        assert window.page.get_by_role("button", name="Orders, as they come in").count() == 0
        window.write("subscription { orderChanged { party } }")
        [error] = window.run()["errors"]
        assert error["extensions"]["code"] == "UNAUTHORIZED_FIELD_OR_TYPE"
