"""Each fault that AliExpress's connector declares: the sandbox shows it, and the gateway does what it must."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.alibaba import connector
from connectors.alibaba.calls import call
from connectors.alibaba.details import INFO, read_detail
from connectors.alibaba.members import member_list
from connectors.alibaba.orders import order_list, read_order
from connectors.alibaba.sandbox import sandbox
from gateway.connector import Kind, PartnerError, Unreadable, Upstream, orders
from gateway.sandboxes.faults import Fault
from gateway.sandboxes.faulty import Faulty
from tests.connectors.test_alibaba_pull import ORDERS, ids, pulled
from tests.connectors.test_alibaba_world import SETTINGS, books, served

__all__ = ["books"]

PAIR = {**SETTINGS, "refresh_token": "refresh-0"}
MEMBERS = 70


class Partner:
    """The partner, told to misbehave."""

    def __init__(self, books: Path) -> None:
        self.app = Faulty(sandbox(books, PAIR), connector.faults)
        self.address = ""

    def tell(self, fault: str, **how: Any) -> None:
        """Put a fault in force."""
        self.app.tell(Fault.told({"fault": fault, **how}, self.app.known))

    @property
    def struck(self) -> int:
        """How many calls were."""
        return sum(each.struck for each in self.app.told)


@pytest.fixture(scope="module")
def at_work(books: Path) -> Iterator[Partner]:
    """The partner at a socket, for the whole module."""
    found = Partner(books)
    with served(found.app) as found.address:
        yield found


@pytest.fixture
def partner(at_work: Partner) -> Iterator[Partner]:
    """The partner, well behaved until told otherwise."""
    yield at_work
    at_work.app.forget()


@pytest.fixture(params=["iop", "top"])
async def upstream(
    partner: Partner, request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Upstream]:
    """The way there, by either protocol, with a token of its own."""
    settings = {**PAIR, "url": partner.address, "protocol": request.param}
    async with Upstream("alibaba", settings, state=tmp_path) as found:
        yield found


async def members(upstream: Upstream) -> set[str]:
    """The accounts that a pull brings."""
    return {each["login_id"] for batch in await pulled(member_list, upstream, {}) for each in batch.records}


@pytest.mark.parametrize("fault", ["F13", "F14", "F15", "F21"])
async def test_what_passes_or_means_nothing_costs_nothing(
    partner: Partner, upstream: Upstream, fault: str
) -> None:
    """Struck by it, a pull brings all there is, once."""
    partner.tell(fault, **({"count": 1} if fault == "F13" else {}))
    assert len(await members(upstream)) == MEMBERS
    assert partner.struck


@pytest.mark.parametrize("fault", ["F09", "F11"])
async def test_a_short_ban_says_how_long(partner: Partner, upstream: Upstream, fault: str) -> None:
    """Who has no time to wait for the end of a ban is told when to come back; a pull waits, as another test shows."""
    partner.tell(fault, count=1)
    hasty = upstream.until(asyncio.get_running_loop().time() + 0.5)
    with pytest.raises(PartnerError) as caught:
        await members(hasty)
    assert (caught.value.kind, caught.value.retry_after) == (Kind.THROTTLED, 1.25)
    assert caught.value.unheard


@pytest.mark.parametrize("protocol", ["iop", "top"])
async def test_a_token_that_expired_is_renewed(books: Path, protocol: str) -> None:
    """F12: once, in the middle of a list, which goes on at the same page."""
    partner = Partner(books)
    partner.tell("F12", rate=0.3, count=1)
    with served(partner.app) as address:
        async with Upstream("alibaba", {**PAIR, "url": address, "protocol": protocol}) as upstream:
            assert len(set(ids(await pulled(order_list, upstream, {})))) == ORDERS
    assert partner.struck == 1


@pytest.mark.parametrize(
    ("fault", "kind"), [("F05", Kind.AUTH), ("F10", Kind.THROTTLED), ("F25", Kind.RETIRED)]
)
async def test_what_stays_ends_the_pull_at_once(
    partner: Partner, upstream: Upstream, fault: str, kind: Kind
) -> None:
    """It is not tried again, and the error says what to do: mend the key, wait for midnight, leave the protocol."""
    partner.tell(fault)
    with pytest.raises(PartnerError) as caught:
        await members(upstream)
    assert caught.value.kind is kind
    assert partner.struck == 1
    if kind is Kind.THROTTLED:
        assert 0 < (caught.value.retry_after or 0) < 86_401


async def test_where_top_is_gone_iop_is_spoken(partner: Partner, books: Path) -> None:
    """F25: with an address for it, and from then on without asking TOP again."""
    partner.tell("F25")
    with served(sandbox(books, SETTINGS)) as successor:
        settings = {**SETTINGS, "url": partner.address, "iop_url": successor, "protocol": "top"}
        for _ in range(2):
            async with Upstream("alibaba", settings) as upstream:
                assert len(await members(upstream)) == MEMBERS
    assert partner.struck == 1


async def test_ids_that_lost_their_digits_are_put_aside(partner: Partner, upstream: Upstream) -> None:
    """F01: an id as a floating-point number is refused, record by record, and never taken for another's."""
    partner.tell("F01")
    found = [each for batch in await pulled(order_list, upstream, {}) for each in batch.records]
    assert found
    for record in found:
        with pytest.raises(Unreadable, match="is not a whole number"):
            read_order(record)


async def test_a_status_that_nobody_has_heard_of(partner: Partner, upstream: Upstream) -> None:
    """F18: comes through as UNKNOWN, with the partner's word beside it."""
    partner.tell("F18")
    batches = await pulled(order_list, upstream, {})
    assert len(set(ids(batches))) == ORDERS
    [row] = read_order(batches[0].records[0])[orders]
    assert (row["status"], row["status_raw"]) == ("UNKNOWN", "WAIT_GROUP_SUCCESS")


async def test_cents_stand_where_amounts_lie(partner: Partner, upstream: Upstream) -> None:
    """F21: the totals are those of the cents."""
    straight = {each["order_id"]: read_order(each) for each in await _some_orders(upstream)}
    partner.tell("F21")
    for record in await _some_orders(upstream):
        assert record["pay_amount"]["amount"] == "0"
        assert read_order(record)[orders] == straight[record["order_id"]][orders]


async def _some_orders(upstream: Upstream) -> list[dict[str, Any]]:
    asked = {"param0": {"current_page": 1, "page_size": 5, "order_status": "FINISH"}}
    found = (await call(upstream, "aliexpress.solution.order.get", asked))["result"]
    return list(found["target_list"]["order_dto"])


async def test_json_in_texts_may_be_none(partner: Partner, upstream: Upstream) -> None:
    """F16: what cannot be read within a text is left out, and the rest of the detail stands."""
    order = (await _some_orders(upstream))[0]["order_id"]
    whole = read_detail((await call(upstream, INFO, {"param1": {"order_id": order}}))["result"]["data"])
    partner.tell("F16")
    cut = read_detail((await call(upstream, INFO, {"param1": {"order_id": order}}))["result"]["data"])
    assert whole.variants
    assert cut == whole._replace(variants=[])


def test_each_declared_fault_is_tried() -> None:
    """No fault is declared that this file does not name."""
    text = Path(__file__).read_text()
    assert all(f'"{name}"' in text for name in connector.faults)
