"""Tokens of AliExpress: the one in the settings, or a pair that the gateway keeps and renews by itself.

With `refresh_token` (or, the first time, the `code` that a seller's consent gave) in the settings, a token that has
expired is refreshed, by one worker for all, and the new pair is kept before it is used. Documented by the partner: IOP
has `/auth/token/create` and `/auth/token/refresh`, signed, with flat answers; TOP has `/token` at an address of its own
(`auth_url`), a form with the secret; moments are milliseconds; refreshing gives a new pair. That TOP's `/token` also
refreshes is OAuth 2's way, and stands in SDKs only.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from connectors.alibaba.clocks import clock
from connectors.alibaba.fields import fields, optional, text, whole
from connectors.alibaba.profiles import IOP, route
from connectors.alibaba.refusals import refusal
from connectors.alibaba.signing import sign_sha256
from gateway.connector import Answer, Kind, PartnerError, Request, Token, Unreadable, Upstream

EXPIRED = frozenset(
    {"IllegalAccessToken", "27", "invalid-sessionkey", "session-expired", "session-not-exist"}
)
"""The codes with which a token is refused that was good once."""

CREATE = "/auth/token/create"
REFRESH = "/auth/token/refresh"
_NAME = "session"


def renewable(settings: Mapping[str, str]) -> bool:
    """Whether the operator gave what it takes to get another token."""
    return bool(settings.get("refresh_token") or settings.get("code"))


async def session(upstream: Upstream, refused: str | None = None) -> str:
    """An access token, other than the one that was refused. Raises `PartnerError`."""
    if not renewable(upstream.settings):
        return upstream.settings["access_token"]
    found = await upstream.token(_NAME, partial(_first, refused), _refreshed, refused)
    return found.access


async def _first(refused: str | None, upstream: Upstream) -> Token:
    """The pair in the settings, or the one for the code there."""
    settings = upstream.settings
    if "refresh_token" not in settings:
        return await _granted(upstream, CREATE, {"code": settings["code"]})
    pair = Token(settings.get("access_token", ""), settings["refresh_token"])
    if not pair.access:
        return await _refreshed(upstream, pair)
    if pair.access == refused:
        raise PartnerError(
            Kind.AUTH, "the seller must authorise this gateway anew: no token is left", code="needsReauth"
        )
    return pair


async def _refreshed(upstream: Upstream, stale: Token) -> Token:
    return await _granted(upstream, REFRESH, {"refresh_token": stale.refresh or ""})


async def _granted(upstream: Upstream, path: str, given: Mapping[str, str]) -> Token:
    """A pair from the partner. The call is never repeated: a refresh token that was heard is used up."""
    form = route(upstream.settings).profile is not IOP
    prepare = partial(_form if form else _signed, upstream, path, given)
    return await upstream.write(prepare, partial(_read, path))


def _signed(upstream: Upstream, path: str, given: Mapping[str, str]) -> Request:
    query = {
        "app_key": upstream.settings["app_key"],
        "timestamp": IOP.stamp(clock(upstream).now()),
        "sign_method": "sha256",
    }
    query["sign"] = sign_sha256({**query, **given}, upstream.settings["app_secret"], path)
    base = route(upstream.settings).base
    return Request("POST", f"/rest{path}", query=query, form=given, name=path, base=base)


def _form(upstream: Upstream, path: str, given: Mapping[str, str]) -> Request:
    settings = upstream.settings
    form = {
        **given,
        "grant_type": "authorization_code" if path == CREATE else "refresh_token",
        "client_id": settings["app_key"],
        "client_secret": settings["app_secret"],
        "sp": "ae",
        "view": "web",
    }
    base = "auth_url" if "auth_url" in settings else "url"
    return Request("POST", "/token", form=form, name="/token", base=base)


def _read(path: str, answer: Answer) -> Token:
    body = answer.json()
    try:
        return _token(path, fields(body, "the answer"))
    except Unreadable as error:
        raise PartnerError(Kind.DRIFT, f"{path}: {error}") from None


def _token(path: str, body: Mapping[str, Any]) -> Token:
    if error := body.get("error"):
        raise PartnerError(Kind.AUTH, f"{path} was refused", code=str(error))
    if str(body.get("code", "0")) != "0":
        found = refusal(body, path)
        # Whatever is wrong with a refresh token or a code, nobody but the operator can mend it.
        kind = Kind.AUTH if found.kind is Kind.BUSINESS else found.kind
        raise PartnerError(kind, found.message, code=found.code, retry_after=found.retry_after)
    ends = whole(body, "expire_time") / 1000 if body.get("expire_time") else None
    return Token(text(body, "access_token"), optional(body, "refresh_token"), ends)
