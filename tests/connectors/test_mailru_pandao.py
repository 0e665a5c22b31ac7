"""Pandao: pulling users and orders whole, whatever moves meanwhile, and reading what is all strings."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.mailru.orders import pandao_orders, read_order
from connectors.mailru.sandbox import sandbox
from connectors.mailru.users import read_user, users
from gateway.connector import (
    Batch,
    Dataset,
    Kind,
    PartnerError,
    Upstream,
    accounts,
    order_lines,
    orders,
    profiles,
)
from tests.connectors.test_mailru_world import (
    KEYS,
    SmallWorld,
    folder,
    look,
    meddled,
    orders_of,
    partner,
    write,
)

__all__ = ["folder"]

LIST = "/api/v2/order/multi-get"


async def pulled(
    dataset: Dataset, upstream: Upstream, cursor: Mapping[str, Any] | None = None
) -> list[Batch]:
    return [batch async for batch in dataset.pull(upstream, cursor or {})]


def ids(batches: Iterable[Batch]) -> list[str]:
    return [record["Order"]["order_id"] for batch in batches for record in batch.records]


def every_id(folder: Path) -> set[str]:
    return {row[0] for row in look(folder, "SELECT order_id FROM orders")}


# Pulling


async def test_every_line_of_every_purchase_arrives_once_and_exact(folder: Path) -> None:
    async with partner(sandbox(folder, KEYS)) as upstream:
        batches = await pulled(pandao_orders, upstream)
    found = [read_order(record) for batch in batches for record in batch.records]
    lines = sorted(
        (
            row["account_id"],
            row["placed_at"],
            line["product_id"],
            line["quantity"],
            line["total_minor"],
            line["category"],
        )
        for rows in found
        for row, line in zip(rows[orders], rows[order_lines], strict=True)
    )
    assert lines == sorted(
        (
            f"MAILRU:{purchase.account}",
            purchase.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            f"{line.product:024x}",
            line.quantity,
            line.cents * 58,
            line.category,
        )
        for purchase, line in orders_of(SmallWorld())
    )
    assert len(batches) == 3


async def test_every_user_arrives_with_what_is_known_of_it(folder: Path) -> None:
    async with partner(sandbox(folder, KEYS)) as upstream:
        batches = await pulled(users, upstream)
    found = [read_user(record) for batch in batches for record in batch.records]
    rows = {row["account_id"]: row for each in found for row in each[profiles]}
    assert len(rows) == 60
    for member in SmallWorld().members("MAILRU"):
        row = rows[f"MAILRU:{member.account}"]
        assert (row["name"], row["email"], row["phone"], row["birth_year"]) == (
            member.name,
            member.email,
            member.phone,
            member.birth_year,
        )
    assert {row["region"] for each in found for row in each[accounts]} == {"Тверь"}


async def test_a_pull_resumes_behind_any_batch(folder: Path) -> None:
    async with partner(sandbox(folder, KEYS)) as upstream:
        batches = await pulled(pandao_orders, upstream)
        for done in range(1, len(batches)):
            rest = await pulled(pandao_orders, upstream, batches[done - 1].cursor)
            assert set(ids(batches[:done])) | set(ids(rest)) == every_id(folder)
            assert len(ids(rest)) < len(ids(batches[done:])) + 20


async def test_the_walk_goes_on_by_time_so_that_no_offset_gets_deep(folder: Path) -> None:
    async with partner(sandbox(folder, KEYS)) as upstream:
        batches = await pulled(pandao_orders, upstream)
    assert all(batch.cursor.keys() == {"since"} for batch in batches)


async def test_a_second_pull_brings_only_the_overlap_and_ends_where_the_first_did(folder: Path) -> None:
    async with partner(sandbox(folder, KEYS)) as upstream:
        first = await pulled(pandao_orders, upstream)
        second = await pulled(pandao_orders, upstream, first[-1].cursor)
    assert set(ids(second)) < set(ids(first))
    assert len(ids(second)) < 10
    assert second[-1].cursor == first[-1].cursor


async def test_a_pull_of_nothing_still_says_where_to_go_on(folder: Path) -> None:
    cursor = {"since": "2019-01-01T00:00:00"}
    async with partner(sandbox(folder, KEYS)) as upstream:
        assert await pulled(pandao_orders, upstream, cursor) == [Batch([], cursor)]
        write(folder, "DELETE FROM orders")
        [batch] = await pulled(pandao_orders, upstream)
    assert batch.records == []


async def test_a_row_that_becomes_visible_late_is_found(folder: Path) -> None:
    async with partner(sandbox(folder, KEYS)) as upstream:
        first = await pulled(pandao_orders, upstream)
        [(newest,)] = look(folder, "SELECT max(updated) FROM orders")
        late = (datetime.fromisoformat(newest) - timedelta(minutes=5)).isoformat()
        write(folder, "UPDATE orders SET updated = ?, order_id = 'f00' WHERE updated < '2017-01-16T01'", late)
        second = await pulled(pandao_orders, upstream, first[-1].cursor)
    assert "f00" in ids(second)


@pytest.mark.parametrize("call", [2, 3])
async def test_rows_that_change_while_the_list_is_walked_are_not_lost(folder: Path, call: int) -> None:
    def change() -> None:
        # A hundred rows that were seen already leave their places, and all behind them move up.
        early = "SELECT order_id FROM orders ORDER BY updated, order_id LIMIT 100"
        changed = write(
            folder,
            f"UPDATE orders SET updated = '2017-12-31T00:00:00', state = 'REFUNDED' WHERE order_id IN ({early})",
        )
        assert changed == 100

    async with partner(meddled(sandbox(folder, KEYS), LIST, call, change)) as upstream:
        batches = await pulled(pandao_orders, upstream)
    assert set(ids(batches)) == every_id(folder)
    last = {record["Order"]["order_id"]: record["Order"]["state"] for b in batches for record in b.records}
    assert last == dict(look(folder, "SELECT order_id, state FROM orders"))


async def test_a_change_from_the_future_hides_none_from_the_present(folder: Path) -> None:
    """A row whose time is wrong is the last of the list from then on; the next pull goes on where it is now."""
    first, second = sorted(every_id(folder))[:2]
    write(folder, "UPDATE orders SET updated = '2100-01-01T00:00:00' WHERE order_id = ?", first)
    async with partner(sandbox(folder, KEYS)) as upstream:
        cursor = (await pulled(pandao_orders, upstream))[-1].cursor
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        write(folder, "UPDATE orders SET updated = ? WHERE order_id = ?", now, second)
        assert second in ids(await pulled(pandao_orders, upstream, cursor))


def crowd(folder: Path) -> None:
    """All but a few rows changed within the same second."""
    write(folder, "UPDATE orders SET updated = '2017-06-01T12:00:00' WHERE updated > '2017-01-20'")


async def test_a_second_with_more_rows_than_a_page_is_walked_to_its_end(folder: Path) -> None:
    crowd(folder)
    async with partner(sandbox(folder, KEYS)) as upstream:
        batches = await pulled(pandao_orders, upstream)
        assert sorted(ids(batches)) == sorted(every_id(folder))
        resumed: list[Batch] = []
        cursor: Mapping[str, Any] = {}
        for _ in range(len(batches)):
            async for batch in pandao_orders.pull(upstream, cursor):
                resumed.append(batch)
                cursor = batch.cursor
                break
    assert set(ids(resumed)) == every_id(folder)


@pytest.mark.parametrize("call", [2, 3])
async def test_a_crowded_second_that_loses_rows_is_read_again(folder: Path, call: int) -> None:
    crowd(folder)

    def change() -> None:
        first = "SELECT order_id FROM orders WHERE updated = '2017-06-01T12:00:00' ORDER BY order_id LIMIT 70"
        write(folder, f"UPDATE orders SET updated = '2017-07-01T00:00:00' WHERE order_id IN ({first})")

    async with partner(meddled(sandbox(folder, KEYS), LIST, call, change)) as upstream:
        batches = await pulled(pandao_orders, upstream)
    assert set(ids(batches)) == every_id(folder)


async def test_a_pull_that_is_given_up_leaves_no_call_behind(folder: Path) -> None:
    async with partner(sandbox(folder, KEYS)) as upstream:
        batches = pandao_orders.pull(upstream, {})
        await anext(batches)
        await batches.aclose()  # type: ignore[attr-defined]
        assert len(await pulled(users, upstream)) == 1


# Refusals


async def test_a_wrong_token_ends_the_pull(folder: Path) -> None:
    app = sandbox(folder, {**KEYS, "access_token": "renewed"})
    async with partner(app) as upstream:
        with pytest.raises(PartnerError) as caught:
            await pulled(pandao_orders, upstream)
    assert (caught.value.kind, caught.value.code) == (Kind.AUTH, "1016")


async def test_the_address_of_the_next_page_is_neither_followed_nor_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    paths: list[str] = []

    async def endpoint(request: Request) -> Response:
        paths.append(request.url.path)
        order = {"order_id": f"{len(paths):024x}", "last_updated": f"2017-01-01T00:{len(paths):02d}:00"}
        page = [{"Order": order}] * (500 if len(paths) < 3 else 1)
        trap = str(request.url.replace(path="/trap"))
        paging = {"next" if len(page) == 500 else "previous": trap}
        return JSONResponse({"code": 0, "message": "", "data": page, "paging": paging})

    app = Starlette(routes=[Route(LIST, endpoint), Route("/trap", endpoint)])
    async with partner(app) as upstream:
        await pulled(pandao_orders, upstream)
    assert paths == [LIST] * 4  # the last page twice
    assert "pandao" not in "".join(
        record.getMessage() for record in caplog.records if record.name != "asyncio"
    )


async def test_a_page_without_any_time_is_not_walked_in_circles() -> None:
    page = {"code": 0, "message": "", "data": [{"Order": {"order_id": "a"}}] * 500}
    app = Starlette(routes=[Route(LIST, lambda _: JSONResponse(page))])
    async with partner(app) as upstream:
        with pytest.raises(PartnerError) as caught:
            await pulled(pandao_orders, upstream)
    assert caught.value.kind is Kind.DRIFT
