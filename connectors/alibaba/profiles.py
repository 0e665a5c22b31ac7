"""Profiles: the wire protocols AliExpress has had in the venture's time, told apart by what a call must carry.

Documented by the partner. TOP (`/router/rest`, until 2023): the timestamp is the wall clock of GMT+8 and may be off
by 10 minutes, the token is `session`, the answer is XML unless JSON is asked for, and the signature is MD5 or
HMAC-MD5. IOP (`/sync`, since 2022): milliseconds since the epoch, off by 7,200 s at most, and HMAC-SHA256. The
methods and their fields are the same in both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from connectors.alibaba.signing import sign_hmac, sign_md5, sign_sha256
from gateway.connector import Kind, PartnerError

BEIJING = ZoneInfo("Asia/Shanghai")

Sign = Callable[[Mapping[str, str], str], str]


@dataclass(frozen=True, slots=True)
class Profile:
    """A protocol: where business calls go, how a moment is written, what the token is called, how all is signed."""

    path: str
    session: str
    stamp: Callable[[datetime], str]
    constants: Mapping[str, str]
    sign: Sign

    def system(self, app_key: str, method: str, now: datetime) -> dict[str, str]:
        """The parameters that every call has, but for the signature."""
        return {"method": method, "app_key": app_key, "timestamp": self.stamp(now), **self.constants}


def beijing(moment: datetime) -> str:
    """A moment as TOP's timestamp."""
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def milliseconds(moment: datetime) -> str:
    """A moment as IOP's timestamp."""
    return str(int(moment.timestamp() * 1000))


def _top(method: str, sign: Sign) -> Profile:
    constants = {"format": "json", "v": "2.0", "sign_method": method}
    return Profile("/router/rest", "session", beijing, constants, sign)


IOP = Profile("/sync", "access_token", milliseconds, {"format": "json", "sign_method": "sha256"}, sign_sha256)
TOP = _top("md5", sign_md5)

PROFILES: Mapping[str, Profile] = {"iop": IOP, "top": TOP, "top-hmac": _top("hmac", sign_hmac)}
"""By what the operator sets as `protocol`."""


def profile(settings: Mapping[str, str]) -> Profile:
    """The protocol that the settings name; IOP where they name none. Raises `PartnerError` (AUTH) for another."""
    found = PROFILES.get(settings.get("protocol", "iop"))
    if found is None:
        raise PartnerError(Kind.AUTH, f"protocol in [connectors.alibaba] must be {' or '.join(PROFILES)}")
    return found


class Route(NamedTuple):
    """The protocol to speak now, and the setting with the address where it is spoken."""

    profile: Profile
    base: str


_OFFLINE: set[str] = set()
"""Addresses at which a protocol is known to be switched off."""


def route(settings: Mapping[str, str]) -> Route:
    """The protocol that is set; IOP at `iop_url`, where that is set too, once the other is known to be offline."""
    found = profile(settings)
    if found is not IOP and "iop_url" in settings and settings["url"] in _OFFLINE:
        return Route(IOP, "iop_url")
    return Route(found, "url")


def left(settings: Mapping[str, str], taken: Route) -> bool:
    """Leave the route that was taken, for it is offline; false where there is no other."""
    if taken.profile is IOP or "iop_url" not in settings:
        return False
    _OFFLINE.add(settings["url"])
    return True
