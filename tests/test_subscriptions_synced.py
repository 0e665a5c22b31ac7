"""A sync at work: what it changes in the base is heard of by those who may see it, and by nobody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.alibaba.pacific import wall
from gateway.app import create_app, prepare
from gateway.settings import Settings
from tests.conftest import ORIGIN
from tests.door import listening
from tests.partners import books
from tests.subscribers import Station, ids
from tests.venture import Venture, at_work

__all__ = ["at_work", "books"]

CHANGE = "UPDATE orders SET status = ?, end_reason = NULL, modified = ? WHERE id = ?"


async def test_an_order_that_a_sync_changes_is_told_to_each_party_that_sees_it(at_work: Venture) -> None:
    """Through the partner's own protocol; what the overlap brings again is no change, nor is the first filling."""
    await prepare(Settings(state=at_work.state))
    await at_work.round()
    assert at_work.ask("SELECT count(*) FROM order_changes") == [(0,)]
    shown, hidden, marked = (
        id.partition(":")[2]
        for (id,) in at_work.ask(
            "SELECT min(id) FROM orders WHERE party = 'ALIBABA' GROUP BY client_id ORDER BY client_id LIMIT 3"
        )
    )
    settings = Settings(state=at_work.state, origin=ORIGIN)
    with listening(create_app(settings)) as port:
        station = Station(settings, port)
        for order in (shown, marked):
            station.write(
                "INSERT INTO consents SELECT client_id, 'MAILRU', 'analytics', '2017-01-01T00:00:00Z', NULL "
                "FROM orders WHERE id = ?",
                f"AlibabaOrder:{order}",
            )
        async with station.talk() as one, station.talk("MAILRU") as other:
            ours, theirs = await one.subscribe(), await other.subscribe()
            await ours.heard(f"AlibabaOrder:{marked}")
            await theirs.heard(f"AlibabaOrder:{marked}")
            now = wall(datetime.now(UTC) - timedelta(minutes=5))
            for order in (shown, hidden):
                assert at_work.change("alibaba", CHANGE, "FUND_PROCESSING", now, order) == 1
            await at_work.round()
            # The books were never told of the words by which this test waits, so the sync wrote them over.
            await at_work.round()
            word = station.change(f"AlibabaOrder:{marked}")
            told = ids(await ours.until(f"AlibabaOrder:{marked}", word))
            assert {f"AlibabaOrder:{each}" for each in (shown, hidden)} <= set(told)
            assert set(told) <= {f"AlibabaOrder:{each}" for each in (shown, hidden, marked)}
            assert told.count(f"AlibabaOrder:{shown}") == 1
            told = ids(await theirs.until(f"AlibabaOrder:{marked}", word))
            assert f"AlibabaOrder:{shown}" in told
            assert f"AlibabaOrder:{hidden}" not in told
            [(status,)] = at_work.ask("SELECT status_raw FROM orders WHERE id = ?", f"AlibabaOrder:{shown}")
            assert status == "FUND_PROCESSING"
