"""The authorization endpoint and its pages: who is asked what, and where the answer goes."""

from __future__ import annotations

import pytest

from tests.conftest import ORIGIN, Gateway
from tests.people import CALLBACK, LI, Flow, claims, sent, settle


@pytest.fixture
async def at(gateway: Gateway) -> Gateway:
    async with gateway.writing() as connection:
        await settle(connection)
    return gateway


async def test_a_person_signs_in_allows_and_the_application_gets_tokens(at: Gateway) -> None:
    flow = Flow(at.client)
    page = await flow.begin()
    assert page.status_code == 200
    page = await flow.sign_in(page)
    assert page.status_code == 200, page.text
    answer = await flow.submit(page, "authorize", decision="allow")
    found = sent(answer)
    assert answer.headers["location"].startswith(CALLBACK + "?")
    assert found.keys() == {"code", "state", "iss"}
    assert (found["state"], found["iss"]) == (flow.state, f"{ORIGIN}/oauth")
    token = (await flow.exchange(found["code"])).json()
    assert token["scope"] == "alibaba:read clients:read"
    said = claims(token["access_token"])
    assert (said["sub"], said["client_id"], said["party"], said["purpose"]) == (
        LI,
        "shop",
        "ALIBABA",
        "analytics",
    )
    answer = await at.post({"query": "{ caller { party application } }"}, token["access_token"])
    assert answer.json()["data"]["caller"] == {"party": "ALIBABA", "application": "shop"}
    again = (await flow.refresh(token["refresh_token"])).json()
    assert again["scope"] == token["scope"]
    assert again["refresh_token"] != token["refresh_token"]
