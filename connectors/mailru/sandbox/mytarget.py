"""myTarget's stand-in: API v2 with its tokens, its limit per second and its pages."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.mailru.sandbox import faults
from connectors.mailru.sandbox.advertising import KINDS, SPANS, Advertising
from connectors.mailru.sandbox.answers import json, not_found, unauthorized
from connectors.mailru.sandbox.grants import LIFE, Grant, Grants
from connectors.mailru.sandbox.user_lists import UserLists

_SEGMENTS = "SELECT id, name, created, updated FROM segments WHERE ? IS NULL ORDER BY id LIMIT ? OFFSET ?"
_MEMBERS = "SELECT user_id FROM members WHERE segment_id = ? ORDER BY user_id LIMIT ? OFFSET ?"

Item = dict[str, Any]
List = Callable[[int, int], tuple[int, list[Item]]]
"""A list: how long it is, and its items from an offset on, up to a limit."""

MOST = 1000
DEFAULT = 20


class MyTarget:
    """The token service and the two lists."""

    def __init__(self, books: sqlite3.Connection, settings: Mapping[str, str]) -> None:
        self.tokens = Grants()
        self.advertising = Advertising(books)
        self.user_lists = UserLists(books)
        self._books = books
        self._client = settings["client_id"], settings["client_secret"]
        self._limit = int(settings.get("rps", "50"))
        self._second = 0
        self._used = 0

    def routes(self) -> list[Route]:
        """The paths it answers."""
        return [
            Route("/api/v2/oauth2/token.json", self._token, methods=["POST"]),
            Route("/api/v2/oauth2/token/delete.json", self._delete, methods=["POST"]),
            Route("/api/v2/remarketing/segments.json", self._segments),
            Route("/api/v2/remarketing/segments/{number:int}/users.json", self._members),
            Route("/api/v2/remarketing/users_lists.json", self._lists, methods=["GET", "POST"]),
            Route("/api/v2/remarketing/users_lists/{number:int}.json", self._deleted, methods=["DELETE"]),
            Route("/api/v2/throttling.json", self._throttling),
            Route("/api/v2/{kind}.json", self._advertised),
            Route("/api/v2/statistics/{kind}/{span}.json", self._statistics),
        ]

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        if refusal := self._stranger(form):
            return refusal
        if form.get("grant_type") == "refresh_token":
            kept = self.tokens.refresh(str(form.get("refresh_token", "")))
            return self._granted(kept) if kept else unauthorized("invalid_token", "Refresh token is deleted")
        if form.get("grant_type") != "client_credentials":
            return json({"error": "unsupported_grant_type"}, 400)
        faults.give_out(request, self.tokens)
        if (fresh := self.tokens.grant()) is None:
            return json({"error": "access_denied", "error_description": "Token limit reached"}, 403)
        return self._granted(fresh)

    def _granted(self, grant: Grant) -> Response:
        # Texts here, numbers there: both forms are documented, so a client meets each in turn.
        odd = (self.tokens.granted + self.tokens.refreshed) % 2
        scopes = ["read_ads", "create_ads"]
        answer = {
            "access_token": grant.access,
            "refresh_token": grant.refresh,
            "token_type": "bearer" if odd else "Bearer",
            "expires_in": str(int(LIFE)) if odd else int(LIFE),
            "scope": ",".join(scopes) if odd else scopes,
        }
        return json(answer, 200)

    async def _delete(self, request: Request) -> Response:
        if refusal := self._stranger(await request.form()):
            return refusal
        self.tokens.delete_all()
        return Response(status_code=204)

    def _stranger(self, form: Mapping[str, Any]) -> Response | None:
        given = str(form.get("client_id", "")), str(form.get("client_secret", ""))
        if secrets.compare_digest(repr(given).encode(), repr(self._client).encode()):
            return None
        return unauthorized("invalid_client", "Unknown client")

    async def _segments(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        return self._page(
            request, self._rows("SELECT count(*) FROM segments WHERE ? IS NULL", _SEGMENTS, None)
        )

    async def _members(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        if refusal := faults.vanished(request, "F39"):
            return refusal
        number = request.path_params["number"]
        if not self._books.execute("SELECT 1 FROM segments WHERE id = ?", (number,)).fetchone():
            return not_found()
        return self._page(
            request, self._rows("SELECT count(*) FROM members WHERE segment_id = ?", _MEMBERS, number)
        )

    def _rows(self, count: str, sql: str, segment: int | None) -> List:
        def part(limit: int, offset: int) -> tuple[int, list[Item]]:
            [total] = self._books.execute(count, (segment,)).fetchone()
            found = self._books.execute(sql, (segment, limit, offset))
            names = [column[0] for column in found.description]
            return total, [dict(zip(names, row, strict=True)) for row in found]

        return part

    async def _lists(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        if request.method == "POST":
            return await self.user_lists.create(request)
        items = self.user_lists.items(request)
        return self._page(request, lambda limit, offset: (len(items), items[offset : offset + limit]))

    async def _deleted(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        gone = self.user_lists.delete(request.path_params["number"])
        return Response(status_code=204) if gone else not_found()

    async def _throttling(self, request: Request) -> Response:
        return self._refusal(request) or json({"REMARKETINGUSERSLIST": {"v2": self.user_lists.throttling()}})

    async def _advertised(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        kind = request.path_params["kind"]
        if kind not in KINDS:
            return not_found()
        items = self.advertising.items(kind)
        return self._page(request, lambda limit, offset: (len(items), items[offset : offset + limit]))

    async def _statistics(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        if refusal := faults.vanished(request, "F40"):
            return refusal
        known = request.path_params["kind"] in KINDS and request.path_params["span"] in SPANS
        return self.advertising.statistics(request) if known else not_found()

    def _page(self, request: Request, found: List) -> Response:
        texts = request.query_params.get("limit", str(DEFAULT)), request.query_params.get("offset", "0")
        if not all(text.isascii() and text.isdigit() and len(text) < 10 for text in texts):
            return json({"limit": "Enter a whole number.", "offset": "Enter a whole number."}, 400)
        limit, offset = map(int, texts)
        if not 1 <= limit <= MOST:
            return json({"limit": f"Ensure this value is from 1 to {MOST}."}, 400)
        total, items = found(limit, offset)
        if names := set(filter(None, request.query_params.get("fields", "").split(","))):
            items = [{name: value for name, value in item.items() if name in names} for item in items]
        body = {"count": total, "offset": offset, "limit": limit, "items": items}
        left = str(self._limit - self._used)
        return json(body, 200, {"X-RateLimit-RPS-Limit": str(self._limit), "X-RateLimit-RPS-Remaining": left})

    def _refusal(self, request: Request) -> Response | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return unauthorized("invalid_token", "Unknown access token")
        if refusal := faults.refusal(request, self.tokens, token):
            return refusal
        if reason := self.tokens.check(token):
            return unauthorized(*reason)
        second = int(time.time())
        self._second, self._used = second, self._used + 1 if second == self._second else 1
        if self._used <= self._limit:
            return None
        return json({"remaining": {"1": 0}, "limits": {"1": self._limit}}, 429)
