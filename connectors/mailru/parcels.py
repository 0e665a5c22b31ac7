"""Parcels: in which one an order of Pandao was sent, as the order itself says.

Documented for the family: `tracking_number`, `shipping_provider`, `shipped_date`, and the country of `ShippingDetail`.
Modelled: that all is sent from China. Orders of one checkout share a number where they are sent together.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.mailru.values import Fields, moment, text, text_or_none
from gateway.connector import (
    Carrier,
    Rows,
    Unreadable,
    shipment_id,
    shipment_numbers,
    shipment_orders,
    shipments,
    tracking_number,
)

CARRIERS: Mapping[str, Carrier] = {
    "RussianPost": Carrier.RUSSIAN_POST,
    "ChinaPost": Carrier.CHINA_POST,
    "Cainiao": Carrier.CAINIAO,
}
"""The providers in the shared words; one that is not here is UNKNOWN."""


def parcel_rows(order: Fields, identity: str) -> Rows:
    """The parcel of an order that was sent and says its number; no rows otherwise. Raises `Unreadable`."""
    written = text_or_none(order, "tracking_number")
    if written is None or not text_or_none(order, "shipped_date"):
        return {}
    number = tracking_number(written)
    sent = moment(order, "shipped_date")
    provider = text(order, "shipping_provider")
    carrier = CARRIERS.get(provider, Carrier.UNKNOWN).value
    key = shipment_id(number, datetime.fromisoformat(sent))
    shipment = {
        "id": key,
        "tracking_number": number,
        "carrier": carrier,
        "carrier_raw": provider,
        "origin": "CN",
        "destination": _country(order),
        "shipped_at": sent,
    }
    return {
        shipments: [shipment],
        shipment_numbers: [{"number": number, "shipment_id": key, "carrier": carrier}],
        shipment_orders: [{"shipment_id": key, "order_id": identity}],
    }


def _country(order: Fields) -> str | None:
    detail: Any = order.get("ShippingDetail") or {}
    if not isinstance(detail, dict):
        raise Unreadable("ShippingDetail is not an object")
    country = text_or_none(detail, "country")
    if country is not None and not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise Unreadable("country is not a country's code")
    return country and country.upper()
