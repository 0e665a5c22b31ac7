"""The sandbox is as strict as the partner: what each protocol and each method refuses, and the names it keeps."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from connectors.alibaba.profiles import beijing
from connectors.alibaba.sandbox import sandbox
from connectors.alibaba.signing import sign_hmac, sign_md5, sign_sha256, texts
from tests.connectors.test_alibaba_live import known
from tests.connectors.test_alibaba_sandbox import call, signed
from tests.connectors.test_alibaba_world import SETTINGS, books

__all__ = ["books"]

ORDERS = "aliexpress.solution.order.get"
PAGE = {"current_page": 1, "page_size": 50}


@pytest.fixture
async def client(books: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The sandbox as an HTTP client sees it."""
    transport = httpx.ASGITransport(app=sandbox(books, {**SETTINGS, "code": "good"}))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as found:
        yield found


@pytest.mark.parametrize(
    ("method", "asked", "code"),
    [
        (
            "solution.product.list.get",
            {"aeop_a_e_product_list_query": PAGE},
            "isv.invalid-parameter:product_status_type",
        ),
        (
            "solution.product.list.get",
            {"aeop_a_e_product_list_query": {**PAGE, "page_size": 100, "product_status_type": "onSelling"}},
            "isv.invalid-parameter:page_size",
        ),
        ("solution.product.info.get", {"product_id": 7}, "isv.product-not-exist"),
        ("solution.product.info.get", {}, "isv.invalid-parameter:product_id"),
        ("solution.order.info.get", {}, "isv.invalid-parameter:param1"),
        ("solution.order.info.get", {"param1": {"order_id": 7}}, "isv.order-not-exist"),
        ("solution.order.receiptinfo.get", {"param1": {"order_id": True}}, "isv.invalid-parameter:order_id"),
        ("ds.order.tracking.get", {"ae_order_id": "seven"}, "isv.invalid-parameter:ae_order_id"),
        ("jv.parcel.list", {"param0": {"page_size": 1}}, "isv.invalid-parameter:current_page"),
        ("solution.feed.submit", {"operation_type": "EVERYTHING"}, "isv.invalid-parameter:operation_type"),
        (
            "solution.feed.submit",
            {"operation_type": "PRODUCT_STOCKS_UPDATE", "item_list": [{"item_content": 7}]},
            "isv.invalid-parameter:item_list",
        ),
        ("solution.feed.query", {"job_id": 7}, "isv.job-not-exist"),
    ],
)  # fmt: skip
async def test_what_methods_refuse(
    client: httpx.AsyncClient, method: str, asked: Mapping[str, object], code: str
) -> None:
    """A parameter that is missing, of the wrong form, or of nothing that there is."""
    body = await call(client, signed(f"aliexpress.{method}", **asked))
    assert body["error_response"]["code"] == code


async def test_affiliates_have_codes_of_their_own(client: httpx.AsyncClient) -> None:
    """What is wrong with a call stands within a success."""
    body = await call(client, signed("aliexpress.affiliate.order.listbyindex", page_size=50))
    [result] = [value["resp_result"] for value in body.values()]
    assert result["resp_code"] == 402


def top(
    secret: str = SETTINGS["app_secret"], method: str = ORDERS, hours: int = 0, **changed: object
) -> dict[str, str]:
    """The parameters of a TOP call, signed as they are after the changes."""
    parameters = texts(
        {
            "method": method,
            "app_key": SETTINGS["app_key"],
            "session": SETTINGS["access_token"],
            "timestamp": beijing(datetime.now(UTC) + timedelta(hours=hours)),
            "sign_method": "md5",
            "format": "json",
            "v": "2.0",
            **changed,
        }
    )
    sign = sign_hmac if parameters.get("sign_method") == "hmac" else sign_md5
    return parameters | {"sign": sign(parameters, secret)}


@pytest.mark.parametrize(
    ("changed", "unsigned", "code"),
    [
        pytest.param({"v": None}, {}, 40, id="no version"),
        pytest.param({"app_key": "654321"}, {}, 29, id="another application"),
        pytest.param({"secret": "guess"}, {}, 25, id="another secret"),
        pytest.param({}, {"simplify": "true"}, 25, id="F04: sent but not signed"),
        pytest.param({"sign_method": "sha256"}, {}, 25, id="F05: IOP's method"),
        pytest.param({"hours": -8}, {}, 31, id="F07: UTC for Beijing's time"),
        pytest.param({"session": "old"}, {}, 27, id="another token"),
        pytest.param({"method": "aliexpress.solution.order.eat"}, {}, 22, id="unknown method"),
    ],
)
async def test_what_top_refuses(
    client: httpx.AsyncClient, changed: dict[str, Any], unsigned: Mapping[str, str], code: int
) -> None:
    """With numbers for codes, and HTTP 200."""
    answer = await client.post("/router/rest", data={**top(param0=PAGE, **changed), **unsigned})
    assert (answer.status_code, answer.json()["error_response"]["code"]) == (200, code)


async def test_what_top_takes(client: httpx.AsyncClient) -> None:
    """Both ways to sign."""
    for method in ("md5", "hmac"):
        answer = await client.post("/router/rest", data=top(param0=PAGE, sign_method=method))
        assert "aliexpress_solution_order_get_response" in answer.json()


async def test_names_are_kept_as_they_are_misspelt(client: httpx.AsyncClient, books: Path) -> None:
    """F20: an order's detail has the partner's own spellings, and an amount under two names."""
    (id_,) = known(books, "SELECT id FROM orders WHERE sent > '' LIMIT 1")[0]
    body = await call(client, signed("aliexpress.solution.order.info.get", param1={"order_id": id_}))
    data: dict[str, Any] = body["aliexpress_solution_order_info_get_response"]["result"]["data"]
    assert {"init_oder_amount", "buyerloginid", "opr_log_dto_list"} <= data.keys()
    assert "amount_str" in data["escrow_fee"]
    assert "amount" in data["init_oder_amount"]
    assert len(data["gmt_create"]) == len("2017-03-01 12:00")


def system(path: str, **given: str) -> dict[str, str]:
    """The parameters of a system call of IOP, whose path is signed."""
    stamp = str(time.time_ns() // 1_000_000)
    asked = {"app_key": SETTINGS["app_key"], "timestamp": stamp, "sign_method": "sha256", **given}
    return asked | {"sign": sign_sha256(asked, SETTINGS["app_secret"], path)}


@pytest.mark.parametrize(
    ("path", "parameters", "code"),
    [
        pytest.param("/auth/token/create", system("/auth/token/create", code="good"), "0", id="a code"),
        pytest.param("/auth/token/create", system("/auth/token/create", code="b"), "InvalidCode", id="another"),
        pytest.param("/auth/token/create", system("", code="good"), "IncompleteSignature", id="no path signed"),
        pytest.param("/auth/token/refresh", system("/auth/token/refresh"), "IllegalRefreshToken", id="no token"),
        pytest.param("/auth/token/lose", system("/auth/token/lose"), "InvalidApiPath", id="no such path"),
        pytest.param("/auth/token/create", {}, "MissingParameter", id="nothing"),
    ],
)  # fmt: skip
async def test_system_calls_are_flat(
    client: httpx.AsyncClient, path: str, parameters: Mapping[str, str], code: str
) -> None:
    """Success has the code `"0"`; an error says `message` where business calls say `msg`."""
    answer = await client.post(f"/rest{path}", data=dict(parameters))
    body = orjson.loads(answer.content)
    assert (answer.status_code, body["code"]) == (200, code)
    assert ("message" in body) == (code != "0")
    assert ("refresh_token" in body) == (code == "0")
