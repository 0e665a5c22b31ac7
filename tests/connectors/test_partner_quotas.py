"""What partners hold callers to, as their connectors declare it: kept to before the partner has to say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.alibaba.calls import call
from connectors.mailru.mytarget import read
from gateway.connector import Kind, PartnerError, Upstream
from gateway.errors import SettingsError
from gateway.upstream.partners import Declared, Partners
from tests.connectors.test_alibaba_tokens import METHOD, PAGE
from tests.partners import FOLDERS, books, keys_of, served

__all__ = ["books"]

SEGMENTS = "/api/v2/remarketing/segments.json"
CAMPAIGNS = "/api/v2/campaigns.json"


class Rationed:
    """A partner whose answers say that there are so many calls a day, and what is left of them."""

    def __init__(self, app: ASGIApp, daily: int) -> None:
        self.app = app
        self.daily = daily
        self.calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with a header for each of both."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                left = {"limit": self.daily, "remaining": max(self.daily - self.calls, 0)}
                told = [(f"x-ratelimit-daily-{name}".encode(), b"%d" % value) for name, value in left.items()]
                message["headers"] = [*message["headers"], *told]
            await send(message)

        if scope["type"] == "http" and "oauth2" not in scope["path"]:
            self.calls += 1
        await self.app(scope, receive, sending)


def way(name: str, url: str, state: Path | None = None, **settings: str) -> Upstream:
    """The way to a partner, by its terms."""
    terms = FOLDERS[name].terms
    return Upstream(name, {**KEYS[name], **settings, "url": url}, terms, state)


KEYS = {name: keys_of(FOLDERS[name]) for name in ("alibaba", "mailru") if name in FOLDERS}


def stand_in(name: str, folder: Path) -> Any:
    """A partner's sandbox, which knows our keys."""
    sandbox = FOLDERS[name].sandbox
    assert sandbox is not None
    return sandbox(folder, KEYS[name])


async def test_a_days_calls_of_an_application_are_not_exceeded(books: Path, tmp_path: Path) -> None:
    """AliExpress's are the operator's to say; they are one number for all workers, to midnight in Beijing."""
    app = Rationed(stand_in("alibaba", books), 99)
    async with (
        served(app) as url,
        way("alibaba", url, tmp_path, calls_per_day="4") as one,
        way("alibaba", url, tmp_path, calls_per_day="4") as other,
    ):
        for upstream in (one, other, one):
            assert (await call(upstream, METHOD, PAGE))["result"]["success"]
        with pytest.raises(PartnerError) as caught:
            await call(other, METHOD, PAGE)
    assert (caught.value.kind, caught.value.code) == (Kind.THROTTLED, "QUOTA")
    assert 0 < (caught.value.retry_after or 0) <= 86_400
    assert app.calls == 3, "the fourth is live fields'"


async def test_without_a_number_all_calls_go_out(books: Path) -> None:
    """An application's own number is not for the gateway to guess."""
    app = Rationed(stand_in("alibaba", books), 2)
    async with served(app) as url, way("alibaba", url) as upstream:
        for _ in range(4):
            await call(upstream, METHOD, PAGE)
    assert app.calls == 4


async def test_limits_are_learnt_from_answers(books: Path) -> None:
    """myTarget's headers say how many calls there are: no call is made that it would have to refuse."""
    app = Rationed(stand_in("mailru", books), 4)
    async with served(app) as url, way("mailru", url) as upstream:
        for _ in range(4):
            await read(upstream, SEGMENTS)
        with pytest.raises(PartnerError) as caught:
            await read(upstream, SEGMENTS)
        assert (caught.value.kind, caught.value.code) == (Kind.THROTTLED, "QUOTA")
        await read(upstream, CAMPAIGNS)
    assert app.calls == 5, "what is about something else is counted apart"


def test_a_number_of_calls_that_is_none_stops_the_start(tmp_path: Path) -> None:
    """Rather than the first call."""
    declared = [Declared("alibaba", FOLDERS["alibaba"].terms)]
    with pytest.raises(SettingsError, match="calls_per_day"):
        Partners(declared, {"alibaba": {"calls_per_day": "many"}}, tmp_path)
