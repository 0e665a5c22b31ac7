"""A small world: three parties, four clients, and rows of which each party may see its part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.alibaba.commissions import alibaba_commissions
from connectors.alibaba.orders import alibaba_orders
from connectors.alibaba.products import alibaba_products
from connectors.bank.payments import bank_payments
from connectors.fund.statements import LINES
from connectors.fund.tables import (
    FIGURES,
    fund_cash_flows,
    fund_kpis,
    fund_positions,
    fund_reports,
    fund_statements,
)
from connectors.mailru.campaigns import mailru_banners, mailru_campaign_segments, mailru_campaigns
from connectors.mailru.orders import mailru_orders
from connectors.mailru.products import mailru_products, mailru_variants
from connectors.mailru.refunds import mailru_refunds
from connectors.mailru.segments import mailru_segment_members, mailru_segments
from connectors.mailru.statistics import mailru_ad_days
from gateway.access.agreements import consents
from gateway.clients.accounts import accounts, profiles
from gateway.clients.client import clients
from gateway.clients.orders import order_lines, orders
from gateway.clients.rates import exchange_rates
from gateway.shipments.parcels import (
    shipment_numbers,
    shipment_orders,
    shipments,
    tracking_events,
    trackings,
)
from gateway.store.tables import instant, metadata

Rows = Mapping[Table, Sequence[Mapping[str, Any]]]

ADA, BORIS, CLARA, DINA = 101, 202, 303, 404
"""Ada is known to both and consented to both for analytics; Boris is known to both and never consented; Clara is
Pandao's alone and lets Alibaba analyse; Dina is AliExpress's alone and consented to nothing."""

EVERYBODY = {
    "ADA": (ADA, ("ALIBABA", "MAILRU")),
    "BORIS": (BORIS, ("ALIBABA", "MAILRU")),
    "CLARA": (CLARA, ("MAILRU",)),
    "DINA": (DINA, ("ALIBABA",)),
}

TYPES = {"ALIBABA": "AlibabaOrder", "MAILRU": "PandaoOrder"}
CURRENCIES = {"ALIBABA": "USD", "MAILRU": "RUB"}


def account(party: str, name: str, client: int, region: str | None = "RU-MOW") -> dict[str, Any]:
    """A row of `accounts`."""
    since = "2016-05-01T00:00:00Z"
    return {
        "id": f"{party}:{name}",
        "party": party,
        "client_id": client,
        "member_since": since,
        "region": region,
    }


def profile(party: str, name: str, client: int) -> dict[str, Any]:
    """A row of `profiles`; its values name the party, so that a leak shows."""
    return {
        "account_id": f"{party}:{name}",
        "party": party,
        "client_id": client,
        "name": f"{name.title()} at {party.title()}",
        "email": f"{name.lower()}@{party.lower()}.example",
        "phone": "+79160000000",
        "birth_year": 1980,
    }


def order(
    party: str, number: str, name: str, client: int, placed: str, cents: int = 1000, **more: Any
) -> dict[str, Any]:
    """A row of `orders`."""
    return {
        "id": f"{TYPES[party]}:{number}",
        "party": party,
        "account_id": f"{party}:{name}",
        "client_id": client,
        "placed_at": placed,
        "placed_at_raw": placed,
        "modified_at": placed,
        "status": "COMPLETED",
        "status_raw": "FINISH" if party == "ALIBABA" else "SHIPPED",
        "total_minor": cents,
        "currency": CURRENCIES[party],
        **more,
    }


def line(order_row: Mapping[str, Any], number: int = 1, name: str = "Tea") -> dict[str, Any]:
    """A row of `order_lines`."""
    return {
        "order_id": order_row["id"],
        "line": number,
        "product_id": f"{number}",
        "name": name,
        "category": "GROCERY",
        "quantity": 1,
        "total_minor": order_row["total_minor"],
        "currency": order_row["currency"],
    }


def consent(
    client: int,
    recipient: str,
    purpose: str = "analytics",
    until: str | None = None,
    since: str = "2017-01-01T00:00:00Z",
) -> dict[str, Any]:
    """A row of `consents`."""
    return {
        "client_id": client,
        "recipient": recipient,
        "purpose": purpose,
        "valid_from": since,
        "valid_until": until,
    }


def extra(order_row: Mapping[str, Any]) -> tuple[Table, dict[str, Any]]:
    """What the partner alone says of an order: its table and row."""
    if order_row["party"] == "ALIBABA":
        return alibaba_orders, {"order_id": order_row["id"], "logistics_status": "BUYER_ACCEPT_GOODS"}
    return mailru_orders, {"order_id": order_row["id"], "transaction_id": "T1"}


def commission(order_row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `alibaba_commissions`."""
    return {
        "id": order_row["id"].partition(":")[2],
        "order_id": order_row["id"],
        "product_id": "1",
        "status": "PAID",
        "status_raw": "Payment Completed",
        "effect": None,
        "rate_bp": 700,
        "paid_minor": order_row["total_minor"],
        "commission_minor": order_row["total_minor"] * 7 // 100,
        "currency": "USD",
        "new_buyer": 1,
        "created_at": order_row["placed_at"],
    }


