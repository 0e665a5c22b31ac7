"""myTarget's advertising: campaigns, banners, and their statistics, which are corrected now and then."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from zlib import crc32

from starlette.requests import Request
from starlette.responses import Response

from connectors.mailru.sandbox import faults
from connectors.mailru.sandbox.answers import error, json

_LISTS = {
    "campaigns": "SELECT id, name, status, date_start, date_end, updated, segment_id FROM campaigns ORDER BY id",
    "banners": "SELECT id, campaign_id, name, status, moderation_status, updated FROM banners ORDER BY id",
}

KINDS = frozenset(_LISTS)
SPANS = frozenset({"day", "summary"})

DAYS = 92
IDS = 200
_SEEN = 3
"""How often a person sees a banner."""

Figures = dict[str, int]


class Advertising:
    """Campaigns, banners and statistics; `restate` corrects what was said of a day."""

    def __init__(self, books: sqlite3.Connection) -> None:
        self._books = books
        self._corrections: dict[str, int] = {}

    def restate(self, day: str, per_mille: int) -> None:
        """Say of a day from now on so many thousandths more than was said at first."""
        self._corrections[day] = per_mille

    def items(self, kind: str) -> list[dict[str, Any]]:
        """The campaigns or banners there are."""
        found = self._books.execute(_LISTS[kind])
        names = [column[0] for column in found.description]
        items = [dict(zip(names, row, strict=True)) for row in found]
        for item in items if kind == "campaigns" else ():
            item["targetings"] = {"segments": [item.pop("segment_id")], "geo": {"regions": [188]}}
        return items

    def statistics(self, request: Request) -> Response:
        """The answer to `statistics/{kind}/{span}.json`."""
        kind, span = request.path_params["kind"], request.path_params["span"]
        try:
            ids = _ids(request.query_params.get("id", ""))
            days = _days(request.query_params, required=span == "day")
        except ValueError as refused:
            return error(400, str(refused))
        banners = self._banners(kind)
        if not set(ids) <= banners.keys():
            return error(400, "ERR_WRONG_IDS")
        metrics = request.query_params.get("metrics", "base").split(",")
        items = [self._item(each, banners[each], span, days, metrics) for each in ids]
        return json({"items": faults.items(request, items)})

    def _banners(self, kind: str) -> Mapping[int, Sequence[tuple[int, date, date]]]:
        """The banners that make up each thing, each with the days on which it ran."""
        key = "banners.id" if kind == "banners" else "campaign_id"
        rows = self._books.execute(
            f"SELECT {key}, banners.id, date_start, date_end FROM banners "  # noqa: S608 - own names
            "JOIN campaigns ON campaigns.id = campaign_id"
        )
        found: dict[int, list[tuple[int, date, date]]] = {}
        for thing, banner, start, end in rows:
            found.setdefault(thing, []).append((banner, date.fromisoformat(start), date.fromisoformat(end)))
        return found

    def _item(
        self,
        thing: int,
        banners: Sequence[tuple[int, date, date]],
        span: str,
        days: tuple[date, date],
        metrics: Sequence[str],
    ) -> dict[str, Any]:
        by_day: dict[date, list[Figures]] = {}
        for banner, start, end in banners:
            for day in _each(max(start, days[0]), min(end, days[1])):
                by_day.setdefault(day, []).append(self._figures(banner, day))
        total = _told(_sum(f for found in by_day.values() for f in found), metrics)
        if span == "summary":
            return {"id": thing, "total": total}
        rows = [{"date": str(day), **_told(_sum(found), metrics)} for day, found in sorted(by_day.items())]
        return {"id": thing, "rows": rows, "total": total}

    def _figures(self, banner: int, day: date) -> Figures:
        chance = crc32(f"{banner} {day}".encode())
        shows = 400 + chance % 6000
        shows += shows * self._corrections.get(str(day), 0) // 1000
        clicks = shows * (5 + chance % 20) // 1000
        return {
            "shows": shows,
            "clicks": clicks,
            "goals": clicks // 9,
            "kopecks": clicks * (700 + chance % 600),
        }


def _ids(text: str) -> list[int]:
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in text.split(",")):
        raise ValueError("ERR_WRONG_IDS")
    ids = [int(part) for part in text.split(",")]
    if len(ids) > IDS:
        raise ValueError("ERR_LIMIT_EXCEEDED")
    return ids


def _days(query: Mapping[str, str], required: bool) -> tuple[date, date]:
    """The days asked for; all there are where a summary names none."""
    if not required and "date_from" not in query and "date_to" not in query:
        return date.min, date.max
    try:
        since, until = date.fromisoformat(query["date_from"]), date.fromisoformat(query["date_to"])
    except (KeyError, ValueError):
        raise ValueError("ERR_WRONG_DATE") from None
    if not 0 <= (until - since).days < DAYS:
        raise ValueError("ERR_WRONG_DATE")
    return since, until


def _each(since: date, until: date) -> Iterator[date]:
    for number in range((until - since).days + 1):
        yield since + timedelta(days=number)


def _sum(found: Iterable[Figures]) -> Figures:
    total = dict.fromkeys(("shows", "clicks", "goals", "kopecks"), 0)
    for figures in found:
        for name, value in figures.items():
            total[name] += value
    return total


def _told(figures: Figures, metrics: Sequence[str]) -> dict[str, Any]:
    """Figures as myTarget tells them: money as text, and only what was asked for."""
    shows, spent = figures["shows"], figures["kopecks"]
    base = {
        **{name: figures[name] for name in ("shows", "clicks", "goals")},
        "spent": _roubles(spent),
        "cpm": _roubles(spent * 1000 // shows if shows else 0),
    }
    reach = -(-shows // _SEEN)
    uniques = {"reach": reach, "total": reach, "frequency": round(shows / reach, 2) if reach else 0}
    known: dict[str, Callable[[], Any]] = {"base": lambda: base, "uniques": lambda: uniques}
    return {name: known[name]() for name in metrics if name in known}


def _roubles(kopecks: int) -> str:
    """As text, without noughts at the end: 155.8."""
    whole, rest = divmod(kopecks, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".")
