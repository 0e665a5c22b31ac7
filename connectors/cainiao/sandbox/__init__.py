"""Cainiao's stand-in: `GET /global/detail.json` over the parcels that `furnish` wrote."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.cainiao.sandbox.parcels import FILE, furnish, parcel_of
from gateway.connector import struck

__all__ = ["FAULTS", "furnish", "sandbox"]

FAULTS: Mapping[str, str] = {
    "F46": "The answer is about another parcel, and says that it was delivered.",
    "F48": "No event says its time zone.",
}

_ANOTHER = {
    "mailNo": "LP99999999999999",
    "status": "DELIVERED",
    "detailList": [
        {
            "time": 1_500_000_000_000,
            "timeStr": "2017-07-14 10:40:00",
            "timeZone": "GMT+8",
            "standerdDesc": "Delivered",
            "actionCode": "GTMS_SIGNED",
        }
    ],
}


def sandbox(folder: Path, settings: Mapping[str, str]) -> Starlette:
    """The service over `<folder>/cainiao.db`; it asks nobody who he is."""
    books = sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True, check_same_thread=False)

    async def detail(request: Request) -> Response:
        numbers = [each.strip() for each in request.query_params.get("mailNos", "").split(",")]
        found = [parcel_of(books, number) for number in numbers if number]
        if struck(request, "F46"):
            found = [_ANOTHER]
        if struck(request, "F48"):
            found = [_zoneless(each) for each in found]
        # A single one may come by itself, and so does every other here.
        module: Any = found[0] if len(found) == 1 and hash_of(numbers[0]) % 2 else found
        body = {"success": True, "module": module}
        return Response(orjson.dumps(body), media_type="application/json")

    @asynccontextmanager
    async def closing(app: Starlette) -> AsyncIterator[None]:
        yield
        books.close()

    return Starlette(routes=[Route("/global/detail.json", detail)], lifespan=closing)


def hash_of(number: str) -> int:
    """A number that is the same in every run."""
    return sum(number.encode())


def _zoneless(parcel: dict[str, Any]) -> dict[str, Any]:
    events = [{name: event[name] for name in event if name != "timeZone"} for event in parcel["detailList"]]
    return {**parcel, "detailList": events}
