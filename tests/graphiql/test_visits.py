"""A person of each party at GraphiQL, in Chromium, against a gateway on a socket."""

from __future__ import annotations

import re

import httpx
import pytest

from gateway.settings import Settings
from tests.graphiql.browser import Visit
from tests.graphiql.conftest import Visiting
from tests.graphiql.served import PASSWORD, PEOPLE

CALLER = "{ caller { party application purpose scopes } }"

SHARED = {"Shared", "Parcels", "Pulls", "ALIBABA", "MAILRU", "CBR"}

LIBRARY = {
    "ALIBABA": ("Clients in Moscow who bought in December, from everybody", SHARED | {"BANK"}),
    "MAILRU": ("What clients paid on AliExpress in all", SHARED),
    "RDIF": ("The fund's books of a quarter", {"Shared", "Pulls", "RDIF", "CBR"}),
}
"""For each party an example that it gets, and whose examples there are for it."""


def signed_in(window: Visit, party: str) -> None:
    """The person of a party signs in."""
    window.open()
    window.sign_in(PEOPLE[party]["id"], PASSWORD)


@pytest.mark.parametrize("party", PEOPLE)
def test_a_person_signs_in_asks_and_signs_out(visit: Visiting, served: Settings, party: str) -> None:
    """The bar says who it is all the while; what the sign-in brought is good for nothing once it is signed out."""
    person = PEOPLE[party]
    with visit() as window:
        with window.page.expect_response("**/oauth/token") as given:
            signed_in(window, party)
        shown = window.page.locator(".bar .caller").inner_text()
        assert all(each in shown for each in (person["id"], party, "graphiql", *person["scopes"]))
        window.write(CALLER)
        answer = window.run()
        assert "errors" not in answer, answer
        asked = answer["data"]["caller"]
        assert (asked["party"], asked["application"]) == (party, "graphiql")
        assert sorted(asked["scopes"]) == sorted(person["scopes"])

        title, groups = LIBRARY[party]
        assert set(window.page.locator(".examples h3").all_inner_texts()) == groups
        window.page.get_by_role("button", name=title).click()
        assert "errors" not in window.run()

        refresh = given.value.json()["refresh_token"]
        window.sign_out()
        assert "Sign in" in window.run()["errors"][0]["message"]
        again = {"grant_type": "refresh_token", "client_id": "graphiql", "refresh_token": refresh}
        assert httpx.post(f"{served.issuer}/token", data=again).json()["error"] == "invalid_grant"


FOREIGN = "{ caller { party } clients { totalCount nodes { region } } }"


def test_a_refused_field_is_explained(visit: Visiting) -> None:
    """From under the answer that lacks it: which field, by which rule, and what scope the token lacks."""
    with visit() as window:
        signed_in(window, "RDIF")
        window.write(FOREIGN)
        [error] = window.run()["errors"]
        assert error["extensions"]["code"] == "UNAUTHORIZED_FIELD_OR_TYPE"
        window.page.get_by_text("One thing was refused").wait_for()
        window.page.get_by_role("button", name="Explain why").click()
        refused = window.page.locator(".access .refused li").inner_text()
        assert all(each in refused for each in ("clients", "@requiresScopes", "Missing: clients:read"))
        assert (
            "It would run in part: one thing is refused"
            in window.page.locator(".access .verdict").inner_text()
        )


def test_an_operation_is_explained_before_it_is_run(visit: Visiting) -> None:
    """What it costs, what may be asked for and by which rule; and, where it cannot run, why."""
    with visit() as window:
        signed_in(window, "ALIBABA")
        window.page.get_by_role("button", name="Clients in Moscow").click()
        window.page.get_by_role("button", name="Explain access").click()
        window.page.get_by_text("All of it may be asked for").wait_for()
        panel = window.page.locator(".access")
        assert "Estimated cost" in panel.inner_text()
        panel.get_by_text(re.compile(r"^\d+ fields$")).click()
        panel.get_by_text("clients › nodes › profile › name").wait_for()
        window.write("{ caller { party } ")
        panel.get_by_role("button", name="Explain the operation").click()
        panel.get_by_text("It would not be run").wait_for()
        assert "Syntax Error" in panel.inner_text()


def test_what_one_asked_is_in_ones_history_and_in_nobody_elses(visit: Visiting) -> None:
    """Of two people at the same browser, where signing in takes a password each time; no header is kept of either."""
    with visit() as window:
        signed_in(window, "ALIBABA")
        window.write("query Mine { caller { party } }")
        window.run()
        window.page.get_by_role("button", name="History").click()
        window.page.locator(".graphiql-history").get_by_text("Mine").wait_for()
        window.sign_out()

        signed_in(window, "RDIF")
        window.page.get_by_role("button", name="History").click()
        window.page.locator(".graphiql-history-header").wait_for()
        assert window.page.locator(".graphiql-history-item").count() == 0
        assert "Mine" not in window.page.locator(".graphiql-tabs").inner_text()
        assert "authorization" not in window.page.evaluate("JSON.stringify(localStorage)").lower()


