"""Messages: what AliExpress has queued about orders, taken by TMC, and confirmed once it is on our disk.

Documented by the partner: `taobao.tmc.messages.consume` gives 10 to 200 messages of a group, each with `id`, `topic`,
`content` (JSON as a text), `pub_time`, and gives them again until `taobao.tmc.messages.confirm` has named them, by
`s_message_ids`, 200 at most; the topics `aliexpress_order_…`, and of their content `order_id`, `current_status` and
`order_change_time`. Modelled: that this time is Pacific, as all of an order's are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import orjson

from connectors.alibaba.calls import call
from connectors.alibaba.fields import fields, listed, text, whole
from connectors.alibaba.pacific import moment
from connectors.alibaba.push import event, word_of
from gateway.connector import (
    Batch,
    Cursor,
    Dataset,
    Kind,
    PartnerError,
    Rows,
    Unreadable,
    Upstream,
    partner_events,
)

GROUP = "default"
QUANTITY = 100
TOPIC = "aliexpress_order_"


async def pull(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
    """All messages that wait; what is not confirmed meanwhile comes again, and is not waited for to end."""
    seen: set[str] = set()
    while True:
        messages = await _consumed(upstream)
        fresh = [each for each in messages if _id(each) not in seen]
        if not fresh:
            break
        ids = [_id(each) for each in fresh]
        seen.update(ids)
        yield Batch(fresh, {"last": ids[-1]}, confirm=partial(_confirm, upstream, ids))
    yield Batch([], cursor if not seen else {"last": ids[-1]})


async def _consumed(upstream: Upstream) -> list[Any]:
    asked = {"group_name": GROUP, "quantity": QUANTITY}
    answer = await call(upstream, "taobao.tmc.messages.consume", asked)
    try:
        return listed(answer.get("messages"), "tmc_message")
    except Unreadable:
        raise PartnerError(Kind.DRIFT, "messages were consumed that are no list") from None


def _id(message: Any) -> str:
    """A message's id; beyond 2^53, so it is never a float."""
    try:
        return str(whole(fields(message, "message"), "id"))
    except Unreadable:
        raise PartnerError(Kind.DRIFT, "a message came without an id") from None


async def _confirm(upstream: Upstream, ids: list[str]) -> None:
    asked = {"group_name": GROUP, "s_message_ids": ",".join(ids)}
    await call(upstream, "taobao.tmc.messages.confirm", asked)


def read_message(record: Any) -> Rows:
    """One message as an event; nothing, where it is not about an order. Raises `Unreadable`."""
    message = fields(record, "message")
    whole(message, "id")
    topic = text(message, "topic")
    if not topic.startswith(TOPIC):
        return {}
    try:
        content = fields(orjson.loads(text(message, "content")), "content")
    except orjson.JSONDecodeError:
        raise Unreadable("content is not JSON") from None
    order, word = whole(content, "order_id"), text(content, "current_status")
    at = moment(content.get("order_change_time"), "order_change_time")
    found = event(("tmc", order, word, int(at.timestamp())), order, at, word_of(word))
    return {partner_events: [found.row("alibaba")]}


dataset = Dataset(name="messages", pull=pull, read=read_message, covers={"orders": "alibaba:read"})
