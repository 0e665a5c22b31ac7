"""The bank's sandbox: its token endpoint and its two lists, over customers who bought at AliExpress with its cards."""

from __future__ import annotations

import base64
import hashlib
import secrets
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.connector import hashed_email, hashed_phone, instant

if TYPE_CHECKING:
    from gateway.demo.world import Member, Purchase, World

FILE = "bank.db"
LIFE = 900
MOST = 200
TABLES = ("customers", "payments")


def furnish(world: World, folder: Path) -> None:
    """Write `<folder>/bank.db`: every fourth buyer at AliExpress, and what they bought there as payments."""
    path = folder / FILE
    path.unlink(missing_ok=True)
    known = {each.account: each for each in world.members("ALIBABA") if _lot(each.account) % 4 == 0}
    bought = (each for each in world.purchases("ALIBABA") if each.account in known)
    with closing(sqlite3.connect(path)) as database, database:
        for name in TABLES:
            database.execute(
                f"CREATE TABLE {name} (updated TEXT, id TEXT, item TEXT, PRIMARY KEY (updated, id)) WITHOUT ROWID"
            )
        insert = "INSERT INTO {} VALUES (:updated, :id, :item)"
        database.executemany(insert.format("customers"), map(_customer, known.values()))
        database.executemany(insert.format("payments"), (_payment(each, world.last) for each in bought))


def _lot(text: str) -> int:
    return int.from_bytes(hashlib.sha256(f"bank {text}".encode()).digest()[:6], "big")


def _customer(member: Member) -> dict[str, str]:
    email, phone = hashed_email(member.email), hashed_phone(member.phone)
    return _item(
        str(_lot(member.account)),
        member.since,
        email_sha256=email and email.removeprefix("sha256:"),
        phone_sha256=phone and phone.removeprefix("sha256:"),
        birth_year=member.birth_year,
        since=instant(member.since),
    )


def _payment(purchase: Purchase, last: datetime) -> dict[str, str]:
    settled = purchase.at + timedelta(days=1)
    reversed_ = _lot(f"reversed {purchase.number}") % 50 == 0
    status = "authorised" if settled > last else "reversed" if reversed_ else "settled"
    kopecks = sum(line.cents for line in purchase.lines) * 58
    return _item(
        str(purchase.number),
        purchase.at if settled > last else settled,
        customer=str(_lot(purchase.account)),
        amount={"value": f"{kopecks // 100}.{kopecks % 100:02}", "currency": "RUB"},
        status=status,
        settled_at=instant(settled) if status == "settled" else None,
    )


def _item(identity: str, updated: datetime, **more: Any) -> dict[str, str]:
    item = {"id": identity, "updated_at": instant(updated), **more}
    return {"id": identity, "updated": instant(updated), "item": orjson.dumps(item).decode()}


class Bank:
    """The bank over its books; `tokens` are those it granted, each with the moment of its end."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._books = sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True, check_same_thread=False)
        pair = f"{settings['client_id']}:{settings['client_secret']}".encode()
        self._basic = f"Basic {base64.b64encode(pair).decode()}"
        self.tokens: dict[str, float] = {}

    async def token(self, request: Request) -> Response:
        """RFC 6749, 4.4: a token for the client's own credentials."""
        form = await request.form()
        if not secrets.compare_digest(
            request.headers.get("authorization", "").encode(), self._basic.encode()
        ):
            return _refused(401, "invalid_client", {"WWW-Authenticate": "Basic"})
        if form.get("grant_type") != "client_credentials":
            return _refused(400, "unsupported_grant_type")
        token = secrets.token_urlsafe(24)
        self.tokens[token] = time.monotonic() + LIFE
        return _json({"access_token": token, "token_type": "Bearer", "expires_in": LIFE})

    async def items(self, request: Request) -> Response:
        """A page of a list in the order in which its things changed; `next` leads to the page behind it."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or self.tokens.get(token, 0) < time.monotonic():
            return _refused(401, "invalid_token", {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        asked, name = request.query_params, request.path_params["name"]
        limit, place = asked.get("limit", "50"), _place(asked.get("cursor"), asked.get("since", ""))
        if name not in TABLES:
            return _refused(404, "not_found")
        if place is None:
            return _refused(400, "invalid_cursor")
        if not limit.isdigit() or not 1 <= int(limit) <= MOST:
            return _refused(400, "invalid_limit")
        sql = f"SELECT updated, id, item FROM {name} WHERE (updated, id) > (?, ?) ORDER BY 1, 2 LIMIT ?"  # noqa: S608 - one of TABLES
        found = self._books.execute(sql, (*place, int(limit) + 1)).fetchall()
        shown = found[: int(limit)]
        behind = (
            base64.urlsafe_b64encode(orjson.dumps(shown[-1][:2])).decode()
            if len(found) > len(shown)
            else None
        )
        return _json({"items": [orjson.loads(item) for *_, item in shown], "next": behind})


def _place(cursor: str | None, since: str) -> tuple[str, str] | None:
    """Behind which thing a page begins; None for a cursor that the bank did not give out."""
    if cursor is None:
        return since, ""
    try:
        updated, identity = orjson.loads(base64.urlsafe_b64decode(cursor))
        return str(updated), str(identity)
    except (ValueError, TypeError):
        return None


def _json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, "application/json")


def _refused(status: int, code: str, headers: Mapping[str, str] | None = None) -> Response:
    return _json({"error": code}, status, headers)


def sandbox(folder: Path, settings: Mapping[str, str]) -> Starlette:
    """The bank over `<folder>/bank.db`; it knows the client that `settings` name."""
    bank = Bank(folder, settings)
    return Starlette(
        routes=[
            Route("/oauth2/token", bank.token, methods=["POST"]),
            Route("/v1/{name}", bank.items),
        ]
    )
