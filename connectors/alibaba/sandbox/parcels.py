"""Parcels: where the goods of an order are, as `aliexpress.ds.order.tracking.get` and the order's detail tell it.

As the partner's own answers have it: `ret`, `code` and `msg` beside `data`, the code 1001 where nothing is known, the
wrappers `tracking_detail` and `detail_node`, newest first, milliseconds as text. Modelled: the way a parcel takes, and
`aliexpress.jv.parcel.list`, a list of the venture's own with the parcels of each order, for sixty days.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import orjson

from connectors.alibaba.pacific import moment
from connectors.alibaba.sandbox.furnishing import mixed_of
from connectors.alibaba.sandbox.listings import Condition, Filter, Listing, Record, wrapped
from connectors.alibaba.sandbox.orders import money
from connectors.alibaba.sandbox.rows import order_row

_WAY = (
    (0.04, "Accepted by carrier", "Your package has been accepted by the carrier"),
    (0.20, "Departed country of origin", "Your package left the country of origin"),
    (0.55, "Arrived at destination country", "Your package arrived in the destination country"),
    (0.62, "Import customs clearance complete", "Customs let your package go"),
    (0.90, "Out for delivery", "Your package is out for delivery"),
    (1.00, "Delivered", "Your package was delivered"),
)
_USUAL = timedelta(days=11)

_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


class Parcel(NamedTuple):
    """A parcel: its number, who carries it under which service, and when it was sent and received."""

    number: str
    carrier: str
    service: str
    sent: str
    received: str | None


def parcels(row: sqlite3.Row) -> list[Parcel]:
    """The parcels of an order; none before it is sent, two of one order in thirty."""
    if row["sent"] is None:
        return []
    mixed = mixed_of(row["id"])
    received = row["modified"] if row["status"] == "FINISH" else None
    kinds = [_parcel(mixed, part) for part in range(2 if mixed % 30 == 0 else 1)]
    return [Parcel(*kind, row["sent"], received) for kind in kinds]


def _parcel(mixed: int, part: int) -> tuple[str, str, str]:
    if mixed % 5 < 3:
        return f"LP{mixed * 2 + part:014d}", "AliExpress Standard Shipping", "CAINIAO_STANDARD"
    return _registered(mixed + part), "China Post Registered Air Mail", "CPAM"


def _registered(value: int) -> str:
    """A registered item's number by UPU S10: letters, eight digits, their check digit, the country."""
    digits = f"{value % 10**8:08d}"
    letters = "RLCU"[value // 10**8 % 4] + chr(65 + value // (4 * 10**8) % 26)
    rest = 11 - sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True)) % 11
    return f"{letters}{digits}{ {10: 0, 11: 5}.get(rest, rest) }CN"


def country(id_: int) -> str:
    """Where an order goes: to Russia, but for one in twenty, which goes on from there."""
    mixed = mixed_of(id_)
    return ("FI", "DE", "PL", "FR")[mixed // 20 % 4] if mixed % 20 == 7 else "RU"


def logistics(parcel: Parcel) -> Record:
    """A parcel as an order's detail names it."""
    found: Record = {
        "logistics_no": parcel.number,
        "logistics_type_code": parcel.service,
        "logistics_service_name": parcel.carrier,
        "gmt_send": parcel.sent,
        "receive_status": "received" if parcel.received else "default",
        "have_tracking_info": True,
    }
    return found | ({"gmt_received": parcel.received} if parcel.received else {})


def sent_order(row: sqlite3.Row, simplify: bool) -> Record:
    """One `parcel_dto` of the modelled `aliexpress.jv.parcel.list`: an order that was sent lately, and in what."""
    found = [logistics(each) for each in parcels(row)]
    return {
        "order_id": row["id"],
        "country": country(row["id"]),
        "order_amount": money(sum(line[4] for line in orjson.loads(row["lines"]))),
        "gmt_update": row["modified"],
        "logistic_info_list": wrapped(found, "global_aeop_tp_logistic_info_dto", simplify),
    }


def tracked(asked: Filter) -> Condition:
    """The orders whose parcels are still listed."""
    return Condition("tracked = 1", ())


sent_orders = Listing("orders", "parcel_dto", sent_order, tracked)


def tracking(database: sqlite3.Connection, parameters: Mapping[str, str]) -> Record:
    """`aliexpress.ds.order.tracking.get`: an order's parcels and their ways so far. Raises `CallError`."""
    found = parcels(order_row(database, parameters.get("ae_order_id"), "ae_order_id"))
    if not found:
        return {"result": {"ret": False, "code": "1001", "msg": "TRACKING DATA NOT FOUND"}}
    simplify = parameters.get("simplify") == "true"
    (until,) = database.execute("SELECT max(modified) FROM orders WHERE status <> 'FINISH'").fetchone()
    now = (
        moment(until, "modified") if until else datetime.max.replace(tzinfo=moment(found[0].sent, "").tzinfo)
    )
    details = [_detail(each, now, simplify) for each in found]
    return {
        "result": {
            "ret": True,
            "code": "0",
            "msg": "success",
            "data": {"tracking_detail_line_list": wrapped(details, "tracking_detail", simplify)},
        }
    }


def _newest(database: sqlite3.Connection) -> datetime:
    """The moment until which the books tell what happened."""
    (until,) = database.execute("SELECT max(modified) FROM orders WHERE status <> 'FINISH'").fetchone()
    return moment(until, "modified") if until else datetime.now(UTC)


def _detail(parcel: Parcel, now: datetime, simplify: bool) -> Record:
    sent = moment(parcel.sent, "sent")
    span = moment(parcel.received, "received") - sent if parcel.received else _USUAL
    nodes: list[Record] = [
        {"time_stamp": _milliseconds(sent + span * part), "tracking_name": name, "tracking_detail_desc": said}
        for part, name, said in reversed(_WAY)
        if parcel.received or (sent + span * part <= now and name != "Delivered")
    ]
    found: Record = {
        "mail_no": parcel.number,
        "carrier_name": parcel.carrier,
        "eta_time_stamps": _milliseconds(sent + span),
    }
    return found | ({"detail_node_list": wrapped(nodes, "detail_node", simplify)} if nodes else {})


def _milliseconds(at: datetime) -> str:
    return str(int(at.timestamp()) * 1000)
