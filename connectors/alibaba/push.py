"""Push: AliExpress tells at once what happens to an order, in a signed message of a few hundred bytes.

Documented by the partner (IOP push): a POST of JSON with `seller_id`, `message_type` (0 is a trade), `data` with
`order_status`, `trade_order_id`, `status_update_time` in seconds, at times `trade_order_line_id` and
`reverse_order_id`, and `timestamp` in milliseconds (other types have shown seconds); `Authorization` is the
HMAC-SHA256, in hex, of the application's key and the body under its secret; what is not answered comes again, 12 times,
every 30 minutes, in no certain order and without an id. Modelled, for no source says it: which words a status may be,
here those of the order list, and `unpaid`, `pending` and `shipped` of the partner's other platforms on this protocol.

A message about one line, or about a return, says how that stands and not how the order does, and one without the time
of the change says only that there was one: then the order is asked for, as it is where its end has several meanings.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from connectors.alibaba.fields import fields, optional, text, whole
from connectors.alibaba.orders import STATUSES, dataset, order_list
from gateway.connector import Message, OrderEvent, OrderStatus, Unreadable, Webhook

TRADE = 0

WORDS: Mapping[str, str] = {
    "unpaid": "PLACE_ORDER_SUCCESS",
    "pending": "WAIT_SELLER_SEND_GOODS",
    "shipped": "WAIT_BUYER_ACCEPT_GOODS",
}
"""Words of messages for which the order list has others."""

_SECONDS = 100_000_000_000
"""Numbers below are seconds since the epoch, others milliseconds."""


def sign_push(settings: Mapping[str, str], body: bytes) -> str:
    """The signature of a message; 64 lower-case hex digits."""
    told = settings["app_key"].encode() + body
    return hmac.new(settings["app_secret"].encode(), told, hashlib.sha256).hexdigest()


def genuine(settings: Mapping[str, str], signature: str, body: bytes) -> bool:
    """Whether the partner signed these very bytes."""
    return hmac.compare_digest(signature.lower().encode(), sign_push(settings, body).encode())


def read_push(body: bytes) -> Message:
    """What a message says. Raises `Unreadable`."""
    try:
        message = fields(orjson.loads(body), "message")
    except orjson.JSONDecodeError:
        raise Unreadable("message is not JSON") from None
    sent = _moment(message, "timestamp")
    if whole(message, "message_type") != TRADE:
        return Message(sent, ())
    return Message(sent, (_event(message, fields(message.get("data"), "data"), sent),))


def _event(message: Mapping[str, Any], data: Mapping[str, Any], sent: datetime) -> OrderEvent:
    timed = data.get("status_update_time") is not None
    at = _moment(data, "status_update_time") if timed else sent
    line, reverse = optional(data, "trade_order_line_id"), optional(data, "reverse_order_id")
    order, word = whole(data, "trade_order_id"), text(data, "order_status")
    key = ("push", message.get("seller_id"), order, line, reverse, word, int(at.timestamp()))
    status = word_of(word) if timed and not line and not reverse else None
    return event(key, order, at, status)


def event(key: tuple[object, ...], order: int, at: datetime, status: str | None) -> OrderEvent:
    """The event that an order came to have a status of the order list's, or, for None, that something happened."""
    shared = STATUSES.get(status or "")
    return OrderEvent(key, f"AlibabaOrder:{order}", at, shared, status if shared else None)


def word_of(word: str) -> str | None:
    """The order list's word for a status, if it says all; what is over may have ended well or badly."""
    found = WORDS.get(word.lower(), word.upper())
    shared = STATUSES.get(found)
    return found if shared is not None and shared is not OrderStatus.COMPLETED else None


def _moment(message: Mapping[str, Any], name: str) -> datetime:
    number = whole(message, name)
    try:
        return datetime.fromtimestamp(number if number < _SECONDS else number / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreadable(f"{name} is no moment") from None


webhook = Webhook(genuine, read_push, dataset, order_list.since)
