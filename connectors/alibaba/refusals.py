"""Refusals: the partner's error bodies, which come with HTTP 200, told apart by what to do about them.

Documented by the partner: `{"error_response": {type, code, msg, sub_code, request_id}}` on `/sync` (TOP's
has a number for `code`), the same flat with `message` on `/rest`, and the codes below. How long a throttled
caller has to wait stands only in the text. The texts themselves go no further: they may repeat what was
asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.alibaba.profiles import BEIJING
from gateway.connector import Kind, PartnerError

_THROTTLED = {"apicalllimit", "appapicalllimit", "4", "5", "6", "7", "8"}
_PASSING = {"10", "15"}
_DAILY = "accesscontrol.limited-by-app-access-count"
_SYSTEM_ERROR = "404"
"""What methods with codes of their own call `System Error`."""
_AUTH = {
    "illegalaccesstoken",
    "incompletesignature",
    "invalidappkey",
    "invalid-sessionkey",
    "session-expired",
    "session-not-exist",
    "permission-api-app-not-apply",
    "illegaltimestamp",
    # TOP: permissions of application, user and partner; signature; session; application key; timestamp.
    *("11", "12", "13", "24", "25", "26", "27", "28", "29", "30", "31"),
}

_CODE = re.compile(r"[\w.:-]{1,80}")
_BAN = re.compile(r"lasts? (?:for )?(\d{1,9}) (?:more )?seconds", re.IGNORECASE)
_USUAL_BAN = 1.0
_MARGIN = 0.25


def refusal(error: Mapping[str, Any], method: str) -> PartnerError:
    """The error that a refusing body of `method` means; its code is the most exact one there is."""
    code, sub_code = _code(error.get("code")), _code(error.get("sub_code"))
    codes = {code.lower(), sub_code.lower()}
    said = " ".join(str(error.get(name, "")) for name in ("msg", "message", "sub_msg"))
    kind = _kind(codes, error.get("type"), said)
    return PartnerError(
        kind,
        f"{method} was refused: {sub_code or code}",
        code=sub_code or code,
        sub_code=sub_code or None,
        retry_after=_ban(said, _DAILY in codes) if kind is Kind.THROTTLED else None,
        # The partner's own gateway says so, and passes nothing on to the business behind it.
        unheard=kind in (Kind.THROTTLED, Kind.AUTH, Kind.RETIRED),
        whole=_DAILY in codes,
    )


def is_retired(said: str) -> bool:
    """Whether a text is the notice of a protocol that has been switched off (TOP's, since September 2023)."""
    return "offline" in said and "migrate" in said


def _kind(codes: set[str], blamed: object, said: str) -> Kind:
    if is_retired(said):
        return Kind.RETIRED
    if codes & _THROTTLED or any("limited-by" in code for code in codes):
        return Kind.THROTTLED
    if codes & _AUTH:
        return Kind.AUTH
    if any(code.startswith("isv.") for code in codes):
        return Kind.BUSINESS
    if _SYSTEM_ERROR in codes and "system error" in said.lower():
        return Kind.TRANSIENT
    if codes & _PASSING or blamed in ("ISP", "SYSTEM") or any(code.startswith("isp.") for code in codes):
        return Kind.TRANSIENT
    return Kind.BUSINESS


def _ban(said: str, daily: bool) -> float:
    """Seconds to wait: a little more than was said, for the partner counts them on its own clock."""
    found = _BAN.search(said)
    if found is None and daily:
        return seconds_of_day_left()
    return (float(found[1]) if found else _USUAL_BAN) + _MARGIN


def seconds_of_day_left() -> float:
    """How long a day's quota that is used up stays so: until midnight in Beijing."""
    now = datetime.now(BEIJING)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - now).total_seconds() + _MARGIN


def _code(value: object) -> str:
    """A code without its spaces, or nothing where it does not look like one."""
    found = "" if value is None else str(value).replace(" ", "")
    return found if _CODE.fullmatch(found) else ""
