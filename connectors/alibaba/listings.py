"""Listings: the partner's page-numbered lists, pulled whole and kept up to date by the time of modification.

A list is read in windows of modification time that end before the pull began. Orders can only leave such a
window, for a change gives them a later time. So its pages are read from the last to the first: what leaves
moves the others onto pages still to come, and none is passed over. What left is found by the next pull.

Documented by the partner, for orders and for products alike but for the names: `param0` with `current_page`,
`page_size` and the filters; `total_count` in the answer, and that it leaves some orders out; that a query without a
status leaves out `FINISH`, which is asked for on its own. A total counts too few at times, but never too many: a page
that holds fewer than its total says has records left out, and is read again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from connectors.alibaba.calls import call
from connectors.alibaba.fields import listed, spelt
from connectors.alibaba.pacific import PACIFIC, unambiguous, wall
from connectors.alibaba.refusals import refusal
from gateway.connector import Batch, Cursor, Kind, PartnerError, Unreadable, Upstream, ahead, instant

NARROWEST = timedelta(hours=4)
"""A window is not halved below this, so that a bound moved out of the repeated hour stays within it."""

OVERLAP = timedelta(hours=1)
SETTLING = timedelta(minutes=1)
"""The newest changes are left to the next pull: the list may not show them yet, and two clocks differ."""

READINGS = 3
"""How often a page is read that holds fewer records than its own total says; then it is taken for what it is."""

BEGINNING = datetime(2010, 1, 1, tzinfo=UTC)
"""AliExpress opened in 2010; nothing of it is older."""


@dataclass(frozen=True, slots=True)
class Form:
    """The names by which a list is asked and answers, the most it gives on a page, and the zone of its times.

    Where a record does not say its own status, it is given the one that was asked for: it is `unsaid`.
    """

    query: str = "param0"
    status: str = "order_status"
    start: str = "modified_date_start"
    end: str = "modified_date_end"
    records: str = "target_list"
    total: str = "total_count"
    size: int = 50
    zone: ZoneInfo = PACIFIC
    unsaid: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of the partner: its method, the name of an element, and the statuses to ask for in turn.

    A window that has more than `most` records is halved, for deep pages are slow at the partner.
    """

    method: str
    element: str
    statuses: tuple[str | None, ...] = (None,)
    most: int = 2_000
    form: Form = Form()

    def since(self, moment: datetime) -> Cursor:
        """The cursor of a pull of what has changed from a moment until now, the newest changes included."""
        since = unambiguous(moment.replace(microsecond=0) - SETTLING)
        # As the wall shows it, now is not over yet.
        until = max(since, datetime.now(UTC).replace(microsecond=0) + SETTLING)
        return Place(since, until, 0, 0, since, until, 0).cursor(self)

    def pull(self, upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
        """All records modified since the cursor; the next page is on its way while one is worked on."""
        return ahead(_batches(self, upstream, cursor))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pull stands: its whole span, the sweep (one per status), the window, and the page to read next.

    `page` is 0 where the window has yet to be tried for its size. `expected` counts the records of the
    whole pull.
    """

    since: datetime
    until: datetime
    expected: int
    sweep: int
    start: datetime
    end: datetime
    page: int

    def narrower(self) -> Place | None:
        """The first half of the window, or None where it is narrow enough."""
        if self.end - self.start < 2 * NARROWEST:
            return None
        middle = self.start + (self.end - self.start) / 2
        return replace(self, end=unambiguous(middle.replace(microsecond=0)))

    def behind(self) -> Place:
        """The place behind the page just read: the page before it, the next window, or the next sweep."""
        if self.page > 1:
            return replace(self, page=self.page - 1)
        if self.end < self.until:
            wider = unambiguous(self.end + 2 * (self.end - self.start))
            return replace(self, start=self.end, end=min(wider, self.until), page=0)
        return replace(self, sweep=self.sweep + 1, start=self.since, end=self.until, page=0)

    def cursor(self, listing: Listing) -> Cursor:
        """The place as JSON; when all has been read, only where the next pull starts."""
        if self.sweep == len(listing.statuses):
            return {"until": instant(self.until)}
        times = {name: instant(getattr(self, name)) for name in ("since", "until", "start", "end")}
        return {**times, "expected": self.expected, "sweep": self.sweep, "page": self.page}


class Sheet(NamedTuple):
    """One page as it came: its records, and how many the partner says the window has."""

    records: list[Any]
    total: int


async def _batches(listing: Listing, upstream: Upstream, cursor: Cursor) -> AsyncGenerator[Batch, None]:
    place = _resumed(cursor) if "start" in cursor else await _begun(listing, upstream, cursor)
    while place.sweep < len(listing.statuses):
        if place.page:
            sheet = await _read(listing, upstream, place)
        else:
            place, sheet = await _sized(listing, upstream, place)
        place = place.behind()
        yield Batch(sheet.records, place.cursor(listing), place.expected)


async def _begun(listing: Listing, upstream: Upstream, cursor: Cursor) -> Place:
    until = unambiguous(datetime.now(UTC).replace(microsecond=0) - SETTLING)
    last = datetime.fromisoformat(cursor["until"]) if "until" in cursor else None
    since = BEGINNING
    # Behind a clock that was far ahead nobody knows what came meanwhile, and all is read again.
    if last is not None and last < until + OVERLAP:
        since, until = unambiguous(last - OVERLAP), max(last, until)
    first = Place(since, until, 0, 0, since, until, 1)
    sweeps = [replace(first, sweep=sweep) for sweep in range(len(listing.statuses))]
    totals = [(await _read(listing, upstream, sweep, size=1)).total for sweep in sweeps]
    return replace(first, expected=sum(totals), page=0)


def _resumed(cursor: Cursor) -> Place:
    times = {name: datetime.fromisoformat(cursor[name]) for name in ("since", "until", "start", "end")}
    return Place(**times, expected=cursor["expected"], sweep=cursor["sweep"], page=cursor["page"])


async def _sized(listing: Listing, upstream: Upstream, place: Place) -> tuple[Place, Sheet]:
    """The last page of a window of bearable size, and the place at it."""
    size = listing.form.size
    place = replace(place, page=1)
    sheet = await _read(listing, upstream, place)
    while sheet.total > listing.most and (half := place.narrower()):
        place = half
        sheet = await _read(listing, upstream, place)
    if sheet.total > size:
        place = replace(place, page=-(-sheet.total // size))
        sheet = await _read(listing, upstream, place)
    # The total leaves records out, so a full page is the last one only where no other follows.
    while len(sheet.records) >= size:
        further = replace(place, page=place.page + 1)
        following = await _read(listing, upstream, further)
        if following.records == sheet.records:
            break
        place, sheet = further, following
    return place, sheet


async def _read(listing: Listing, upstream: Upstream, place: Place, size: int | None = None) -> Sheet:
    size = size or listing.form.size
    found = Sheet([], 0)
    for _ in range(READINGS):
        sheet = await _asked(listing, upstream, place, size)
        found = max(found, sheet, key=lambda each: (len(each.records), each.total))
        if len(found.records) >= min(size, found.total - (place.page - 1) * size):
            break
    return found


async def _asked(listing: Listing, upstream: Upstream, place: Place, size: int) -> Sheet:
    form, status = listing.form, listing.statuses[place.sweep]
    asked: dict[str, object] = {
        "current_page": place.page,
        "page_size": size,
        form.start: wall(place.start, form.zone),
        form.end: wall(place.end, form.zone),
    }
    if status:
        asked[form.status] = status
    answer = await call(
        upstream,
        listing.method,
        {form.query: asked},
        judge=lambda found: _judge(listing, found.get("result")),
    )
    sheet = _sheet(listing, answer["result"])
    return sheet._replace(records=[_said(form, each, status) for each in sheet.records])


def _said(form: Form, record: Any, status: str | None) -> Any:
    return {**record, form.status: status} if form.unsaid and isinstance(record, dict) else record


def _judge(listing: Listing, result: object) -> None:
    """Raise for what is no page. `success` decides; an `error_code` beside a success is known to mean nothing."""
    if not isinstance(result, dict):
        raise PartnerError(Kind.DRIFT, f"{listing.method} answered without a result")
    if str(result.get("success", True)).lower() != "true":
        raise refusal({"code": result.get("error_code"), "msg": spelt(result, "message")}, listing.method)


def _sheet(listing: Listing, result: Mapping[str, Any]) -> Sheet:
    """The page in a result."""
    records, total = result.get(listing.form.records), result.get(listing.form.total)
    try:
        return Sheet(listed(records, listing.element), int(total or 0))
    except (Unreadable, TypeError, ValueError):
        raise PartnerError(Kind.DRIFT, f"{listing.method} answered with no list that can be read") from None