def test_the_editor_knows_the_callers_own_schema(visit: Visiting) -> None:
    """It completes what the person may ask for and nothing else, and what it writes looks as it should."""
    with visit() as window:
        signed_in(window, "RDIF")
        window.write("{ caller { party }\n  \n}")
        window.page.locator(".graphiql-query-editor .view-line").nth(1).click()
        window.page.keyboard.press("Control+Space")
        offered = window.page.locator(".suggest-widget .monaco-list-row")
        offered.first.wait_for()
        names = " ".join(offered.all_inner_texts())
        assert "fundReport" in names
        assert "clients" not in names
        window.page.keyboard.press("Escape")
        tops = window.page.evaluate(
            "[...document.querySelectorAll('.graphiql-query-editor .view-line')].map((line) => line.style.top)"
        )
        assert len(set(tops)) == len(tops) == 3
        assert window.page.locator("[data-editor-style]").count() == 0
        window.page.get_by_role("button", name="GraphiQL Explorer").click()
        window.page.locator(".graphiql-plugin").get_by_text("fundReport").wait_for()
        assert window.page.locator(".graphiql-plugin").get_by_text("clients").count() == 0
        window.page.get_by_role("button", name="Documentation Explorer").click()
        window.page.locator(".graphiql-doc-explorer").get_by_text("Query", exact=True).click()
        window.page.locator(".graphiql-doc-explorer").get_by_text("fundReport", exact=True).wait_for()


def test_the_editors_tools_keep_to_the_policy(visit: Visiting) -> None:
    """What it opens over the page adds styles of its own; and what it tidies is tidy."""
    with visit() as window:
        signed_in(window, "ALIBABA")
        page, lines = window.page, window.page.locator(".graphiql-query-editor .view-line")
        window.write("{caller{party}}", '{"a":1}')
        page.get_by_role("button", name="Prettify").click()
        window.until("operation.graphql", "{\n  caller {\n    party\n  }\n}")
        window.until("variables.json", '{\n  "a": 1\n}')
        lines.nth(1).hover(position={"x": 30, "y": 5})
        page.locator(".monaco-hover").get_by_text("Who the gateway takes the caller for").wait_for()
        lines.nth(1).click(button="right", position={"x": 30, "y": 5})
        page.get_by_text("Command Palette").wait_for()
        page.keyboard.press("Escape")
        page.locator(".graphiql-query-editor textarea").first.focus()
        page.keyboard.press("F1")
        page.locator(".quick-input-widget .monaco-list-row").first.wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Open settings").click()
        page.get_by_role("button", name="Dark").click()
        assert "graphiql-dark" in page.locator("body").get_attribute("class")


def test_signing_in_and_out_takes_no_mouse(visit: Visiting) -> None:
    """The fields come in the order they are read, each with a name, and the focus can be seen."""
    with visit() as window:
        window.open()
        page, person = window.page, PEOPLE["MAILRU"]
        page.wait_for_selector(".graphiql-container")
        focused = "document.activeElement.name || document.activeElement.textContent.trim()"
        page.evaluate("document.body.tabIndex = -1; document.body.focus()")
        reached = []
        for _ in range(4):
            page.keyboard.press("Tab")
            reached.append(page.evaluate(focused))
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        assert reached == ["scope", "purpose", "Sign in", "As an application"]
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector("[name=password]")
        page.keyboard.type(person["id"])
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Allow", exact=True).focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(".bar[data-state=caller]")
        page.keyboard.press("Tab")
        assert page.evaluate(focused) == "Sign out"
        page.keyboard.press("Enter")
        page.wait_for_selector(".bar[data-state=person]")


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_it_is_light_or_dark_as_the_person_likes(visit: Visiting, scheme: str, dark: bool) -> None:
    """In a narrow window too, in which nothing stands beyond the edge."""
    with visit(color_scheme=scheme, viewport={"width": 400, "height": 800}) as window:
        signed_in(window, "ALIBABA")
        window.page.wait_for_selector(".graphiql-query-editor .view-line")
        for place in (".bar", ".graphiql-container", ".graphiql-query-editor .monaco-editor"):
            found = window.page.locator(place).first.evaluate(BRIGHTNESS)
            assert (found < 0.5) == dark, place
        assert window.page.evaluate("document.documentElement.scrollWidth") <= 400


BRIGHTNESS = """(element) => {
  for (; element; element = element.parentElement) {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.fillStyle = getComputedStyle(element).backgroundColor;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    if (alpha > 127) return (red + green + blue) / 765;
  }
  return 1;
}"""


def test_what_goes_against_the_policy_would_be_noticed(visit: Visiting) -> None:
    """The watch over all these visits sees styles in HTML, scripts in it, and another host that is asked."""
    with visit() as window:
        window.open()
        window.page.wait_for_selector(".graphiql-container")
        window.check()
        window.page.evaluate(
            """() => {
              document.body.insertAdjacentHTML("beforeend", '<p style="color: red" data-try></p>');
              document.body.append(Object.assign(document.createElement("script"), { text: "1" }));
              return fetch("https://elsewhere.example/").catch(() => {});
            }"""
        )
        window.page.wait_for_function("document.querySelector('[data-try]')")
        noticed = " ".join(window.complaints)
        assert all(
            f"policy: {each}" in noticed for each in ("style-src-attr", "script-src-elem", "connect-src")
        )
        window.complaints.clear()
        window.asked[:] = [url for url in window.asked if "elsewhere" not in url]
