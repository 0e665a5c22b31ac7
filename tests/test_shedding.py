"""Shedding: who was turned away is refused at once, whatever else the request says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import httpx
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from gateway.admission.admission import Admission
from gateway.admission.tickets import TICKET
from gateway.admission.turns import overloaded
from gateway.endpoint.shedding import Shedding


class Behind:
    """What stands behind it: turns all away who have a token, and counts those that come so far."""

    def __init__(self) -> None:
        self.reached = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self.reached += 1
        if any(name == b"authorization" for name, _ in scope["headers"]):
            scope[TICKET] = SimpleNamespace(turned_away=True, application="flood")
        await PlainTextResponse("behind")(scope, receive, send)


async def asked(behind: Behind, *requests: dict[str, str], method: str = "POST") -> list[httpx.Response]:
    """What requests with these headers are answered, one after another."""
    admission = cast("Any", SimpleNamespace(refusal=lambda application: overloaded()))
    transport = httpx.ASGITransport(Shedding(behind, cast("Admission", admission)))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return [await client.request(method, "/graphql", headers=each) for each in requests]


FLOOD = {"authorization": "Bearer flood"}


async def test_what_is_accepted_does_not_make_another_caller_of_it() -> None:
    """Else a flood that accepts something else each time would be known by none of it, and be kept in memory too."""
    behind = Behind()
    accepts = [f"application/json;q=0.{number}" for number in range(1, 9)] + ["nonsense", "text/event-stream"]
    first, *others = await asked(behind, FLOOD, *({**FLOOD, "accept": each} for each in accepts))
    assert first.text == "behind"
    assert [each.status_code for each in others] == [503] * len(accepts)
    assert {each.headers["content-type"] for each in others} == {"application/json; charset=utf-8"}
    assert behind.reached == 1


async def test_a_refusal_is_in_the_form_that_is_accepted() -> None:
    kind = "application/graphql-response+json"
    _, answer = await asked(Behind(), FLOOD, {**FLOOD, "accept": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (503, f"{kind}; charset=utf-8")


async def test_others_are_not_shed_and_neither_is_the_page() -> None:
    others: list[dict[str, str]] = [{"authorization": "Bearer other"}, {}, {**FLOOD, "accept": "text/html"}]
    answers = await asked(Behind(), FLOOD, *others, method="GET")
    assert [each.status_code for each in answers] == [200] * 4
