"""The sandbox keeps the partner's promises: who is let in, what a list gives out, and how it says no."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from connectors.alibaba.sandbox import furnish, sandbox
from connectors.alibaba.signing import sign_sha256, texts
from tests.connectors.test_alibaba_world import SETTINGS, Books, books

__all__ = ["books"]


@pytest.fixture
async def client(books: Path) -> Any:
    """The sandbox as an HTTP client sees it."""
    transport = httpx.ASGITransport(app=sandbox(books, SETTINGS))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as found:
        yield found


def signed(method: str, secret: str = SETTINGS["app_secret"], **changed: object) -> dict[str, str]:
    """The parameters of a call, signed as they are after the changes."""
    parameters = texts(
        {
            "method": method,
            "app_key": SETTINGS["app_key"],
            "access_token": SETTINGS["access_token"],
            "timestamp": time.time_ns() // 1_000_000,
            "sign_method": "sha256",
            "format": "json",
            **changed,
        }
    )
    return parameters | {"sign": sign_sha256(parameters, secret)}


async def call(client: httpx.AsyncClient, parameters: Mapping[str, str]) -> Any:
    """The body of the answer, whose status is 200 whatever it says."""
    answer = await client.post("/sync", data=dict(parameters))
    assert answer.status_code == 200
    return orjson.loads(answer.content)


async def orders(client: httpx.AsyncClient, simplify: bool = False, **filters: object) -> Any:
    """The result of the order list."""
    asked = {"current_page": 1, "page_size": 50, **filters}
    body = await call(client, signed("aliexpress.solution.order.get", param0=asked, simplify=simplify))
    return body["aliexpress_solution_order_get_response"]["result"]


async def orders_of_all_pages(client: httpx.AsyncClient, **filters: object) -> list[dict[str, Any]]:
    """The orders of a filter, page by page."""
    first = await orders(client, **filters)
    pages = [await orders(client, current_page=n, **filters) for n in range(1, first["total_page"] + 1)]
    found = [order for page in pages for order in page["target_list"]["order_dto"]]
    assert len(found) == first["total_count"]
    return found


ORDERS = "aliexpress.solution.order.get"
FIRST = {"current_page": 1, "page_size": 50}
HOURS_AGO = (time.time_ns() - 3 * 3_600 * 10**9) // 1_000_000


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        pytest.param(signed(ORDERS, secret="guess"), "IncompleteSignature", id="another secret"),
        pytest.param(signed(ORDERS) | {"param0": "{}"}, "IncompleteSignature", id="sent but not signed"),
        pytest.param(signed(ORDERS, sign_method="md5"), "IncompleteSignature", id="TOP's method"),
        pytest.param(signed(ORDERS, app_key="654321"), "InvalidAppKey", id="another application"),
        pytest.param(signed(ORDERS, timestamp=HOURS_AGO), "IllegalTimestamp", id="three hours late"),
        pytest.param(
            signed(ORDERS, timestamp=HOURS_AGO + 6 * 3_600_000), "IllegalTimestamp", id="three hours early"
        ),
        pytest.param(signed(ORDERS, timestamp="yesterday"), "IllegalTimestamp", id="no timestamp at all"),
        pytest.param(signed(ORDERS, access_token="old"), "IllegalAccessToken", id="another token"),
        pytest.param(signed(ORDERS, access_token=None), "IllegalAccessToken", id="no token"),
        pytest.param(signed("aliexpress.solution.order.eat"), "InvalidApiPath", id="unknown method"),
        pytest.param({"method": ORDERS}, "MissingParameter", id="hardly anything"),
        pytest.param(signed(ORDERS), "isv.invalid-parameter:param0", id="no filter"),
        pytest.param(signed(ORDERS, param0="[1]"), "isv.invalid-parameter:param0", id="a list for a filter"),
        pytest.param(
            signed(ORDERS, param0=FIRST | {"page_size": 51}),
            "isv.invalid-parameter:page_size",
            id="51 a page",
        ),
        pytest.param(
            signed(ORDERS, param0=FIRST | {"current_page": 0}),
            "isv.invalid-parameter:current_page",
            id="page 0",
        ),
        pytest.param(
            signed(ORDERS, param0=FIRST | {"order_status": [7]}),
            "isv.invalid-parameter:order_status",
            id="a number for a status",
        ),
        pytest.param(
            signed(ORDERS, param0=FIRST | {"modified_date_start": "2017-03-01T00:00:00Z"}),
            "isv.invalid-parameter:modified_date_start",
            id="a time in another form",
        ),
    ],
)
async def test_refusals(client: httpx.AsyncClient, parameters: Mapping[str, str], code: str) -> None:
    """A call that is not in order gets an error in a body with status 200."""
    error = (await call(client, parameters))["error_response"]
    assert error["code"] == code
    assert error["type"] == "ISV"
    assert error["request_id"]


async def test_timestamp_as_text(client: httpx.AsyncClient) -> None:
    """The timestamp may also be ISO 8601 in GMT."""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    body = await call(client, signed(ORDERS, timestamp=now, param0=FIRST))
    assert "aliexpress_solution_order_get_response" in body


async def test_query_and_form_are_one(client: httpx.AsyncClient) -> None:
    """System parameters may stand in the query; the signature is over both."""
    parameters = signed(ORDERS, param0=FIRST)
    form = {name: parameters.pop(name) for name in ("access_token", "param0")}
    answer = await client.post("/sync", params=parameters, data=form)
    assert "aliexpress_solution_order_get_response" in answer.json()


async def test_finish_is_asked_for_on_its_own(client: httpx.AsyncClient) -> None:
    """Without a status the list leaves out `FINISH`; both together are all orders, none twice."""
    unfinished = await orders_of_all_pages(client)
    finished = await orders_of_all_pages(client, order_status="FINISH")
    assert {order["order_status"] for order in finished} == {"FINISH"}
    assert {order["order_status"] for order in unfinished} == {
        "RISK_CONTROL",
        "WAIT_SELLER_SEND_GOODS",
        "WAIT_BUYER_ACCEPT_GOODS",
    }
    assert len({order["order_id"] for order in unfinished + finished}) == 332
    sent = await orders_of_all_pages(client, order_status_list=["WAIT_BUYER_ACCEPT_GOODS", "RISK_CONTROL"])
    assert {order["order_id"] for order in sent} < {order["order_id"] for order in unfinished}


async def test_pages_and_order(client: httpx.AsyncClient) -> None:
    """Pages follow each other, newest change first; past the last one the list is absent."""
    found = await orders_of_all_pages(client, order_status="FINISH")
    changes = [order["gmt_update"] for order in found]
    assert changes == sorted(changes, reverse=True)
    assert "target_list" not in await orders(client, order_status="FINISH", current_page=99)


async def test_windows_include_both_ends(client: httpx.AsyncClient) -> None:
    """A window takes in the orders changed at its very first and last second, in Pacific time."""
    found = await orders_of_all_pages(client, order_status="FINISH")
    newest, oldest = found[3]["gmt_update"], found[9]["gmt_update"]
    within = await orders_of_all_pages(
        client, order_status="FINISH", modified_date_start=oldest, modified_date_end=newest
    )
    assert within == found[3:10]


async def test_simplify_drops_the_wrappers(client: httpx.AsyncClient) -> None:
    """With `simplify` lists are bare, and what they hold is the same."""
    wrapped, bare = await orders(client), await orders(client, simplify=True)
    assert [order["order_id"] for order in bare["target_list"]] == [
        order["order_id"] for order in wrapped["target_list"]["order_dto"]
    ]
    assert (
        bare["target_list"][0]["product_list"]
        == wrapped["target_list"]["order_dto"][0]["product_list"]["order_product_dto"]
    )


async def test_ids_beyond_doubles(client: httpx.AsyncClient) -> None:
    """Ids are JSON numbers; every product's and many an order's is one that a double would change."""
    found = await orders_of_all_pages(client, order_status="FINISH")
    unsafe = [order for order in found if int(float(order["order_id"])) != order["order_id"]]
    assert 0.3 < len(unsafe) / len(found) < 0.7
    for order in found:
        for product in order["product_list"]["order_product_dto"]:
            assert int(float(product["product_id"])) != product["product_id"]


async def test_members(client: httpx.AsyncClient) -> None:
    """Members come in pages too; what is not known of one is absent."""
    pages = [
        (await call(client, signed("aliexpress.jv.member.list", param0=FIRST | {"current_page": number})))[
            "aliexpress_jv_member_list_response"
        ]["result"]["target_list"]["member_dto"]
        for number in (1, 2)
    ]
    found = {member["login_id"]: member for page in pages for member in page}
    assert len(found) == 70
    assert set(found["0000099999"]) == {"login_id", "full_name", "gmt_register", "gmt_update"}


def test_furnishing_repeats_itself(tmp_path: Path, books: Path) -> None:
    """The same world makes the same file."""
    furnish(Books(), tmp_path)  # type: ignore[arg-type]
    assert (tmp_path / "alibaba.db").read_bytes() == (books / "alibaba.db").read_bytes()
