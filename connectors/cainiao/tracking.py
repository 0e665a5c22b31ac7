"""Tracking: Cainiao is asked about the open parcels that it carries, twenty numbers a call.

An event has no place of its own; a town stands in brackets before its text. That text is the partner's standard one,
for its own may name people. The number that the last mile gives is kept beside the parcel's; where Russian Post is said
to bring it, it is Russian Post that is asked about it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from connectors.cainiao.answers import MOST, Told, told
from connectors.cainiao.clocks import occurred
from connectors.cainiao.codes import milestone
from gateway.connector import (
    Batch,
    Carrier,
    Cursor,
    Dataset,
    Row,
    Rows,
    Terms,
    Unreadable,
    Upstream,
    alike_together,
    instant,
    open_parcels,
    shipment_numbers,
    tracking_events,
    tracking_id,
    tracking_number,
    trackings,
)

CARRIER = Carrier.CAINIAO.value

AT_ONCE = 100
"""Parcels of a batch, which are asked about in as many calls at a time as the terms allow."""

terms = Terms(concurrency=4, deadline=20.0)
"""What the service holds its callers to is not known; so few calls at a time."""

_TOWN = re.compile(r"\s*\[([^\[\]]{1,80})\]")
_NUMBER = re.compile(r"[A-Z0-9]{6,40}")


async def pull_parcels(upstream: Upstream, cursor: Cursor, parcels: Sequence[Row]) -> AsyncIterator[Batch]:
    """What Cainiao knows of these parcels, from the number behind the cursor's on; at the end, from the first."""
    after = cursor.get("after", "")
    left = [parcel for parcel in parcels if parcel.number > after]
    for asked in alike_together(left, AT_ONCE):
        yield Batch(await _records(upstream, asked), {"after": asked[-1].number}, len(parcels))
    yield Batch([], {}, len(parcels))


async def _records(upstream: Upstream, parcels: Sequence[Row]) -> list[dict[str, Any]]:
    numbers = list(dict.fromkeys(parcel.number for parcel in parcels))
    calls = [numbers[start : start + MOST] for start in range(0, len(numbers), MOST)]
    known: Told = {}
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(told(upstream, each)) for each in calls]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    for task in tasks:
        known |= task.result()
    return [
        {"number": parcel.number, "shipment_id": parcel.shipment_id, "parcel": known[parcel.number]}
        for parcel in parcels
        if parcel.number in known
    ]


def read_parcel(record: Any) -> Rows:
    """A parcel's history as a tracking with its events, and its other number. Raises `Unreadable`."""
    asked = _fields(record, "record")
    number, shipment = _text(asked, "number"), _text(asked, "shipment_id")
    if isinstance(asked.get("parcel"), str):
        raise Unreadable("Cainiao does not tell of this number")
    parcel = _fields(asked.get("parcel"), "parcel")
    if tracking_number(_text(parcel, "mailNo")) != number:
        raise Unreadable("the answer is about another parcel")
    listed = parcel.get("detailList")
    if not isinstance(listed, list) or not listed:
        raise Unreadable("detailList is not a list of events")
    key = {"tracking_id": tracking_id(shipment, CARRIER), "shipment_id": shipment}
    events = _events([_fields(each, "event") for each in listed])
    status = _optional(parcel, "status")
    tracking = {"id": key["tracking_id"], "shipment_id": shipment, "carrier": CARRIER, "status_raw": status}
    numbered = [{**key, "number": place, **event} for place, event in enumerate(events, 1)]
    return {trackings: [tracking], tracking_events: numbered, **_last_mile(parcel, number, shipment)}


def _events(listed: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events, oldest first; those of one moment in the order in which they came, which is newest first."""
    told = [(occurred(each), each) for each in reversed(listed)]
    told.sort(key=lambda each: each[0].at)
    codes = [_text(event, "actionCode") for _, event in told]
    return [
        {
            "occurred_at": instant(at),
            "occurred_at_raw": raw,
            "utc_offset": at.isoformat()[-6:],
            "zone_assumed": int(assumed),
            "milestone": milestone(codes[place], codes[:place]).value,
            "code": codes[place],
            "description": _TOWN.sub("", _optional(event, "standerdDesc") or "", count=1).strip() or None,
            "place": _town(event),
            "country": None,
        }
        for place, ((at, raw, assumed), event) in enumerate(told)
    ]


def _town(event: Mapping[str, Any]) -> str | None:
    """The town that stands in brackets before a text."""
    texts = (_optional(event, name) or "" for name in ("desc", "standerdDesc"))
    found = next(filter(None, (_TOWN.match(text) for text in texts)), None)
    return found[1].strip() or None if found else None


def _last_mile(parcel: Mapping[str, Any], number: str, shipment: str) -> Rows:
    """The number that whoever brings it has given it, if it is another."""
    said = _optional(parcel, "copyRealMailNo") or (_optional(parcel, "realMailNo") or "").rpartition("\t")[2]
    other = tracking_number(said)
    if not _NUMBER.fullmatch(other) or other == number:
        return {}
    name = _optional(_fields(parcel.get("destCpInfo") or {}, "destCpInfo"), "cpName") or ""
    carrier = Carrier.RUSSIAN_POST if name.casefold() in _RUSSIAN_POST else Carrier.UNKNOWN
    return {shipment_numbers: [{"number": other, "shipment_id": shipment, "carrier": carrier.value}]}


_RUSSIAN_POST = {"russian post", "russia post", "pochta rossii", "почта россии"}


def _fields(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable(f"{name} is not an object")
    return value


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{name} is not a text")
    return value


def _optional(fields: Mapping[str, Any], name: str) -> str | None:
    return _text(fields, name) if fields.get(name) else None


parcels = Dataset(
    "parcels",
    pull_parcels,
    read_parcel,
    covers={},
    children={tracking_events: "tracking_id"},
    about=open_parcels(Carrier.CAINIAO),
    identity=("shipment_id",),
)
