"""Parcels of an order as AliExpress follows them at this moment: a live field.

Documented by the partner: `aliexpress.ds.order.tracking.get` with `ae_order_id` and `language`, one order a call, and
in its answer `ret`, `code` (1001 where nothing is known yet), `tracking_detail` and `detail_node` with milliseconds as
text or number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import strawberry

from connectors.alibaba.calls import call
from connectors.alibaba.fields import fields, listed, optional, text, whole
from connectors.alibaba.live import COST, answers, partner_id
from connectors.alibaba.refusals import refusal
from gateway.connector import Access, DateTime, Row, Unreadable, Upstream, batch, instant, list_size, requires

METHOD = "aliexpress.ds.order.tracking.get"
NOTHING_KNOWN = "1001"

_LATEST = 253_402_300_799_000
"""The last millisecond that a date can have."""


class Event(NamedTuple):
    """A node of a parcel's way."""

    occurred_at: str
    name: str
    description: str | None


class Parcel(NamedTuple):
    """A parcel and its way so far, newest first."""

    tracking_number: str
    carrier: str | None
    expected_at: str | None
    events: list[Event]


@strawberry.type(directives=[requires("alibaba:read")])
class AlibabaTrackingEvent:
    """Something that happened to a parcel, in AliExpress's words."""

    occurred_at: DateTime
    name: str
    description: str | None


@strawberry.type(directives=[requires("alibaba:read")])
class AlibabaParcel:
    """A parcel of an order, as AliExpress follows it."""

    tracking_number: str = strawberry.field(description="The carrier's number of it.")
    carrier: str | None = strawberry.field(description="Who carries it, in AliExpress's words.")
    expected_at: DateTime | None = strawberry.field(description="When it should arrive.")
    events: list[AlibabaTrackingEvent] = strawberry.field(
        description="What happened to it so far, newest first.", directives=[list_size(10)]
    )


async def order_parcels(rows: Sequence[Row], access: Access) -> list[list[Parcel] | Exception | None]:
    """Where the order's parcels are at this moment: AliExpress is asked, once for each order.

    Empty where AliExpress knows of none yet.
    """
    return await answers(access, [partner_id(row.id) for row in rows], _parcels)


tracking = batch(order_parcels, needs=["id"], list_size=2, cost=COST)
"""The field of an order."""


async def _parcels(upstream: Upstream, order: str) -> list[Parcel]:
    found = await call(upstream, METHOD, {"ae_order_id": order, "language": "en_US"}, shared=True)
    return read_parcels(fields(found.get("result"), "result"))


def read_parcels(result: Mapping[str, Any]) -> list[Parcel]:
    """The parcels in a result. Raises `PartnerError`, and `Unreadable`."""
    # `msg` is there beside a success too, and then means nothing.
    if str(result.get("ret")).lower() != "true":
        if str(result.get("code")) == NOTHING_KNOWN:
            return []
        raise refusal({"code": result.get("code"), "msg": result.get("msg")}, METHOD)
    details = listed(
        fields(result.get("data") or {}, "data").get("tracking_detail_line_list"), "tracking_detail"
    )
    return [_parcel(fields(each, "tracking_detail")) for each in details]


def _parcel(detail: Mapping[str, Any]) -> Parcel:
    nodes = listed(detail.get("detail_node_list"), "detail_node")
    events = [_event(fields(node, "detail_node")) for node in nodes]
    return Parcel(
        text(detail, "mail_no"),
        optional(detail, "carrier_name"),
        _moment(detail, "eta_time_stamps") if detail.get("eta_time_stamps") else None,
        sorted(events, key=lambda event: event.occurred_at, reverse=True),
    )


def _event(node: Mapping[str, Any]) -> Event:
    said = optional(node, "tracking_detail_desc")
    return Event(_moment(node, "time_stamp"), optional(node, "tracking_name") or said or "", said)


def _moment(record: Mapping[str, Any], name: str) -> str:
    milliseconds = whole(record, name)
    if milliseconds > _LATEST:
        raise Unreadable(f"{name} is no moment")
    return instant(datetime.fromtimestamp(milliseconds // 1000, UTC))
