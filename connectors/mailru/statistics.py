"""Statistics: what campaigns and banners did on each day, as myTarget said then and says now.

`GET /api/v2/statistics/{campaigns|banners}/day.json` (documented) takes 200 ids and 92 days in a call; its days are
those of Moscow. Past days are restated, so each pull reads the last `RESTATED` days again. What a day was said to be
before stays: the database itself notes every version with the moment it came in (triggers of migration mailru_0002).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import BigInteger, Column, Text

from connectors.mailru.campaigns import ADVERTISING, BANNERS, CAMPAIGNS, day, identifier, listed
from connectors.mailru.mytarget import read
from connectors.mailru.users import PARTY
from connectors.mailru.values import MOSCOW, Fields, count, kopecks
from gateway.connector import (
    Batch,
    Cursor,
    Dataset,
    Instant,
    Kind,
    PartnerError,
    Rows,
    Unreadable,
    Upstream,
    agreed,
    table,
)

T = TypeVar("T")

DAYS = 92
IDS = 200
RESTATED = timedelta(days=30)
"""How far back a day may still be corrected. myTarget names no limit; corrections beyond this are missed."""

_LISTS = {"campaigns": CAMPAIGNS, "banners": BANNERS}


def _figures() -> list[Column[Any]]:
    return [
        Column("party", Text, nullable=False),
        Column("shows", BigInteger, nullable=False),
        Column("clicks", BigInteger, nullable=False),
        Column("goals", BigInteger, nullable=False),
        Column("spent_minor", BigInteger, nullable=False),
    ]


mailru_ad_days = table(
    "mailru_ad_days",
    Column("subject", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    *_figures(),
    rows=agreed("advertising", owner="this.party"),
)
"""The newest word on each day of a `subject`, such as `campaigns:17` or `banners:4`; `spent` is in kopecks."""

mailru_ad_versions = table(
    "mailru_ad_versions",
    Column("subject", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("known_at", Instant, primary_key=True),
    *_figures(),
    rows=agreed("advertising", owner="this.party"),
)
"""Every word there was on it, each with when it came in. Written by the database when `mailru_ad_days` changes."""


class Call(NamedTuple):
    """One call of the statistics: of what, from when to when."""

    kind: str
    ids: Sequence[int]
    since: date
    until: date


async def pull_statistics(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
    """The days since the cursor's, window by window, and in each the campaigns before the banners.

    The cursor is the first day that is still to be read, and behind which call of its window a pull stopped.
    """
    items = {kind: await listed(upstream, path) for kind, path in _LISTS.items()}
    span = _span(items["campaigns"], cursor)
    if span is None:
        yield Batch([], cursor)
        return
    since, until = span
    numbers = {kind: sorted(each["id"] for each in found if _is_id(each)) for kind, found in items.items()}
    for start, end in windows(since, until):
        for call in _calls(numbers, start, end):
            if _is_done(call, cursor):
                continue
            records = await _days(upstream, call)
            yield Batch(records, {"since": start.isoformat(), "kind": call.kind, "after": call.ids[-1]})
    yield Batch([], {"since": max(since, until - RESTATED).isoformat()})


def windows(since: date, until: date) -> Iterator[tuple[date, date]]:
    """The days from one to the other, both included, in parts of at most `DAYS`."""
    while since <= until:
        end = min(since + timedelta(days=DAYS - 1), until)
        yield since, end
        since = end + timedelta(days=1)


def parts(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    """The ids, as many as a call may have."""
    for start in range(0, len(ids), IDS):
        yield ids[start : start + IDS]


def _span(found: Sequence[Any], cursor: Cursor) -> tuple[date, date] | None:
    """From which day to which there may be something to read; None where there was never a campaign."""
    days = [(_date(each, "date_start"), _date(each, "date_end")) for each in found]
    starts = [start for start, _ in days if start is not None]
    if not starts:
        return None
    today = datetime.now(MOSCOW).date()
    since = date.fromisoformat(cursor["since"]) if "since" in cursor else min(starts)
    if since > today:
        # Of a clock that was ahead, or a campaign to come: what other campaigns do before that is read too.
        since = min(starts)
    ends = [min(end + RESTATED, today) if end is not None else today for start, end in days if start]
    return since, max(since, *ends)


def _date(item: Any, name: str) -> date | None:
    try:
        return date.fromisoformat(day(item, name))
    except Unreadable:
        return None


def _is_id(item: Any) -> bool:
    return type(item.get("id")) is int


def _calls(numbers: dict[str, list[int]], since: date, until: date) -> Iterator[Call]:
    for kind in ("campaigns", "banners"):
        for ids in parts(numbers[kind]):
            yield Call(kind, ids, since, until)


def _is_done(call: Call, cursor: Cursor) -> bool:
    if cursor.get("since") != call.since.isoformat() or "kind" not in cursor:
        return False
    if call.kind != cursor["kind"]:
        return bool(cursor["kind"] == "banners")
    return bool(call.ids[-1] <= cursor["after"])


async def _days(upstream: Upstream, call: Call) -> list[Any]:
    query = {
        "date_from": call.since.isoformat(),
        "date_to": call.until.isoformat(),
        "metrics": "base",
    }
    items = await figures(upstream, f"{call.kind}/day", call.ids, query)
    return [
        {"kind": call.kind, "id": item.get("id"), "row": row}
        for item in items
        for row in item.get("rows") or []
    ]


async def figures(
    upstream: Upstream, what: str, ids: Sequence[object], query: dict[str, str], *, live: bool = False
) -> list[dict[str, Any]]:
    """The items of a call of the statistics, of up to `IDS` ids.

    Raises `PartnerError`: AUTH where the token has no right to them, which myTarget says as 404.
    """
    path = f"/api/v2/statistics/{what}.json"
    try:
        answer = await read(upstream, path, {"id": ",".join(map(str, ids)), **query}, live=live)
    except PartnerError as error:
        if error.code != "404":
            raise
        message = "myTarget shows this client no statistics: the right to read them is missing"
        raise PartnerError(Kind.AUTH, message, code="404") from None
    found = answer.get("items") if isinstance(answer, dict) else None
    # For a single id, older versions gave the thing itself and no list of one.
    items = [found] if isinstance(found, dict) else found
    if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
        raise PartnerError(Kind.DRIFT, "the answer of myTarget's statistics holds no items")
    return items


def read_day(record: Any) -> Rows:
    """What one campaign or banner did on one day."""
    row = record["row"]
    base = row.get("base") if isinstance(row, dict) else None
    if not isinstance(base, dict):
        raise Unreadable("the day holds no base figures")
    subject = f"{record['kind']}:{identifier(record, 'id')}"
    return {mailru_ad_days: [{"subject": subject, "day": day(row, "date"), "party": PARTY, **shown(base)}]}


def shown(base: Fields) -> dict[str, int]:
    """The figures of a day, or of all days together."""
    numbers = {name: count(base, name) for name in ("shows", "clicks", "goals")}
    return {**numbers, "spent_minor": kopecks(base, "spent")}


statistics = Dataset("statistics", pull_statistics, read_day, covers=ADVERTISING)
