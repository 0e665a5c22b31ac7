"""EPCIS: a parcel's events as a document of GS1's EPCIS 2.0, in JSON-LD with the words of CBV 2.0.

Each event is an `ObjectEvent` of the parcel. Its `eventID` is always the same, so that who captures a document twice
keeps each event once. Parcels, orders and places have no GS1 keys; their URIs are the gateway's own, as CBV allows, and
so is the one disposition that CBV lacks. What each milestone is in CBV's words is modelled; no source maps carriers.
The tests hold documents to GS1's published JSON schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from gateway.access.request import Access
from gateway.shipments.events import OLDEST_FIRST
from gateway.shipments.parcels import shipment_orders, tracking_events
from gateway.store.queries import Row
from gateway.store.tables import instant

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"

STEPS: Mapping[str, tuple[str, str]] = {
    "ANNOUNCED": ("commissioning", "active"),
    "ACCEPTED": ("accepting", "in_progress"),
    "IN_TRANSIT": ("transporting", "in_transit"),
    "EXPORTED": ("departing", "in_transit"),
    "TRANSIT_ARRIVED": ("arriving", "in_transit"),
    "TRANSIT_DEPARTED": ("departing", "in_transit"),
    "IMPORTED": ("arriving", "in_transit"),
    "CUSTOMS_ENTERED": ("inspecting", "in_progress"),
    "CUSTOMS_CLEARED": ("inspecting", "urn:silk-road:disposition:released"),
    "OUT_FOR_DELIVERY": ("departing", "in_transit"),
    "AT_PICKUP_POINT": ("arriving", "available"),
    "DELIVERY_FAILED": ("holding", "in_progress"),
    "DELIVERED": ("receiving", "retail_sold"),
    "RETURNING": ("shipping", "returned"),
    "RETURNED": ("receiving", "returned"),
    "LOST": ("other", "unknown"),
    "UNKNOWN": ("other", "unknown"),
}
"""The business step and the disposition of each milestone."""

Document = dict[str, Any]

_OFFSET = re.compile(r"[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00)")

_EVENT = (
    *("tracking_id", "number", "occurred_at", "utc_offset"),
    *("milestone", "code", "place", "country"),
)


async def epcis_documents(rows: Sequence[Row], access: Access) -> list[Document]:
    """Its events as a document of EPCIS 2.0 in JSON-LD, for whoever captures such."""
    ids = [row.id for row in rows]
    events = await access.rows(tracking_events, "shipment_id", ids, _EVENT, OLDEST_FIRST)
    orders = await access.rows(shipment_orders, "shipment_id", ids, ("order_id",), (("order_id", False),))
    return [
        _document(row.tracking_number, found, [each.order_id for each in of])
        for row, found, of in zip(rows, events, orders, strict=True)
    ]


def _document(number: str, events: Sequence[Row], orders: Sequence[str]) -> Document:
    return {
        "@context": CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": instant(datetime.now(UTC)),
        "epcisBody": {"eventList": [_event(number, each, orders) for each in events]},
    }


def _event(number: str, event: Row, orders: Sequence[str]) -> Document:
    step, disposition = STEPS[event.milestone]
    # A position may come to be another event's when a carrier corrects itself; what is told of makes the id.
    told = f"{event.tracking_id} {event.occurred_at} {event.code} {event.place}"
    found: Document = {
        "type": "ObjectEvent",
        "eventID": f"urn:uuid:{uuid5(NAMESPACE_URL, told)}",
        "eventTime": event.occurred_at,
        # What no place on earth has EPCIS does not take; the time itself is told in UTC.
        "eventTimeZoneOffset": event.utc_offset if _OFFSET.fullmatch(event.utc_offset) else "+00:00",
        "epcList": [_uri("parcel", number)],
        "action": "ADD" if event.milestone == "ANNOUNCED" else "OBSERVE",
        "bizStep": step,
        "disposition": disposition,
        "bizTransactionList": [{"type": "po", "bizTransaction": _uri("order", each)} for each in orders],
    }
    place = [part for part in (event.country, event.place) if part]
    return found | ({"readPoint": {"id": _uri("place", *place)}} if place else {})


def _uri(kind: str, *parts: str) -> str:
    return ":".join(["urn:silk-road", kind, *(quote(part, safe="") for part in parts)])
