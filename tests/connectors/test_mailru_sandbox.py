"""Mail.ru Group's sandbox is as strict as the real ones: tokens, limits, envelopes, errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.mailru import connector
from connectors.mailru.sandbox import furnish, sandbox
from tests.connectors.test_mailru_world import KEYS, SmallWorld, folder

__all__ = ["folder"]


@pytest.fixture
async def http(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = sandbox(folder, KEYS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://pandao") as client:
        yield client


def ask(**query: Any) -> dict[str, Any]:
    return {"access_token": KEYS["access_token"], **query}


async def test_every_value_of_an_order_is_a_string(http: httpx.AsyncClient) -> None:
    envelope = (await http.get("/api/v2/order/multi-get", params=ask(limit=500))).json()
    assert envelope["code"] == 0
    for record in envelope["data"]:
        order = record["Order"]
        detail, refunds = order.pop("ShippingDetail"), order.pop("refunds")
        assert bool(refunds) >= (order["state"] == "REFUNDED")
        within = [value for refund in refunds for value in refund.values()]
        assert all(isinstance(value, str) for value in [*order.values(), *detail.values(), *within])
        assert len(order["order_id"]) == 24
        assert order["tracking_confirmed"] in ("True", "False")
    assert len({record["Order"]["order_id"] for record in envelope["data"]}) == 500


async def test_state_follows_from_age(http: httpx.AsyncClient) -> None:
    envelope = (await http.get("/api/v2/order/multi-get", params=ask(since="2017-11-01", limit=500))).json()
    states: dict[str, set[int]] = {}
    for record in envelope["data"]:
        order = record["Order"]
        age = (SmallWorld.last - datetime.fromisoformat(order["order_time"] + "+00:00")).days
        states.setdefault(order["state"] + order["tracking_confirmed"], set()).add(age)
    assert max(states["APPROVEDFalse"]) <= 3
    assert min(states["SHIPPEDFalse"]) >= 3
    assert max(states["SHIPPEDFalse"]) <= 14
    assert min(states["SHIPPEDTrue"]) >= 14


async def test_paging_holds_the_token_and_stops_at_the_end(http: httpx.AsyncClient) -> None:
    paging = (await http.get("/api/v2/order/multi-get", params=ask(limit=500, start=500))).json()["paging"]
    assert httpx.URL(paging["next"]).params["start"] == "1000"
    assert httpx.URL(paging["next"]).params["access_token"] == KEYS["access_token"]
    assert httpx.URL(paging["previous"]).params["start"] == "0"
    answer = await http.get("/api/v2/user/multi-get", params=ask(limit=500))
    assert answer.json()["paging"] == {}


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "501"},
        {"start": "-1"},
        {"limit": "ten"},
        {"since": "01.03.2017"},
        {"start": "9" * 5000},
    ],
)
async def test_a_bad_parameter_is_an_error_in_the_envelope(
    http: httpx.AsyncClient, query: dict[str, str]
) -> None:
    answer = await http.get("/api/v2/order/multi-get", params=ask(**query))
    assert answer.status_code == 200
    assert answer.json()["code"] == 1000
    assert answer.json()["data"] == []


async def test_fifty_are_given_to_those_who_do_not_say(http: httpx.AsyncClient) -> None:
    assert len((await http.get("/api/v2/order/multi-get", params=ask())).json()["data"]) == 50


@pytest.mark.parametrize("token", [None, "", "another"])
async def test_another_token_is_refused(http: httpx.AsyncClient, token: str | None) -> None:
    answer = await http.get(
        "/api/v2/user/multi-get", params={"access_token": token} if token is not None else {}
    )
    assert answer.status_code == 400
    assert answer.json()["code"] != 0


async def token(http: httpx.AsyncClient, **form: str) -> httpx.Response:
    client = {"client_id": KEYS["client_id"], "client_secret": KEYS["client_secret"]}
    return await http.post(
        "/api/v2/oauth2/token.json", data={"grant_type": "client_credentials", **client, **form}
    )


async def test_a_sixth_token_is_refused_and_deleting_makes_room(http: httpx.AsyncClient) -> None:
    for _ in range(5):
        assert (await token(http)).status_code == 200
    refused = await token(http)
    assert refused.status_code == 403
    assert "limit reached" in refused.text
    client = {"client_id": KEYS["client_id"], "client_secret": KEYS["client_secret"]}
    assert (await http.post("/api/v2/oauth2/token/delete.json", data=client)).status_code == 204
    assert (await token(http)).status_code == 200


async def test_a_refresh_replaces_the_token_and_makes_no_further_one(http: httpx.AsyncClient) -> None:
    old = (await token(http)).json()
    for _ in range(6):
        new = (await token(http, grant_type="refresh_token", refresh_token=old["refresh_token"])).json()
    assert new["refresh_token"] == old["refresh_token"]
    for access, status in ((old["access_token"], 401), (new["access_token"], 200)):
        headers = {"Authorization": f"Bearer {access}"}
        answer = await http.get("/api/v2/remarketing/segments.json", headers=headers)
        assert answer.status_code == status


async def test_the_answer_to_a_grant_changes_its_types(http: httpx.AsyncClient) -> None:
    kinds = {
        (type(a["expires_in"]), type(a["scope"]), a["token_type"])
        for _ in range(2)
        if (a := (await token(http)).json())
    }
    assert len(kinds) == 2


async def test_a_stranger_gets_no_token(http: httpx.AsyncClient) -> None:
    refused = await token(http, client_secret="guessed")
    assert refused.status_code == 401
    assert 'error="invalid_client"' in refused.headers["www-authenticate"]


async def test_segments_need_a_token_and_come_in_pages(http: httpx.AsyncClient) -> None:
    refused = await http.get("/api/v2/remarketing/segments.json")
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    http.headers["Authorization"] = f"Bearer {(await token(http)).json()['access_token']}"
    page = (await http.get("/api/v2/remarketing/segments.json?limit=2&offset=1")).json()
    assert (page["count"], page["offset"], page["limit"]) == (5, 1, 2)
    assert [item["id"] for item in page["items"]] == [102, 103]
    assert (await http.get("/api/v2/remarketing/segments.json?limit=1001")).status_code == 400
    assert (await http.get("/api/v2/remarketing/segments/999/users.json")).status_code == 404


def test_the_connector_brings_its_sandbox_and_names_its_settings() -> None:
    assert set(connector.settings) == KEYS.keys()
    assert connector.sandbox is sandbox
    assert connector.furnish is furnish
