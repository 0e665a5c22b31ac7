"""Chromium: a person at the page, and what the page must never do while the person is there."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium")

WATCH = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser, without a window. Skips where there is none."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    # As root, as in a container, its sandbox cannot work.
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as api:
        browser = api.chromium.launch(executable_path=CHROMIUM, args=alone)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """A person's window with GraphiQL in it."""

    origin: str
    page: Any = field(repr=False)
    asked: list[str] = field(default_factory=list)
    """Every address that was asked for."""
    complaints: list[str] = field(default_factory=list)
    """What the page complained of on its console."""

    def watch(self) -> None:
        """Note what the page asks for and what it complains of, from now on."""
        self.page.add_init_script(WATCH)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", self._listen)
        self.page.on("pageerror", self._note)

    def _note(self, error: Any) -> None:
        # What the editor (Monaco) was still about when its page was left, it ends with an exception of this name.
        if str(error) != "Canceled":
            self.complaints.append(str(error))

    def _listen(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def check(self) -> None:
        """No other host was asked, and nothing went against the policy or failed."""
        assert self.complaints == []
        assert [url for url in self.asked if not url.startswith((f"{self.origin}/", "data:"))] == []

    def forgive(self, *words: str) -> None:
        """Let pass what the browser notes by itself of an answer that the test has wanted."""
        self.complaints[:] = [each for each in self.complaints if not any(word in each for word in words)]

    def open(self) -> None:
        """Go to GraphiQL."""
        self.page.goto(f"{self.origin}/graphql")

    def write(self, document: str, variables: str = "") -> None:
        """Put an operation into the editor of the tab that is open."""
        self.page.wait_for_selector(".graphiql-query-editor .view-line")
        self.page.evaluate(
            """([document, variables]) => {
              const models = globalThis.__MONACO.editor.getModels();
              const put = (name, text) => models.findLast(({ uri }) => uri.path.endsWith(name)).setValue(text);
              put("variables.json", variables);
              put("operation.graphql", document);
            }""",
            [document, variables],
        )

    def run(self) -> Any:
        """Run the operation in the editor by the key for it; its answer."""
        self.page.locator(".graphiql-query-editor textarea").first.focus()
        self.page.keyboard.press("Control+Enter")
        return self.answer()

    def until(self, editor: str, holds: str) -> str:
        """The text of an editor, by the name of its file, as soon as it holds this."""
        found = self.page.wait_for_function(
            """([name, holds]) => {
              const models = globalThis.__MONACO.editor.getModels();
              const text = models.findLast(({ uri }) => uri.path.endsWith(name)).getValue();
              return text.includes(holds) && { text };
            }""",
            arg=[editor, holds],
        )
        return str(found.json_value()["text"])

    def answer(self, holds: str = "{") -> Any:
        """The answer that is shown, as soon as it holds this."""
        return json.loads(self.until("response.json", holds))

    def entered(self) -> None:
        """Wait until GraphiQL is there for whoever is signed in."""
        self.page.wait_for_selector(".bar[data-state=caller]")
        self.page.get_by_role("button", name="Examples").wait_for()

    def sign_out(self) -> None:
        """Sign out; the page has forgotten the person."""
        self.page.get_by_role("button", name="Sign out").click()
        self.page.wait_for_selector(".bar[data-state=person]")

    def sign_in(self, person: str, password: str) -> None:
        """Sign in as a person, and let GraphiQL ask in the person's name."""
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.fill("[name=id]", person)
        self.page.fill("[name=password]", password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("button", name="Allow", exact=True).click()
        self.entered()


@contextmanager
def visiting(browser: Any, origin: str, **options: Any) -> Iterator[Visit]:
    """A window of its own, which remembers nobody; when it is closed, it must have kept to the rules."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    context.set_default_timeout(60_000)
    try:
        visit = Visit(origin, context.new_page())
        visit.watch()
        yield visit
        visit.check()
    finally:
        context.close()
