"""Customs in other currencies than the euro: at the rates of the day on which a parcel came, to the cent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from gateway.clients.rates import exchange_rates
from tests.conftest import ALL_SCOPES, Gateway, start
from tests.world import event, parcel, small_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

RATES = [
    ("USD", "2017-12-16", 1, "60.0000"),
    ("CNY", "2017-12-16", 10, "90.0000"),
    ("EUR", "2017-12-16", 1, "90.0000"),
    ("USD", "2017-12-19", 1, "72.0000"),
    ("EUR", "2017-12-19", 1, "90.0000"),
]
SATURDAY, SUNDAY, TUESDAY = "2017-12-16T09:00:00Z", "2017-12-17T09:00:00Z", "2017-12-19T09:00:00Z"

PARCELS: dict[str, tuple[str | None, int | None, str, str]] = {
    # By the limit of 2017, 1,000 euros: two dollars are three euros, which no decimal is.
    "AT THE LIMIT": ("USD", 150_000, SATURDAY, "FREE"),
    "A CENT ABOVE": ("USD", 150_001, SATURDAY, "DUE"),
    "SUNDAY": ("USD", 150_000, SUNDAY, "FREE"),
    "SUNDAY ABOVE": ("USD", 150_001, SUNDAY, "DUE"),
    "NEW RATE": ("USD", 125_000, TUESDAY, "FREE"),
    "NEW RATE ABOVE": ("USD", 125_001, TUESDAY, "DUE"),
    "MONDAY IN MOSCOW": ("USD", 125_001, "2017-12-18T20:59:59Z", "FREE"),
    "TUESDAY IN MOSCOW": ("USD", 125_001, "2017-12-18T21:00:00Z", "DUE"),
    "NOMINAL": ("CNY", 1_000_000, SUNDAY, "FREE"),
    "NOMINAL ABOVE": ("CNY", 1_000_001, SUNDAY, "DUE"),
    # The yuan's newest price is Saturday's, and the euro's of that day goes with it.
    "NOT OF ONE DAY": ("CNY", 1_000_001, TUESDAY, "DUE"),
    "ROUBLES": ("RUB", 9_000_000, SUNDAY, "FREE"),
    "ROUBLES ABOVE": ("RUB", 9_000_001, SUNDAY, "DUE"),
    "HUGE": ("USD", 2**63 - 1, SUNDAY, "DUE"),
    "14 DAYS": ("USD", 1, "2018-01-02T09:00:00Z", "FREE"),
    "15 DAYS": ("USD", 1, "2018-01-03T09:00:00Z", "UNKNOWN"),
    "BEFORE ALL RATES": ("USD", 1, "2017-12-15T09:00:00Z", "UNKNOWN"),
    "NO RATE": ("XXX", 1, SUNDAY, "UNKNOWN"),
    "NO PRICE": (None, None, SUNDAY, "UNKNOWN"),
    "EUROS": ("EUR", 100_000, SUNDAY, "FREE"),
}
"""By their numbers: the price, when it came to customs, and what customs ask."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway with these parcels, all of one order."""
    world = {table: list(rows) for table, rows in small_world().items()}
    [orders] = [rows for table, rows in world.items() if table.name == "orders"]
    order = next(row for row in orders if row["party"] == "ALIBABA")
    for number, (currency, minor, came, _) in enumerate(PARCELS.values()):
        *rows, first, _, _, _ = parcel({**order, "id": f"AlibabaOrder:{number}"}, "Moscow")
        rows[0][1].update(value_minor=minor, currency=currency, weight_grams=1)
        rows[1][1]["order_id"] = order["id"]
        moment = datetime.fromisoformat(came)
        tracking = rows[3][1]
        for place, at in enumerate((moment, moment + timedelta(days=30)), 1):
            rows.append((first[0], event(tracking, place, "CUSTOMS_ENTERED", at, "Moscow", "RU")))
        for table, row in rows:
            world.setdefault(table, []).append(row)
    names = ("currency", "effective_on", "nominal", "roubles")
    world[exchange_rates] = [dict(zip(names, row, strict=True)) for row in RATES]
    async for each in start(tmp_path_factory.mktemp("customs"), world):
        yield each


async def assessed(gateway: Gateway, scopes: str = "cbr:rates", **other: Any) -> dict[str, Any]:
    """What customs ask for each parcel, all asked for at once."""
    document = "{ clients(first: 100) { nodes { alibaba { orders { nodes { shipments {"
    document += " trackingNumber customs { duty reason } } } } } } } }"
    answer = await gateway.ask(document, "ALIBABA", f"{ALL_SCOPES['ALIBABA']} {scopes}", **other)
    assert "errors" not in answer, answer
    parcels = [
        each
        for client in answer["data"]["clients"]["nodes"]
        for order in (client["alibaba"] or {"orders": {"nodes": []}})["orders"]["nodes"]
        for each in order["shipments"]
    ]
    found = {each["trackingNumber"]: each["customs"] for each in parcels}
    return {name: found[f"{number}.ALIBABA"] for number, name in enumerate(PARCELS)}


async def test_a_price_is_compared_in_euros_at_the_rate_of_the_day_it_came(gateway: Gateway) -> None:
    """Saturday's over the weekend, by Moscow's clock, for 14 days at most; exactly at the limit nothing is due."""
    found = await assessed(gateway)
    assert {name: each["duty"] for name, each in found.items()} == {
        name: duty for name, (*_, duty) in PARCELS.items()
    }
    assert found["A CENT ABOVE"]["reason"] == "It is worth more than 1000 EUR."
    assert found["NO PRICE"]["reason"] == "What it is worth in euros is not known."
    for name, code in {"15 DAYS": "USD", "BEFORE ALL RATES": "USD", "NO RATE": "XXX"}.items():
        assert found[name]["reason"].startswith(f"Its price is in {code}, and there is no rate"), name


@pytest.mark.parametrize(
    "narrower",
    [{"scopes": ""}, {"datasets": [("ALIBABA", "accounts"), ("ALIBABA", "orders")]}],
    ids=["scopes", "datasets"],
)
async def test_who_may_not_read_the_rates_is_told_nothing_by_them(
    gateway: Gateway, narrower: dict[str, Any]
) -> None:
    """Of prices that are in euros, what is due is told all the same."""
    found = await assessed(gateway, **narrower)
    assert {found[name].pop("duty") for name in PARCELS if name != "EUROS"} == {"UNKNOWN"}
    assert found["EUROS"]["duty"] == "FREE"


async def test_the_rates_of_all_parcels_are_one_statement(gateway: Gateway) -> None:
    """Whatever the parcels, and whether there are any."""
    document = '{ shipment(trackingNumber: "0.ALIBABA") { customs { duty } } }'
    explain = """query ($document: String!) { explainAccess(document: $document) {
        levels { calls { coordinate statements { sql } } } } }"""
    scopes = f"{ALL_SCOPES['ALIBABA']} cbr:rates"
    answer = await gateway.ask(explain, "ALIBABA", scopes, variables={"document": document})
    calls = [call for level in answer["data"]["explainAccess"]["levels"] for call in level["calls"]]
    [call] = [each for each in calls if each["coordinate"] == "Shipment.customs"]
    assert len([each for each in call["statements"] if "exchange_rates" in each["sql"]]) == 1