def product(number: str, name: str = "Tea", **more: Any) -> dict[str, Any]:
    """A row of `alibaba_products`."""
    return {
        "id": number,
        "party": "ALIBABA",
        "name": name,
        "status": "ON_SALE",
        "status_raw": "onSelling",
        "lowest_minor": 100,
        "highest_minor": 250,
        "currency": "USD",
        "image": None,
        "listed_at": "2017-01-01T00:00:00Z",
        "modified_at": "2017-01-01T00:00:00Z",
        **more,
    }


def parcel(order_row: Mapping[str, Any], place: str) -> list[tuple[Table, dict[str, Any]]]:
    """A parcel with an order in it, from China to Russia in ten days: its rows. Its number is the order's."""
    key = order_row["id"].partition(":")[2] + "." + order_row["party"]
    sent = datetime.fromisoformat(order_row["placed_at"])
    way = (("ACCEPTED", 0, "CN"), ("EXPORTED", 2, "CN"), ("IMPORTED", 5, "RU"), ("DELIVERED", 10, "RU"))
    shipment = {
        "id": f"{key}:2017",
        "tracking_number": key,
        "carrier": "RUSSIAN_POST",
        "carrier_raw": "RussianPost",
        "origin": "CN",
        "destination": "RU",
        "shipped_at": order_row["placed_at"],
    }
    tracking = {"id": f"{key}:2017:RUSSIAN_POST", "shipment_id": shipment["id"], "carrier": "RUSSIAN_POST"}
    return [
        (shipments, shipment),
        (shipment_orders, {"shipment_id": shipment["id"], "order_id": order_row["id"]}),
        (shipment_numbers, {"number": key, "shipment_id": shipment["id"], "carrier": "RUSSIAN_POST"}),
        (trackings, tracking),
        *(
            (tracking_events, event(tracking, number, milestone, sent + timedelta(days=days), place, country))
            for number, (milestone, days, country) in enumerate(way, 1)
        ),
    ]


def event(
    tracking: Mapping[str, Any], number: int, milestone: str, at: datetime, place: str, country: str
) -> dict[str, Any]:
    """A row of `tracking_events`."""
    return {
        "tracking_id": tracking["id"],
        "number": number,
        "shipment_id": tracking["shipment_id"],
        "occurred_at": instant(at),
        "occurred_at_raw": instant(at),
        "utc_offset": "+03:00",
        "zone_assumed": 0,
        "milestone": milestone,
        "code": milestone.lower(),
        "place": place,
        "country": country,
    }


def segment(number: str, name: str) -> dict[str, Any]:
    """A row of `mailru_segments`."""
    return {"id": number, "name": name, "updated_at": "2017-12-31T21:00:00Z"}


def member(number: str, name: str, client: int) -> dict[str, Any]:
    """A row of `mailru_segment_members`."""
    return {"segment_id": number, "account_id": f"MAILRU:{name}", "client_id": client}


