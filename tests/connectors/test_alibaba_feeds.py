"""Feeds of AliExpress: told once, followed, and what failed of them said item by item."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.alibaba import connector
from connectors.alibaba.calls import call
from connectors.alibaba.feeds import QUERY, SUBMIT, Item, query, read_job, submit
from connectors.alibaba.products import INFO, read_skus
from connectors.alibaba.sandbox import sandbox
from gateway.connector import Kind, PartnerError, Unreadable, Upstream
from gateway.sandboxes.faults import Fault
from gateway.sandboxes.faulty import Faulty
from tests.connectors.test_alibaba_live import known
from tests.connectors.test_alibaba_world import SETTINGS, books, served

__all__ = ["books"]


class Partner(Faulty):
    """The partner, told to misbehave; it counts its calls."""

    def ban(self, fault: str, path: str) -> None:
        """Strike the next call of a method."""
        self.tell(Fault.told({"fault": fault, "count": 1, "path": path}, self.known))


@pytest.fixture(scope="module")
def at_work(books: Path) -> Iterator[tuple[Partner, str]]:
    """The partner at a socket."""
    app = Partner(sandbox(books, SETTINGS), connector.faults)
    with served(app) as address:
        yield app, address


@pytest.fixture
def partner(at_work: tuple[Partner, str]) -> Partner:
    """The partner, well behaved until told otherwise."""
    at_work[0].forget()
    return at_work[0]


@pytest.fixture
async def upstream(at_work: tuple[Partner, str]) -> AsyncIterator[Upstream]:
    """The way to the partner."""
    async with Upstream("alibaba", {**SETTINGS, "url": at_work[1]}) as found:
        yield found


def stock(product: int, **skus: int) -> dict[str, Any]:
    """An item that says how many there are."""
    named = [{"sku_code": code.replace("_", "-"), "inventory": number} for code, number in skus.items()]
    return {
        "item_content_id": str(product),
        "item_content": {"aliexpress_product_id": product, "multiple_sku_update_list": named},
    }


async def test_some_of_a_job_fails_and_the_rest_holds(
    partner: Partner, upstream: Upstream, books: Path
) -> None:
    """F17: the job's id is exact, its result comes later, each failure stands with its item, the others are done."""
    (id_,) = known(books, "SELECT id FROM products LIMIT 1")[0]
    items = [stock(id_, **{f"{id_}_B": 7}), stock(id_, NONE=1), stock(1, **{"1_B": 1})]
    job = await submit(upstream, "PRODUCT_STOCKS_UPDATE", items)
    assert int(job.id) > 2**53
    assert not job.done
    assert not (await query(upstream, job.id)).done
    found = await query(upstream, job.id)
    assert (found.id, found.done, found.total, found.succeeded) == (job.id, True, 3, 1)
    assert found.items == [
        Item(str(id_), True, None),
        Item(str(id_), False, "SKU_NOT_EXIST"),
        Item("1", False, "isv.product-not-exist"),
    ]
    shown = (await call(upstream, INFO, {"product_id": id_}))["result"]
    assert next(sku for sku in read_skus(shown) if sku.code == f"{id_}-B").stock == 7


@pytest.mark.parametrize(
    ("fault", "calls", "kind"),
    [
        pytest.param("lost", 1, Kind.TRANSIENT, id="its answer is lost"),
        pytest.param("html", 1, Kind.TRANSIENT, id="it is answered with a page"),
        pytest.param("error", 1, Kind.TRANSIENT, id="it fails"),
    ],
)
async def test_what_may_have_been_heard_is_told_once(
    partner: Partner, upstream: Upstream, books: Path, fault: str, calls: int, kind: Kind
) -> None:
    """A change of which nobody knows whether it arrived is never repeated by itself."""
    (id_,) = known(books, "SELECT id FROM products LIMIT 1")[0]
    partner.ban(fault, SUBMIT)
    with pytest.raises(PartnerError) as caught:
        await submit(upstream, "PRODUCT_STOCKS_UPDATE", [stock(id_, **{f"{id_}_B": 8})])
    assert caught.value.kind is kind
    assert not caught.value.unheard
    assert partner.calls == calls


@pytest.mark.parametrize(
    "result",
    [
        {"job_id": 1.5, "total_item_count": 1, "success_item_count": 1},
        {"job_id": 1, "total_item_count": "many", "success_item_count": 1},
        {"job_id": 1, "total_item_count": 1, "success_item_count": 1, "result_list": "N/A"},
    ],
)
def test_what_is_no_job(result: dict[str, Any]) -> None:
    """An answer that is not as agreed is refused."""
    with pytest.raises(Unreadable):
        read_job(result)


def test_a_result_that_is_no_json_is_no_success() -> None:
    """F16: its item is told as failed, in a list, in its wrapper, or bare."""
    cut = {"item_content_id": "7", "item_execution_result": '{"success":tr'}
    head = {"job_id": 200000000060024475, "total_item_count": 1, "success_item_count": 1}
    for listed in ([cut], {"single_item_response_dto": [cut]}, {"single_item_response_dto": cut}):
        job = read_job({**head, "result_list": listed})
        assert job.items == [Item("7", False, "UNREADABLE")]


async def test_a_job_that_is_none(upstream: Upstream) -> None:
    """Of a job that the partner does not know it says so."""
    with pytest.raises(PartnerError, match=QUERY) as caught:
        await query(upstream, "7")
    assert caught.value.kind is Kind.BUSINESS
