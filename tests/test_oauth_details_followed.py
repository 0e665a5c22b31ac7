"""Details through the code flow: what a person let an application have is the most that any later token is for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ORIGIN, Gateway, start
from tests.exchange import detail, refused
from tests.people import Flow, browser, claims, settle
from tests.questions import ORDER_COUNTS, node
from tests.world import speaking_world

INVALID = "invalid_authorization_details"
BOTH = [detail("ALIBABA", "accounts", "orders"), detail("MAILRU", "accounts")]
COUNTED = {"ADA at ALIBABA": 1, "BORIS at ALIBABA": 1, "DINA at ALIBABA": 1, "ILYA at ALIBABA": 1}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway over everybody's rows, with applications and people."""
    async for gateway in start(tmp_path, speaking_world()):
        async with gateway.writing() as connection:
            await settle(connection)
        yield gateway


def asking(*details: Any) -> dict[str, str]:
    """The parameter."""
    return {"authorization_details": json.dumps(details)}


def told(token: str) -> list[tuple[str, list[str], str]]:
    """What a token was narrowed to."""
    return [
        (each["party"], each["datasets"], each["purpose"]) for each in claims(token)["authorization_details"]
    ]


async def read(gateway: Gateway, token: str, question: Any) -> Any:
    """What the bearer is told."""
    answer = (await gateway.post({"query": question.document}, token)).json()
    assert "errors" not in answer
    return question.read(answer["data"])


async def test_every_token_of_the_consent_is_for_what_was_consented_to(here: Gateway) -> None:
    """The first and those that follow; it is in the answers and in the rows."""
    async with browser(here) as window:
        flow = Flow(window)
        found = await flow.tokens(**asking(*BOTH))
        refreshed = (await flow.refresh(found["refresh_token"])).json()
    for each in (found, refreshed):
        expected = [("ALIBABA", ["accounts", "orders"], "analytics"), ("MAILRU", ["accounts"], "analytics")]
        assert told(each["access_token"]) == expected
        assert each["authorization_details"] == claims(each["access_token"])["authorization_details"]
        assert await read(here, each["access_token"], ORDER_COUNTS) == COUNTED
        assert await read(here, each["access_token"], node("PandaoOrder:CLARA")) is None


async def test_a_token_that_follows_may_be_for_less_and_takes_nothing_from_the_next(here: Gateway) -> None:
    """RFC 9396, 6.1 and 7: by the code already, or by a refresh; the consent stays what it was."""
    less = asking(detail("ALIBABA", "orders"))
    async with browser(here) as window:
        flow = Flow(window)
        found = (await flow.exchange(await flow.code(**asking(*BOTH)), **less)).json()
        again = (await flow.refresh(found["refresh_token"], **less)).json()
        whole = (await flow.refresh(again.get("refresh_token", found["refresh_token"]))).json()
    for each in (found, again):
        assert told(each["access_token"]) == [("ALIBABA", ["orders"], "analytics")]
        assert await read(here, each["access_token"], node("AlibabaOrder:ADA")) == "AlibabaOrder"
        assert await read(here, each["access_token"], ORDER_COUNTS) == {}
    assert len(told(whole["access_token"])) == 2


@pytest.mark.parametrize(
    "more",
    [
        [detail("ALIBABA", "profiles")],
        [*BOTH, detail("ALIBABA", "profiles")],
        [detail("ALIBABA", "orders", purpose="targeted_offers")],
        [detail("MAILRU", "orders")],
    ],
)
async def test_no_token_that_follows_is_for_more(here: Gateway, more: list[Any]) -> None:
    """A13: neither by the code nor by a refresh, and what was refused costs the consent nothing."""
    async with browser(here) as window:
        flow = Flow(window)
        answer = await flow.exchange(await flow.code(**asking(*BOTH)), **asking(*more))
        assert refused(answer, INVALID)
        found = await flow.tokens(**asking(*BOTH))
        assert refused(await flow.refresh(found["refresh_token"], **asking(*more)), INVALID)
        assert (await flow.refresh(found["refresh_token"])).status_code == 200


async def test_a_resource_is_held_to_all_the_way(here: Gateway) -> None:
    """A12: at the authorization endpoint, for the code and for a refresh."""
    right, wrong = {"resource": f"{ORIGIN}/graphql"}, {"resource": f"{ORIGIN}/other"}
    async with browser(here) as window:
        flow = Flow(window)
        answer = await flow.begin(**wrong)
        assert "error=invalid_target" in answer.headers["location"]
        code = await flow.code(**right)
        refused(await flow.exchange(code, **wrong), "invalid_target")
        found = (await flow.exchange(code, **right)).json()
        refused(await flow.refresh(found["refresh_token"], **wrong), "invalid_target")
        assert (await flow.refresh(found["refresh_token"], **right)).status_code == 200