def report(quarter: str, nav: int = 1000) -> dict[Table, list[dict[str, Any]]]:
    """A quarter of the fund in all its tables; `nav` in minor units."""
    figures = {f"{name}_minor": nav for name in FIGURES}
    of_quarter = {"report": f"{quarter}/1", "currency": "USD"}
    head = {"id": f"{quarter}/1", "quarter": quarter, "version": 1, "published_at": "2017-04-20T09:00:00Z"}
    lines = {f"{name}_minor": nav for name in LINES}
    kpi = {"name": "orders", "definition": 1, "value": "7", "unit": "count", "zone": "Europe/Moscow"}
    flow = {"kind": "CALL", "number": 1, "day": "2017-02-01", "amount_minor": nav}
    return {
        fund_reports: [{**head, "currency": "USD", "gmv_minor": None, **figures}],
        fund_positions: [{**of_quarter, "shareholder": "RDIF", "stake_bp": 1300, **figures}],
        fund_statements: [{**of_quarter, "shareholder": "RDIF", "period": "QTD", **lines}],
        fund_cash_flows: [{**of_quarter, "shareholder": "RDIF", **flow}],
        fund_kpis: [{"report": f"{quarter}/1", **kpi}],
    }


def small_world() -> Rows:
    """Each account has two orders, placed in the order of the alphabet and one party after the other."""
    known = [(name, client, party) for name, (client, parties) in EVERYBODY.items() for party in parties]
    placed = [
        order(
            party,
            f"{client}{number}",
            name,
            client,
            f"2017-0{number}-{client // 100:02}T1{len(party) % 7}:00:00Z",
        )
        for name, client, party in known
        for number in (1, 2)
    ]
    return {
        clients: [{"id": client} for client, _ in EVERYBODY.values()],
        accounts: [account(party, name, client) for name, client, party in known],
        profiles: [profile(party, name, client) for name, client, party in known],
        orders: placed,
        order_lines: [line(each) for each in placed],
        consents: [consent(ADA, "ALIBABA"), consent(ADA, "MAILRU"), consent(CLARA, "ALIBABA")],
    }


ELENA, FYODOR, GALINA, HARITON, ILYA = 505, 606, 707, 808, 909
"""Four more of Pandao's, who said to Alibaba: offers, but no analysis (Elena); until last year (Fyodor); from 2099 on
(Galina); nothing, but to the fund (Hariton). Ilya of AliExpress lets Mail.ru forecast demand, and nothing else."""

PEOPLE = {
    **EVERYBODY,
    "ELENA": (ELENA, ("MAILRU",)),
    "FYODOR": (FYODOR, ("MAILRU",)),
    "GALINA": (GALINA, ("MAILRU",)),
    "HARITON": (HARITON, ("MAILRU",)),
    "ILYA": (ILYA, ("ALIBABA",)),
}

CONSENTS = [
    consent(ADA, "ALIBABA"),
    consent(ADA, "MAILRU"),
    consent(CLARA, "ALIBABA"),
    consent(ELENA, "ALIBABA", "targeted_offers"),
    consent(FYODOR, "ALIBABA", until="2018-01-01T00:00:00Z"),
    consent(GALINA, "ALIBABA", since="2099-01-01T00:00:00Z"),
    consent(HARITON, "RDIF"),
    consent(HARITON, "RDIF", "reporting"),
    consent(ILYA, "MAILRU", "demand_forecast"),
]


def campaign(number: str, segment_id: str) -> Rows:
    """A campaign for an audience, with a banner and a day of each."""
    said = {"name": "Tea", "status": "ACTIVE", "status_raw": "active", "updated_at": "2017-12-31T21:00:00Z"}
    day = {"day": "2017-12-30", "party": "MAILRU", "shows": 100, "clicks": 7, "goals": 1, "spent_minor": 5000}
    return {
        mailru_campaigns: [{"id": number, "party": "MAILRU", "started_on": "2017-12-01", **said}],
        mailru_campaign_segments: [{"campaign_id": number, "segment_id": segment_id}],
        mailru_banners: [{"id": number, "campaign_id": number, **said}],
        mailru_ad_days: [{"subject": f"{kind}:{number}", **day} for kind in ("campaigns", "banners")],
    }


