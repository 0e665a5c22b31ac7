"""A person at a browser: follows where it is sent, signs in, and answers what it is asked."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

from tests.peers.served import CALLBACK, PASSWORD, PERSON


class Page(HTMLParser):
    """The forms of a page: where each goes, and what it holds before anybody fills it in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take in a form, and a part of one."""
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((found["action"], {}))
        if tag in ("input", "button") and "name" in found:
            self.forms[-1][1][found["name"]] = found.get("value", "")


def visit(browser: httpx.Client, address: str, decision: str = "allow") -> str:
    """Go where an application sends the browser; the address by which it comes back to the application."""
    answer = browser.get(address)
    for _ in range(8):
        if answer.is_redirect:
            target = urljoin(str(answer.url), answer.headers["location"])
            if target.startswith(CALLBACK):
                return target
            answer = browser.get(target)
        else:
            answer = _filled(browser, answer, decision)
    raise AssertionError("the browser is sent round in circles")


def _filled(browser: httpx.Client, page: httpx.Response, decision: str) -> httpx.Response:
    assert page.status_code == 200, page.text
    for action, fields in Page(page.text).forms:
        if "password" in fields:
            filled = {**fields, "id": PERSON, "password": PASSWORD}
            return browser.post(urljoin(str(page.url), action), data=filled)
        if "decision" in fields:
            return browser.post(urljoin(str(page.url), action), data={**fields, "decision": decision})
    raise AssertionError(page.text)
