"""Hand-written answers: the same SQL on the same connections, and the same bytes, for each operation by itself.

What a patient engineer would write who knows the operation beforehand; the measure of what the engine costs.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import orjson

from connectors.mailru.segments import _segments as segments
from gateway.access.pseudonyms import Pseudonyms
from gateway.clients.accounts import _accounts as accounts
from gateway.clients.client import _page as page
from gateway.clients.client import _some as some
from gateway.clients.orders import NEWEST_FIRST, orders
from gateway.oauth.tokens import Caller
from gateway.store.queries import as_keys, page_by
from gateway.store.readers import Readers

ORDER = ("id", "party", "placed_at", "status", "status_raw", "total_minor", "currency")
SHORT = ("id", "placed_at", "total_minor")


class Handwritten:
    """Answers Q1 to Q3 as bytes."""

    def __init__(self, readers: Readers, pseudonyms: Pseudonyms, caller: Caller) -> None:
        self._readers = readers
        self._pseudonyms = pseudonyms
        self._caller = caller

    async def q1(self, id: str) -> bytes:
        """One client with 20 orders."""
        key = self._pseudonyms.reveal(self._caller.party, id)
        assert key is not None
        [client] = await self._fetch(some(("key", "region")), keys=as_keys([key]))
        [found] = await self._orders([key], ORDER, 20)
        nodes = [_order(row) for row in found]
        return _bytes({"client": {"id": id, "region": client[1], "orders": {"nodes": nodes}}})

    async def q2(self) -> bytes:
        """50 clients with 10 orders."""
        keys, ids = await self._clients(50)
        found = await self._orders(keys, ORDER, 10)
        nodes = [
            {"id": id, "orders": {"nodes": [_order(row) for row in rows]}}
            for id, rows in zip(ids, found, strict=True)
        ]
        return _bytes({"clients": {"nodes": nodes}})

    async def q3(self) -> bytes:
        """20 clients with orders of both partners and segments."""
        keys, ids = await self._clients(20)
        alibaba = await self._account(keys, "ALIBABA")
        mailru = await self._account(keys, "MAILRU")
        rows = await self._fetch(segments(), keys=as_keys(list(mailru)))
        for client, members in groupby(rows, lambda row: row[0]):
            mailru[client]["segments"] = [{"name": row[2]} for row in members]
        nodes = [
            {"id": id, "alibaba": alibaba.get(key), "mailru": mailru.get(key)}
            for key, id in zip(keys, ids, strict=True)
        ]
        return _bytes({"clients": {"nodes": nodes}})

    async def _clients(self, count: int) -> tuple[list[int], list[str]]:
        rows = await self._fetch(page(("key",), False, (), ()), limit=count + 1)
        keys = [row[0] for row in rows[:count]]
        return keys, self._pseudonyms.hide(self._caller.party, keys)

    async def _account(self, keys: list[int], party: str) -> dict[int, dict[str, Any]]:
        rows = await self._fetch(accounts(), keys=as_keys(keys), party=party)
        first = {row[1]: row for row in reversed(rows)}
        known = [key for key in keys if key in first]
        found = await self._orders(known, SHORT, 10, party)
        extra: dict[str, Any] = {"segments": []} if party == "MAILRU" else {}
        return {
            key: {
                "memberSince": first[key][2],
                **extra,
                "orders": {
                    "nodes": [{"id": row[0], "placedAt": row[1], "total": {"minor": row[2]}} for row in rows]
                },
            }
            for key, rows in zip(known, found, strict=True)
        }

    async def _orders(
        self, keys: list[int], columns: tuple[str, ...], first: int, party: str | None = None
    ) -> list[list[Any]]:
        query = page_by(orders, "client_id", columns, NEWEST_FIRST, False, ("party",) if party else ()).query
        values = {"party": party} if party else {}
        rows = await self._fetch(query, keys=as_keys(keys), limit=first, **values)
        return [orjson.loads(packed) for _, packed in rows]

    async def _fetch(self, query: Any, **values: Any) -> Any:
        return await self._readers.fetch(self._caller, query, **values)


def _order(row: Any) -> dict[str, Any]:
    id, party, placed, status, raw, minor, currency = row
    return {
        "id": id,
        "party": party,
        "placedAt": placed,
        "status": status,
        "statusRaw": raw,
        "total": {"minor": minor, "currency": currency},
    }


def _bytes(data: dict[str, Any]) -> bytes:
    return orjson.dumps({"data": data})
