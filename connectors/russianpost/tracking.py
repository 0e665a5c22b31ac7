"""Tracking: Russian Post is asked about each open parcel that it carries, one number a call.

The service takes one number at a time; free logins are said to have about a hundred calls a day, those of a contract
more, so what the login has is for the operator to know. Times come with an offset; one without is taken for Moscow's
and marked. An answer about another number is put aside (it is not this parcel that was delivered).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.russianpost.operations import milestone
from connectors.russianpost.soap import operation_history
from gateway.connector import (
    Batch,
    Carrier,
    Cursor,
    Dataset,
    Kind,
    PartnerError,
    Row,
    Rows,
    Terms,
    Unreadable,
    Upstream,
    alike_together,
    instant,
    open_parcels,
    tracking_events,
    tracking_id,
    tracking_number,
    trackings,
)

CARRIER = Carrier.RUSSIAN_POST.value
MOSCOW = ZoneInfo("Europe/Moscow")

AT_ONCE = 50
"""Parcels of a batch; as many of them are asked about at a time as the terms allow."""

terms = Terms(concurrency=8, deadline=20.0)


async def pull_operations(upstream: Upstream, cursor: Cursor, parcels: Sequence[Row]) -> AsyncIterator[Batch]:
    """What Russian Post knows of these parcels, from the number behind the cursor's on; at the end, from the first."""
    after = cursor.get("after", "")
    left = [parcel for parcel in parcels if parcel.number > after]
    for asked in alike_together(left, AT_ONCE):
        known = await _records(upstream, asked)
        yield Batch([each for each in known if each["history"]], {"after": asked[-1].number}, len(parcels))
    yield Batch([], {}, len(parcels))


async def _records(upstream: Upstream, parcels: Sequence[Row]) -> list[dict[str, Any]]:
    try:
        async with asyncio.TaskGroup() as group:
            found = [group.create_task(_record(upstream, parcel)) for parcel in parcels]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in found]


async def _record(upstream: Upstream, parcel: Row) -> dict[str, Any]:
    """A parcel and its history; where it cannot be told for this parcel alone, the code of that in its place."""
    try:
        history: object = await operation_history(upstream, parcel.number)
    except PartnerError as error:
        if error.kind not in (Kind.BUSINESS, Kind.DRIFT):
            raise
        history = error.code or error.kind.value
    return {
        "number": parcel.number,
        "shipment_id": parcel.shipment_id,
        "origin": parcel.origin,
        "destination": parcel.destination,
        "history": history,
    }


def read_operations(record: Any) -> Rows:
    """A parcel's history as a tracking with its events. Raises `Unreadable`."""
    parcel = _fields(record, "parcel")
    number, shipment = _text(parcel, "number"), _text(parcel, "shipment_id")
    history = parcel.get("history")
    if not isinstance(history, list) or not history:
        raise Unreadable("history is not a list of operations")
    key = {"tracking_id": tracking_id(shipment, CARRIER), "shipment_id": shipment}
    operations = [_fields(each, "historyRecord") for each in history]
    if any(_barcode(each) != tracking_number(number) for each in operations):
        raise Unreadable("the answer is about another parcel")
    events = sorted((_event(each, parcel) for each in operations), key=lambda event: event["occurred_at"])
    tracking = {
        "id": key["tracking_id"],
        "shipment_id": shipment,
        "carrier": CARRIER,
        "status_raw": events[-1]["code"],
        "weight_grams": max(map(_grams, operations)) or None,
    }
    return {
        trackings: [tracking],
        tracking_events: [{**key, "number": number, **event} for number, event in enumerate(events, 1)],
    }


def _event(operation: Mapping[str, Any], parcel: Mapping[str, Any]) -> dict[str, Any]:
    parameters = _fields(operation.get("OperationParameters"), "OperationParameters")
    kind, attribute = (_fields(parameters.get(name) or {}, name) for name in ("OperType", "OperAttr"))
    code = _whole(kind, "Id"), _whole(attribute, "Id") if attribute.get("Id") else 0
    address = _fields(operation.get("AddressParameters") or {}, "AddressParameters")
    country = _country(address)
    raw = _text(parameters, "OperDate")
    moment, assumed = _moment(raw)
    return {
        "occurred_at": instant(moment),
        "occurred_at_raw": raw,
        "utc_offset": moment.isoformat()[-6:],
        "zone_assumed": int(assumed),
        "milestone": milestone(*code, country, parcel.get("origin"), parcel.get("destination")).value,
        "code": f"{code[0]}/{code[1]}",
        "description": ": ".join(filter(None, (_optional(kind, "Name"), _optional(attribute, "Name"))))
        or None,
        "place": _place(address),
        "country": country,
    }


def _moment(raw: str) -> tuple[datetime, bool]:
    """The moment of an operation, and whether its zone had to be assumed."""
    try:
        found = datetime.fromisoformat(raw)
    except ValueError:
        raise Unreadable("OperDate is not a moment") from None
    if not 1970 < found.year < 9999:
        raise Unreadable("OperDate is of no time that can be")
    offset = found.utcoffset()
    if offset is not None and offset.total_seconds() % 60:
        raise Unreadable("OperDate has no offset of whole minutes")
    return (found, False) if offset is not None else (found.replace(tzinfo=MOSCOW), True)


def _barcode(operation: Mapping[str, Any]) -> str:
    item = _fields(operation.get("ItemParameters"), "ItemParameters")
    return tracking_number(_text(item, "Barcode"))


def _grams(operation: Mapping[str, Any]) -> int:
    item = _fields(operation.get("ItemParameters"), "ItemParameters")
    return _whole(item, "Mass") if item.get("Mass") else 0


def _country(address: Mapping[str, Any]) -> str | None:
    code = _optional(_fields(address.get("CountryOper") or {}, "CountryOper"), "Code2A")
    if code is not None and not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise Unreadable("Code2A is not a country")
    return code and code.upper()


def _place(address: Mapping[str, Any]) -> str | None:
    place = _fields(address.get("OperationAddress") or {}, "OperationAddress")
    return " ".join(filter(None, (_optional(place, "Index"), _optional(place, "Description")))) or None


def _fields(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable(f"{name} is not an element with others")
    return value


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{name} is not a text")
    return value


def _optional(record: Mapping[str, Any], name: str) -> str | None:
    return _text(record, name) if record.get(name) else None


def _whole(record: Mapping[str, Any], name: str) -> int:
    value = _text(record, name)
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise Unreadable(f"{name} is not a whole number")
    return int(value)


operations = Dataset(
    "operations",
    pull_operations,
    read_operations,
    covers={},
    children={tracking_events: "tracking_id"},
    about=open_parcels(Carrier.RUSSIAN_POST),
    identity=("shipment_id",),
)
