"""Persisted documents over WebSockets and server-sent events: named as over HTTP, and held to in the same way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.subscribers import CHANGED, PATIENCE, Station, errors, shared
from tests.trusted import registered

__all__ = ["shared"]

ORDER = "AlibabaOrder:ADA"
PARTY = "{ caller { party } }"
DOCUMENTS = {"changed": CHANGED, "party": PARTY}
TRANSPORTS = ["socket", "stream"]


async def first(station: Station, transport: str, application: str, payload: Any) -> Any:
    """What comes first of an operation: its first result, or the errors for which it has none."""
    if transport == "socket":
        async with station.talk(application=application) as socket:
            await socket.say("subscribe", id="1", payload=payload)
            message = await socket.hear()
            return message["payload"] if message["type"] == "next" else {"errors": message["payload"]}
    token = station.token(application=application)
    async with station.stream(**{"query": None, **payload}, token=token) as events:
        if events.response.status_code != 200:
            await events.response.aread()
            return events.response.json()
        return await events.next()


async def settled(station: Station, application: str, only: bool) -> None:
    """The application with its documents, as every worker knows it by now."""
    await asyncio.to_thread(registered, station.settings, application, DOCUMENTS, only)
    async with asyncio.timeout(PATIENCE):
        while "data" not in await first(  # noqa: ASYNC110 - another thread learns of it, and tells nobody
            station, "stream", application, {"documentId": "party"}
        ):
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_who_may_run_trusted_documents_only_runs_no_other(shared: Station, transport: str) -> None:
    """A subscription or a query, by its text; by its id only where that is registered."""
    await settled(shared, "kiosk", only=True)
    for payload, code in (
        ({"query": f"{CHANGED} "}, "QUERY_NOT_IN_SAFELIST"),
        ({"query": "{ __typename }"}, "QUERY_NOT_IN_SAFELIST"),
        ({"query": "{"}, "QUERY_NOT_IN_SAFELIST"),
        ({"documentId": "other"}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"documentId": "party", "query": PARTY}, "CANNOT_SEND_PQ_ID_AND_BODY"),
    ):
        assert errors(await first(shared, transport, "kiosk", payload)) == [code]
    for payload in ({"documentId": "party"}, {"query": PARTY}, {"query": "", "documentId": "party"}):
        found = await first(shared, transport, "kiosk", payload)
        assert found["data"] == {"caller": {"party": "ALIBABA"}}


async def test_a_subscription_may_be_named(shared: Station) -> None:
    """And goes on for as long as any."""
    await settled(shared, "kiosk", only=True)
    token = shared.token(application="kiosk")
    async with shared.stream(None, token, documentId="changed") as events:  # type: ignore[arg-type]
        await events.heard(ORDER)
        word = shared.change(ORDER)
        await events.until(ORDER, word)


async def test_a_subscription_that_goes_on_is_held_to_what_changes(shared: Station) -> None:
    """From two seconds after its application may run its documents only, it is told of nothing more."""
    await settled(shared, "changing", only=False)
    text = "subscription { orderChanged { id statusRaw party } }"
    async with shared.stream(text, shared.token(application="changing")) as events:
        await events.heard(ORDER)
        await settled(shared, "changing", only=True)
        async with asyncio.timeout(PATIENCE):
            shared.change(ORDER)
            while "errors" not in (found := await events.next()):
                shared.change(ORDER)
        assert found["data"] is None
        assert errors(found) == ["QUERY_NOT_IN_SAFELIST"]
