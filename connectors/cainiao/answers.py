"""Answers of Cainiao's public tracking: `GET /global/detail.json?mailNos=A,B&lang=en-US`.

Read in the service's own answers, for it is not documented: `{success, module: [{mailNo, status, detailList: […]}]}`,
newest event first; a single parcel may be an object and no list, and its place may be called `data` or `modules`. For a
number that it does not know it answers with success and nothing, and it may tell of a parcel that nobody asked for. Of
an event's own text only the town in brackets before it is read: the rest may name people, as other parts of it do.
Assumed: an answer without success is about one of the numbers asked for. Where all of them are refused, most of a batch
cannot be read, and the pull ends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.connector import Answer, Kind, PartnerError, Request, Upstream, tracking_number

PATH = "/global/detail.json"

MOST = 20
"""Numbers in a call; how many there may be is not known."""

_PLACES = ("module", "modules", "data")

_FIELDS = ("mailNo", "status", "realMailNo", "copyRealMailNo", "destCpInfo")
_OF_EVENT = ("time", "timeStr", "timeZone", "standerdDesc", "actionCode")

_TOWN = re.compile(r"\s*(\[[^\[\]]{1,80}\])")

Fields = Mapping[str, Any]


Told = dict[str, Any]
"""What is known of parcels, by number: fields; of one that Cainiao does not tell of, a text that says why."""


async def told(upstream: Upstream, numbers: Sequence[str]) -> Told:
    """What is known of these parcels; who is in none of it is not known. Raises `PartnerError`.

    One number may spoil the answer for all that are asked about with it, so it is looked for by halves.
    """
    try:
        return await _told(upstream, numbers)
    except PartnerError as error:
        if error.kind not in (Kind.BUSINESS, Kind.DRIFT):
            raise
        if len(numbers) == 1:
            return {numbers[0]: error.kind.value}
    half = len(numbers) // 2
    return await told(upstream, numbers[:half]) | await told(upstream, numbers[half:])


async def _told(upstream: Upstream, numbers: Sequence[str]) -> Told:
    query = {"mailNos": ",".join(numbers), "lang": "en-US"}
    found = await upstream.read(lambda: Request("GET", PATH, query, name=PATH), accept)
    of = {tracking_number(str(each.get("mailNo"))): each for each in found}
    return {number: _kept(of[number]) for number in numbers if of.get(number, {}).get("detailList")}


def accept(answer: Answer) -> list[Fields]:
    """The parcels in an answer. Raises `PartnerError`."""
    if answer.status == 429:
        raise PartnerError(Kind.THROTTLED, "Cainiao asks to wait")
    if answer.status >= 500:
        raise PartnerError(Kind.TRANSIENT, f"Cainiao failed (HTTP {answer.status})")
    body = answer.json()
    if not isinstance(body, dict) or "success" not in body:
        raise PartnerError(Kind.DRIFT, f"the answer (HTTP {answer.status}) is not of the known form")
    if body["success"] is not True:
        raise PartnerError(Kind.BUSINESS, "Cainiao says that it did not succeed")
    found: Any = next((body[name] for name in _PLACES if body.get(name)), [])
    parcels = [found] if isinstance(found, dict) else found
    if not isinstance(parcels, list) or not all(isinstance(each, dict) for each in parcels):
        raise PartnerError(Kind.DRIFT, "the answer holds no parcels")
    return parcels


def _kept(parcel: Fields) -> dict[str, Any]:
    """What is read of a parcel, and no more, for records that cannot be read are put aside as they are."""
    kept = {name: parcel[name] for name in _FIELDS if name in parcel}
    if isinstance(kept.get("destCpInfo"), dict):
        kept["destCpInfo"] = {"cpName": kept["destCpInfo"].get("cpName")}
    events = parcel["detailList"]
    return {**kept, "detailList": [_event(each) for each in events] if isinstance(events, list) else events}


def _event(event: Any) -> Any:
    if not isinstance(event, dict):
        return None
    town = _TOWN.match(str(event.get("desc")))
    return {name: event[name] for name in _OF_EVENT if name in event} | {"desc": town[1] if town else ""}
