"""Sessions: browsers that are signed in, the cookie they are known by, and the proof that a form is of our own."""

from __future__ import annotations

import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import Column, Connection, ForeignKey, Index, Text, delete, insert, select
from starlette.requests import Request
from starlette.responses import Response

from gateway.oauth.applications import hash_secret
from gateway.store.tables import Instant, instant, table

SESSION_LIFETIME = timedelta(hours=8)
"""How long a browser stays signed in, whatever it does."""

sessions = table(
    "sessions",
    Column("digest", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_sessions_expires_at", "expires_at"),
)
"""Browsers that are signed in, each by the SHA-256 of its cookie."""

_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}")


def begin_session(connection: Connection, user_id: str, before: str | None) -> str:
    """Sign a browser in: its new cookie. That of `before` ends, so that nobody can have known the new one."""
    now = datetime.now(UTC)
    connection.execute(delete(sessions).where(sessions.c.expires_at <= instant(now)))
    if before is not None:
        end_session(connection, before)
    cookie = new_cookie()
    row = {"digest": hash_secret(cookie), "user_id": user_id, "expires_at": instant(now + SESSION_LIFETIME)}
    connection.execute(insert(sessions).values(row))
    return cookie


def signed_in(connection: Connection, cookie: str | None) -> str | None:
    """The id of the user whom this cookie signs in."""
    if cookie is None:
        return None
    query = select(sessions.c.user_id).where(
        sessions.c.digest == hash_secret(cookie), sessions.c.expires_at > instant(datetime.now(UTC))
    )
    return connection.execute(query).scalar_one_or_none()


def end_session(connection: Connection, cookie: str) -> None:
    """Sign a browser out."""
    connection.execute(delete(sessions).where(sessions.c.digest == hash_secret(cookie)))


def end_sessions(connection: Connection, user_id: str) -> None:
    """Sign a user out everywhere."""
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))


def new_cookie() -> str:
    """A cookie that nobody has; until its browser signs in, it only says that two requests are from the same."""
    return secrets.token_urlsafe(32)


def cookie_name(origin: str) -> str:
    """The cookie's name; with its prefix a browser takes it from this very host only, and over https."""
    return "__Host-gateway" if origin.startswith("https:") else "gateway-session"


def presented(request: Request, origin: str) -> str | None:
    """The cookie in a request, if it can be one of ours."""
    cookie = request.cookies.get(cookie_name(origin), "")
    return cookie if _COOKIE.fullmatch(cookie) else None


def hand_out(response: Response, cookie: str, origin: str) -> None:
    """Give a browser its cookie: for no script, and from other sites only along a link that is followed."""
    secure = origin.startswith("https:")
    response.set_cookie(cookie_name(origin), cookie, path="/", secure=secure, httponly=True, samesite="lax")


def proof(cookie: str, form: str) -> str:
    """What a form of ours carries to show that its page was made for this very browser; `form` says which it is."""
    return hmac.new(cookie.encode(), form.encode(), "sha256").hexdigest()


def proves(sent: str | None, cookie: str | None, form: str) -> bool:
    """Whether `sent` is that proof."""
    if sent is None or cookie is None:
        return False
    return hmac.compare_digest(sent.encode(), proof(cookie, form).encode())
