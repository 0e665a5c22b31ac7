"""Changes: walking a Pandao list so that nothing is missed while its rows change and move.

The list is sorted by `last_updated`, and a row that changes moves to its end, so an offset skips a row for
each that moved. Hence the walk goes on by time: every page is asked for since the second before the last
row's (whether `since` includes its own second is not documented). An offset remains only within seconds that
have more rows than a page. There each page begins with the last row of the one before; if another stands
there, rows have moved, and those seconds are read again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.mailru.pandao import PAGE, changed_records
from connectors.mailru.values import moment, unwrapped
from gateway.connector import Batch, Cursor, Kind, PartnerError, Unreadable, Upstream, ahead

OVERLAP = timedelta(minutes=10)
"""How far a pull goes back behind the newest change of the one before, for rows that became visible late."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A list of changed records: its path, the wrapper of its records, and the field that identifies one."""

    path: str
    wrapper: str
    key: str

    def identity(self, record: Any) -> tuple[Any, Any]:
        """Which record this is, and as of when; a pair of None where it cannot be told."""
        fields = record.get(self.wrapper) if isinstance(record, dict) else None
        if not isinstance(fields, dict):
            return None, None
        return str(fields.get(self.key)), str(fields.get("last_updated"))

    def newest(self, page: Sequence[Any]) -> datetime | None:
        """When the last record changed whose time can be read."""
        for record in reversed(page):
            try:
                return datetime.fromisoformat(moment(unwrapped(record, self.wrapper), "last_updated"))
            except Unreadable:
                continue
        return None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk stands: `start` rows into those changed since a moment, at the row keyed `anchor`."""

    since: str | None = None
    start: int = 0
    anchor: str | None = None

    @classmethod
    def of(cls, cursor: Cursor) -> Place:
        """The place that a cursor means."""
        return cls(cursor.get("since"), cursor.get("start", 0), cursor.get("anchor"))

    @property
    def cursor(self) -> Cursor:
        """The cursor that means this place."""
        if not self.start:
            return {"since": self.since}
        return {"since": self.since, "start": self.start, "anchor": self.anchor}

    def moved(self, feed: Feed, page: Sequence[Any]) -> bool:
        """Whether another row stands where the walk had got to."""
        return self.anchor is not None and (not page or feed.identity(page[0])[0] != self.anchor)

    def after(self, feed: Feed, page: Sequence[Any]) -> Place:
        """The place behind a full page. Raises `PartnerError` (DRIFT) when no record says when it changed."""
        newest = feed.newest(page)
        if newest is None:
            raise PartnerError(Kind.DRIFT, f"a whole page of {feed.path} without a readable last_updated")
        before = _text(newest - timedelta(seconds=1))
        if self.since is None or before > self.since:
            return Place(before)
        return Place(self.since, self.start + len(page) - 1, feed.identity(page[-1])[0])


def changes(upstream: Upstream, feed: Feed, cursor: Cursor) -> AsyncIterator[Batch]:
    """Every record changed since the cursor; the next page is under way while one is being worked on."""
    return ahead(walk(upstream, feed, cursor))


async def walk(upstream: Upstream, feed: Feed, cursor: Cursor) -> AsyncGenerator[Batch, None]:
    """Every record changed since the cursor, oldest change first; the last cursor has the overlap in it."""
    place = Place.of(cursor)
    final = place
    seen: set[tuple[Any, Any]] = set()
    while True:
        page, more = await changed_records(upstream, feed.path, place.since, place.start)
        if place.moved(feed, page):
            place = Place(place.since)
            continue
        identities = [feed.identity(record) for record in page]
        fresh = [record for record, identity in zip(page, identities, strict=True) if identity not in seen]
        if (newest := feed.newest(page)) is not None:
            # A row with a time to come stays the last one: behind it, nothing of the present would be found.
            final = Place(_text(min(newest, datetime.now(UTC)) - OVERLAP))
        if not more and page:
            # Nothing behind the last page tells that it is whole, so it is read twice.
            again, more = await changed_records(upstream, feed.path, place.since, place.start)
            late = [record for record in again if feed.identity(record) not in identities]
            page, fresh = page + late, fresh + [each for each in late if feed.identity(each) not in seen]
            newest = feed.newest(page)
        # A partner that always names a next page is not followed in a circle.
        if not more or (len(page) < PAGE and not (fresh and newest)):
            yield Batch(fresh, final.cursor)
            return
        place = place.after(feed, page)
        yield Batch(fresh, place.cursor)
        seen = set(identities) - {(None, None)}


def _text(found: datetime) -> str:
    return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