def pandao_product(number: str, name: str = "Tea", **more: Any) -> Rows:
    """A product of Pandao's, in one variant."""
    row = {"id": number, "party": "MAILRU", "name": name, "category": "TEA", "sold": 3, "image": None}
    status = {"status": "ON_SALE", "status_raw": "approved"}
    times = dict.fromkeys(("listed_at", "modified_at"), "2017-01-01T00:00:00Z")
    amounts = {"price_minor": 5740, "shipping_minor": 0, "stock": 7, "enabled": 1}
    variant = {"id": f"{number}1", "product_id": number, "sku": number, "color": "black", "size": None}
    return {mailru_products: [{**row, **status, **times, **more}], mailru_variants: [{**variant, **amounts}]}


def refund(order_row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `mailru_refunds`: all that was paid."""
    amount = order_row["total_minor"]
    paid_back = {"amount_minor": amount, "seller_minor": amount * 85 // 100, "reason": "Item is damaged"}
    return {"order_id": order_row["id"], "number": 1, "refunded_at": order_row["placed_at"], **paid_back}


def card_payment(number: str, name: str, client: int) -> dict[str, Any]:
    """A row of `bank_payments`."""
    return {
        "id": number,
        "account_id": f"BANK:{name}",
        "client_id": client,
        "status": "SETTLED",
        "status_raw": "settled",
        "settled_at": "2017-03-01T12:00:00Z",
        "total_minor": 1250,
        "currency": "RUB",
    }


def speaking_world() -> Rows:
    """Everybody, in rows that say whose they are: a region is `ADA at ALIBABA`, an order `PandaoOrder:ADA`.

    Orders were placed in 2017, in the month of their client's letter (Ada's in January).
    """
    known = [(name, client, party) for name, (client, parties) in PEOPLE.items() for party in parties]
    placed = [
        order(party, name, name, client, f"2017-{client // 101:02}-01T00:00:00Z")
        for name, client, party in known
    ]
    extras = [extra(each) for each in placed]
    packed = [row for each in placed for row in parcel(each, each["account_id"].partition(":")[2])]
    at_mailru = [(name, client) for name, client, party in known if party == "MAILRU"]
    return {
        clients: [{"id": client} for client, _ in PEOPLE.values()],
        accounts: [account(party, name, client, f"{name} at {party}") for name, client, party in known],
        profiles: [profile(party, name, client) for name, client, party in known],
        orders: placed,
        order_lines: [line(each, name=f"Tea of {each['account_id']}") for each in placed],
        alibaba_orders: [row for table, row in extras if table is alibaba_orders],
        alibaba_products: [product("1")],
        alibaba_commissions: [commission(each) for each in placed if each["party"] == "ALIBABA"],
        mailru_orders: [row for table, row in extras if table is mailru_orders],
        **pandao_product("1"),
        mailru_refunds: [refund(each) for each in placed if each["party"] == "MAILRU"],
        mailru_segments: [segment("7", "Tea lovers"), segment("8", "BORIS and no other")],
        mailru_segment_members: [
            *(member("7", name, client) for name, client in at_mailru),
            member("8", "BORIS", BORIS),
        ],
        **campaign("3", "7"),
        **{table: [row for one, row in packed if one is table] for table, _ in packed},
        consents: CONSENTS,
        **report("2017Q1"),
        bank_payments: [card_payment("1", "ADA", ADA), card_payment("2", "BORIS", BORIS)],
        exchange_rates: [
            {"currency": "USD", "effective_on": "2017-12-30", "nominal": 1, "roubles": "57.6002"}
        ],
    }


async def write(connection: AsyncConnection, rows: Rows) -> None:
    """Insert the rows, parents first."""
    for table in sorted(rows, key=metadata.sorted_tables.index):
        if rows[table]:
            await connection.execute(insert(table), [dict(row) for row in rows[table]])
