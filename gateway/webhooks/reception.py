"""Reception: `POST /webhooks/<connector>`, where a partner tells what happened and is soon thanked for it.

Whoever has not the partner's secret learns nothing here, and costs little: without a signature the body is not read,
a body is small, and before it is known to be the partner's nothing is parsed, let alone written. A message that is
the partner's own is acknowledged when it is on the disk; what becomes of it is no longer the partner's concern.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from cachetools import LRUCache
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.errors import Unreadable
from gateway.sync.records import letter
from gateway.telemetry.metrics import webhook_messages
from gateway.telemetry.notes import note
from gateway.webhooks.inbox import Entry, Inbox, Unkept
from gateway.webhooks.webhook import Correspondent, Message, Webhook

logger = logging.getLogger("gateway.webhooks")

LARGEST = 64 * 1024
"""Bytes of a message; the partners' have some hundreds."""

SECONDS = 3.0
"""That a message may take to come."""

AT_ONCE = 200
"""Messages that a worker reads at once, so that they never take more than a few megabytes."""

AHEAD = timedelta(minutes=10)
"""How far the partner's clock may be ahead."""

KNOWN = 10_000
"""Events that a worker knows again without asking the database."""


class Refused(Exception):
    """A message is not taken; `status` is the HTTP status and `outcome` what is counted."""

    def __init__(self, status: int, outcome: str, **headers: str) -> None:
        super().__init__(outcome)
        self.status = status
        self.outcome = outcome
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Reception:
    """The door for messages, as an ASGI application below a route with the connector's `name`.

    `arrived` is called when there is something new to do. `now` is the time of day.
    """

    def __init__(
        self,
        correspondents: Mapping[str, Correspondent],
        inbox: Inbox,
        arrived: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._correspondents = correspondents
        self._inbox = inbox
        self._arrived = arrived
        self._now = now
        self._known: LRUCache[tuple[str, str], bool] = LRUCache(KNOWN)
        self._reading = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        name = scope["path_params"]["name"]
        found = self._correspondents.get(name)
        try:
            if found is None:
                raise Refused(404, "unknown")
            outcome = await self._received(name, found, Request(scope, receive))
            status, headers = 200, {}
        except Refused as refused:
            outcome, status, headers = refused.outcome, refused.status, refused.headers
        # The name is the caller's text where no connector has it.
        webhook_messages.labels(name if found else "", outcome).inc()
        note(outcome=outcome, **({"connector": name} if found else {}))
        await Response(status_code=status, headers=headers)(scope, receive, send)

    async def _received(self, name: str, found: Correspondent, request: Request) -> str:
        """What became of a message. Raises `Refused`."""
        if request.method != "POST":
            raise Refused(405, "method", allow="POST")
        signatures = request.headers.getlist(found.webhook.header)
        if len(signatures) != 1:
            raise Refused(403, "forged")
        body = await self._body(request)
        if not found.webhook.genuine(found.settings, signatures[0], body):
            raise Refused(403, "forged")
        try:
            message = found.webhook.read(body)
        except Unreadable as error:
            # To send it again would not help.
            await self._keep(Entry(name, letter=letter(body.decode(errors="replace"), str(error))))
            return "unreadable"
        self._check_time(found.webhook, message)
        return await self._taken(name, message)

    async def _body(self, request: Request) -> bytes:
        """The body, bounded in size and time. Raises `Refused`."""
        if self._reading >= AT_ONCE:
            raise Refused(429, "crowded", retry_after="1", connection="close")
        length = request.headers.get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > LARGEST:
            raise Refused(413, "too_large", connection="close")
        body = bytearray()
        self._reading += 1
        try:
            async with asyncio.timeout(SECONDS):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > LARGEST:
                        raise Refused(413, "too_large", connection="close")
        except (TimeoutError, ClientDisconnect):
            raise Refused(408, "unfinished", connection="close") from None
        finally:
            self._reading -= 1
        return bytes(body)

    def _check_time(self, webhook: Webhook, message: Message) -> None:
        """Raise `Refused` for what was sent long ago, or will be."""
        now = self._now()
        if not now - webhook.window <= message.sent_at <= now + AHEAD:
            raise Refused(403, "late")

    async def _taken(self, name: str, message: Message) -> str:
        rows = [event.row(name) for event in message.events]
        unknown = [row for row in rows if (name, row["key"]) not in self._known]
        if not rows:
            return "ignored"
        if not unknown or not await self._keep(Entry(name, unknown)):
            outcome = "repeated"
        else:
            outcome = "accepted"
            self._arrived()
        self._known.update({(name, row["key"]): True for row in rows})
        return outcome

    async def _keep(self, entry: Entry) -> bool:
        try:
            return await self._inbox.put(entry)
        except Unkept:
            raise Refused(503, "unkept", retry_after="5") from None
