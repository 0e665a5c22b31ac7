"""Segments: myTarget's audiences, and whose account is in which.

`GET /api/v2/remarketing/segments.json` is myTarget's. Who is in a segment it tells nobody; within the venture
it does, in a call modelled for that: `GET /api/v2/remarketing/segments/{id}/users.json`. A segment says
nothing about when its members changed, so every pull reads all of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import cache
from typing import Any

import strawberry
from sqlalchemy import BigInteger, Column, ForeignKey, Index, Text, select

from connectors.mailru.mytarget import whole_list
from connectors.mailru.users import account_id
from connectors.mailru.values import moscow_moment, text
from gateway.connector import (
    Access,
    Batch,
    Cursor,
    Dataset,
    Instant,
    PartnerError,
    Query,
    Row,
    Rows,
    Unreadable,
    Upstream,
    as_keys,
    follows,
    keys,
    requires,
    shared,
    table,
)

LIST = "/api/v2/remarketing/segments.json"
MEMBERS = "/api/v2/remarketing/segments/{}/users.json"

mailru_segments = table(
    "mailru_segments",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("updated_at", Instant, nullable=False),
    rows=follows("mailru_segment_members", "mailru_segment_members.segment_id = this.id"),
)

mailru_segment_members = table(
    "mailru_segment_members",
    Column("segment_id", Text, ForeignKey("mailru_segments.id"), primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("client_id", BigInteger, ForeignKey("clients.id")),
    Index("ix_mailru_segment_members_account_id", "account_id"),
    Index("ix_mailru_segment_members_client_id", "client_id"),
    rows=shared("segments", owner="'MAILRU'"),
)


async def pull_segments(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
    """Each segment with all its members, then once more, without any, each that is no longer listed.

    The cursor keeps the segments known, and behind which one an interrupted pull stopped.
    """
    items = await whole_list(upstream, LIST, "id")
    listed = {item["id"]: _brief(item) for item in items if isinstance(item.get("id"), int)}
    known = {item["id"]: item for item in cursor.get("known", [])}
    done = cursor.get("after", -1)
    for number in sorted(number for number in listed if number > done):
        known[number] = listed[number]
        record = {"segment": listed[number], "users": await _members(upstream, number)}
        yield Batch([record], {"known": list(known.values()), "after": number}, len(items))
    gone = [item for number, item in known.items() if number not in listed]
    odd = [_brief(item) for item in items if not isinstance(item.get("id"), int)]
    rest = [{"segment": item, "users": []} for item in gone + odd]
    yield Batch(rest, {"known": list(listed.values())}, len(items))


def _brief(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item.get(name) for name in ("id", "name", "updated")}


async def _members(upstream: Upstream, number: int) -> list[Any]:
    try:
        return await whole_list(upstream, MEMBERS.format(number), "user_id")
    except PartnerError as error:
        if error.code == "404":  # deleted since it was listed
            return []
        raise


def read_segment(record: Any) -> Rows:
    """One segment and its members."""
    segment = record["segment"]
    if not isinstance(segment["id"], int):
        raise Unreadable("id is not a number")
    identity = str(segment["id"])
    row = {"id": identity, "name": text(segment, "name"), "updated_at": moscow_moment(segment, "updated")}
    users = [text(user, "user_id") for user in record["users"]]
    members = [{"segment_id": identity, "account_id": account_id(user)} for user in users]
    return {mailru_segments: [row], mailru_segment_members: members}


segments = Dataset(
    "segments",
    pull_segments,
    read_segment,
    covers={"segments": "mailru:segments"},
    children={mailru_segment_members: "segment_id"},
)


@strawberry.type(directives=[requires("mailru:segments")])
class Segment:
    """An audience in myTarget."""

    id: strawberry.ID = strawberry.field(description="myTarget's own id of the segment.")
    name: str


async def client_segments(access: Access, clients: Sequence[int]) -> list[list[Row]]:
    """For each client, the segments that any of its accounts is in, as far as the caller may see that."""
    found: dict[int, list[Row]] = {client: [] for client in clients}
    for row in await access.fetch(_segments(), keys=as_keys(clients)):
        found[row.client_id].append(row)
    return [found[client] for client in clients]


@cache
def _segments() -> Query:
    members = mailru_segment_members
    return Query(
        select(members.c.client_id, mailru_segments.c.id, mailru_segments.c.name)
        .distinct()
        .join(mailru_segments, mailru_segments.c.id == members.c.segment_id)
        .where(members.c.client_id.in_(select(keys().c.value)))
        .order_by(members.c.client_id, mailru_segments.c.name, mailru_segments.c.id)
    )
