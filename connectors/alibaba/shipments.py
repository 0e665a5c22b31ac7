"""Shipments: in which parcels orders were sent, for the tables that all carriers and marketplaces share.

Modelled, not documented: `aliexpress.jv.parcel.list`, a list of the venture's own in the manner of the order list. Its
elements are documented elsewhere: `logistic_info_list` is the order detail's, of which a whole base would need one call
an order. That everything is sent from China is modelled too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.alibaba.fields import fields, listed, money, optional, text, whole
from connectors.alibaba.listings import Listing
from connectors.alibaba.pacific import moment
from gateway.connector import (
    Carrier,
    Dataset,
    Rows,
    Unreadable,
    instant,
    shipment_id,
    shipment_numbers,
    shipment_orders,
    shipments,
    tracking_number,
)

METHOD = "aliexpress.jv.parcel.list"

CARRIERS: Mapping[str, Carrier] = {
    "CAINIAO_STANDARD": Carrier.CAINIAO,
    "CAINIAO_ECONOMY": Carrier.CAINIAO,
    "CAINIAO_PREMIUM": Carrier.CAINIAO,
    "CPAM": Carrier.CHINA_POST,
    "EMS": Carrier.CHINA_POST,
}
"""The services in the shared words; one that is not here is UNKNOWN."""


def read_shipments(record: Any) -> Rows:
    """One `parcel_dto`: an order, and what it was sent in. Raises `Unreadable`."""
    order = fields(record, "parcel")
    order_id = f"AlibabaOrder:{whole(order, 'order_id')}"
    sent = listed(order.get("logistic_info_list"), "global_aeop_tp_logistic_info_dto")
    paid = money(order, "order_amount")
    # Of an order in several parcels nobody says how its price is shared out among them.
    worth = paid if len(sent) == 1 else None
    country = _country(order)
    found = [
        _shipment(fields(each, "logistic_info"))
        | {"destination": country, "value_minor": worth and worth.minor, "currency": worth and worth.currency}
        for each in sent
    ]
    named = {row["id"]: row for row in found}.values()
    return {
        shipments: list(named),
        shipment_numbers: [
            {"number": row["tracking_number"], "shipment_id": row["id"], "carrier": row["carrier"]}
            for row in named
        ],
        shipment_orders: [{"shipment_id": row["id"], "order_id": order_id} for row in named],
    }


def _shipment(record: Mapping[str, Any]) -> dict[str, Any]:
    number = tracking_number(text(record, "logistics_no"))
    if not number:
        raise Unreadable("logistics_no is no number")
    service = text(record, "logistics_type_code")
    sent = moment(record.get("gmt_send"), "gmt_send")
    return {
        "id": shipment_id(number, sent),
        "tracking_number": number,
        "carrier": CARRIERS.get(service, Carrier.UNKNOWN).value,
        "carrier_raw": service,
        "origin": "CN",
        "shipped_at": instant(sent),
    }


def _country(record: Mapping[str, Any]) -> str | None:
    found = optional(record, "country")
    if found is not None and not (len(found) == 2 and found.isascii() and found.isalpha()):
        raise Unreadable("country is not a country's code")
    return found and found.upper()


parcel_list = Listing(METHOD, "parcel_dto")

dataset = Dataset(
    name="shipments",
    pull=parcel_list.pull,
    read=read_shipments,
    covers={"orders": "alibaba:read"},
    children={shipment_orders: "order_id"},
    identity=("order_id",),
)
