"""Answers of myTarget's API v2, and what its refusals mean (target.my.com, today ads.vk.com)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import orjson

from connectors.mailru.values import MOSCOW
from gateway.connector import Answer, Kind, PartnerError

CEILING = "limit_reached"
"""The code of the refusal of a sixth token."""

_ERROR = re.compile(r'\berror="(\w+)"')
_SECONDS = re.compile(r"[0-9]{1,9}")
_CODE = re.compile(r"[A-Z_]{3,40}")


def accept(answer: Answer) -> Any:
    """The JSON of a good answer, None without content. Raises `PartnerError`; `code` tells which refusal."""
    if answer.status == 204:
        return None
    if answer.status == 200:
        return answer.json()
    if answer.status == 429:
        raise PartnerError(Kind.THROTTLED, "myTarget asks to wait", retry_after=_wait(answer))
    if answer.status == 401:
        raise PartnerError(Kind.AUTH, "myTarget refused the token", code=_challenge(answer))
    if answer.status == 403:
        code = CEILING if b"limit reached" in answer.body.lower() else "forbidden"
        raise PartnerError(Kind.AUTH, "myTarget refused the call", code=code)
    kind = Kind.TRANSIENT if answer.status >= 500 else Kind.BUSINESS
    code = _error(answer) or str(answer.status)
    raise PartnerError(kind, f"myTarget refused the call (HTTP {answer.status})", code=code)


def _error(answer: Answer) -> str | None:
    """The code in the body of a refusal, where it has one: `{"error": {"code": …}}`."""
    error = _object(answer).get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def _challenge(answer: Answer) -> str | None:
    if found := _ERROR.search(answer.headers.get("www-authenticate", "")):
        return found[1]
    body = _object(answer)
    return body["code"] if isinstance(body.get("code"), str) else None


def _wait(answer: Answer) -> float | None:
    """Seconds to the end of the longest window that is used up; windows are aligned to Moscow's day."""
    remaining = _object(answer).get("remaining")
    if not isinstance(remaining, dict):
        return None
    spent = [int(window) for window, left in remaining.items() if _SECONDS.fullmatch(window) and left == 0]
    if not spent or not (window := max(spent)):
        return None
    now = datetime.now(MOSCOW)
    today = now.hour * 3600 + now.minute * 60 + now.second + now.microsecond / 1e6
    return window - today % window


def _object(answer: Answer) -> dict[str, Any]:
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
