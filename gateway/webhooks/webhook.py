"""Webhooks: what a connector declares so that its partner can tell the gateway what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from gateway.sync.datasets import Cursor, Dataset
from gateway.upstream.upstream import Upstream
from gateway.webhooks.events import OrderEvent


class Message(NamedTuple):
    """A message that was read: when the partner sent it, and what happened, which may be nothing of interest."""

    sent_at: datetime
    events: Sequence[OrderEvent]


@dataclass(frozen=True, slots=True)
class Webhook:
    """How a partner's messages at `POST /webhooks/<connector>` are received.

    `header` names the header with the signature, and `genuine(settings, signature, body)` says whether the partner
    itself signed these bytes; it compares in constant time. `read(body)` raises `Unreadable` for what is no message.
    A message that was sent longer than `window` ago is refused. Where an event does not say enough, `dataset` is pulled
    from the cursor `since(moment)`, which brings what has changed from that moment until now.
    """

    genuine: Callable[[Mapping[str, str], str, bytes], bool]
    read: Callable[[bytes], Message]
    dataset: Dataset
    since: Callable[[datetime], Cursor]
    header: str = "authorization"
    window: timedelta = timedelta(days=1)


class Correspondent(NamedTuple):
    """A partner that sends messages: how they are received, its settings, and the way to it."""

    webhook: Webhook
    settings: Mapping[str, str]
    reach: Callable[[], AbstractAsyncContextManager[Upstream]]
