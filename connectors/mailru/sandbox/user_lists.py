"""myTarget's user lists: files of hashed contacts, worked on step by step, and the clients among them that it knows.

Documented: the upload, its bounds, the words for the steps, ten lists an hour. Modelled: that a step takes a look.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import time
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from connectors.mailru.sandbox.answers import error, json

STEPS = ("loading", "loaded", "receiving", "received", "mapping", "mapped", "writing", "ready")
"""What a list goes through; each look at the lists is a step."""

LEAST, MOST = 2_000, 5_000_000
MOST_BYTES = 128 * 2**20
HOURLY = 10
"""How many lists may be made in an hour of the clock."""

_COLUMNS = {"emails": "email", "phones": "phone"}
_ITEMS = {
    "emails": re.compile(r"[0-9a-f]{32}|[^@\s]+@[^@\s]+"),
    "phones": re.compile(r"[0-9a-f]{32}|[1-9][0-9]{9,14}"),
}


@dataclass(slots=True)
class UserList:
    """A list as it was sent; `hashes` are MD5 in hex."""

    id: int
    name: str
    type: str
    hashes: frozenset[str] = field(repr=False)
    step: int = 0


class UserLists:
    """The lists there are; `held_at` is the step at which all stay, for those who want to wait."""

    def __init__(self, books: sqlite3.Connection) -> None:
        self._books = books
        self._made: dict[int, int] = {}
        self._last = 900_000
        self.lists: dict[int, UserList] = {}
        self.held_at: str | None = None

    async def create(self, request: Request) -> Response:
        """The answer to a new list."""
        async with request.form() as form:
            file, data = form.get("file"), form.get("data")
            if not isinstance(file, UploadFile) or data is None:
                return error(400, "ERR_WRONG_PARAMETER")
            text = await data.read() if isinstance(data, UploadFile) else data
            content = await file.read()
        try:
            wish = orjson.loads(text)
            name, kind = str(wish["name"]), str(wish["type"])
            hashes = _hashes(kind, content)
        except (ValueError, KeyError, TypeError):
            return error(400, "ERR_WRONG_PARAMETER")
        if len(content) > MOST_BYTES:
            return error(413, "ERR_LIMIT_EXCEEDED")
        if not LEAST <= len(hashes) <= MOST:
            return error(400, "ERR_LIMIT_EXCEEDED")
        if self._left() == 0:
            return json({"remaining": {"3600": 0}, "limits": {"3600": HOURLY}}, 429)
        hour = int(time.time()) // 3600
        self._made = {hour: self._made.get(hour, 0) + 1}
        self._last += 1
        self.lists[self._last] = made = UserList(self._last, name, kind, hashes)
        return json(self._item(made), 201)

    def items(self, request: Request) -> list[dict[str, Any]]:
        """The lists, each a step further than at the look before."""
        for each in self.lists.values():
            if STEPS[each.step] not in (self.held_at, "ready"):
                each.step += 1
        return [self._item(each) for each in self.lists.values()]

    def delete(self, number: int) -> bool:
        """Delete a list; whether there was one."""
        return self.lists.pop(number, None) is not None

    def throttling(self) -> dict[str, Any]:
        """What the calls may still be used for."""
        return {"CREATE": {"remaining": {"3600": self._left()}, "limits": {"3600": HOURLY}}}

    def _left(self) -> int:
        return HOURLY - self._made.get(int(time.time()) // 3600, 0)

    def _item(self, each: UserList) -> dict[str, Any]:
        known = self._coverage(each) if STEPS[each.step] == "ready" else 0
        return {
            "id": each.id,
            "name": each.name,
            "type": each.type,
            "status": STEPS[each.step],
            "users_count": known,
        }

    def _coverage(self, each: UserList) -> int:
        """How many of its users are in a list."""
        column = _COLUMNS[each.type]
        found = self._books.execute(f"SELECT {column} FROM users WHERE {column} IS NOT NULL")  # noqa: S608 - own names
        return len(
            {hashed for (value,) in found if (hashed := _md5(_normal(each.type, value))) in each.hashes}
        )


def _hashes(kind: str, content: bytes) -> frozenset[str]:
    """The items of a file, those that came in plain hashed. Raises ValueError for what is none."""
    form = _ITEMS[kind]
    lines = set(content.decode().splitlines())
    if not all(map(form.fullmatch, lines)):
        raise ValueError(kind)
    return frozenset(line if len(line) == 32 and "@" not in line else _md5(line) for line in lines)


def _normal(kind: str, value: str) -> str:
    """As the account's owner typed it, into the form in which lists have it."""
    if kind == "emails":
        return value.strip().lower()
    digits = re.sub(r"\D", "", value)
    return "7" + digits[1:] if len(digits) == 11 and digits[0] == "8" else digits


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
