"""Admission: what a call must show before the partner looks at what it asks, by either protocol."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from connectors.alibaba.profiles import BEIJING
from connectors.alibaba.signing import sign_hmac, sign_md5, sign_sha256

Settings = Mapping[str, str]
Parameters = Mapping[str, str]


class CallError(Exception):
    """A call is refused; `body` goes into `error_response`."""

    def __init__(self, **body: object) -> None:
        super().__init__(body.get("code"))
        self.body = body


Refusals = Mapping[str, Mapping[str, object]]
"""A protocol's words for what it refuses, by what is wrong: IOP has codes of words, TOP numbers."""


def _iop(code: str, message: str) -> Mapping[str, object]:
    return {"type": "ISV", "code": code, "msg": message}


IOP_REFUSALS: Refusals = {
    "missing": _iop("MissingParameter", "The input parameter {} is mandatory"),
    "key": _iop("InvalidAppKey", "The specified app key is invalid"),
    "signature": _iop("IncompleteSignature", "The request signature does not conform to platform standards"),
    "clock": _iop("IllegalTimestamp", "The request timestamp is not within two hours of the platform's"),
    "token": _iop("IllegalAccessToken", "The specified access token is invalid or expired"),
    "method": _iop("InvalidApiPath", "The specified API path is invalid"),
}

TOP_REFUSALS: Refusals = {
    "missing": {"code": 40, "msg": "Missing required arguments:{}"},
    "key": {"code": 29, "msg": "Invalid app Key"},
    "signature": {"code": 25, "msg": "Invalid signature"},
    "clock": {"code": 31, "msg": "Invalid timestamp"},
    "token": {"code": 27, "msg": "Invalid session", "sub_code": "invalid-sessionkey"},
    "method": {"code": 22, "msg": "Invalid method"},
}


@dataclass(frozen=True, slots=True)
class Protocol:
    """What a protocol demands: parameters, the clock's tolerance in seconds, how it signs and reads a timestamp."""

    required: tuple[str, ...]
    tolerance: float
    signers: Mapping[str, Callable[[Parameters, str], str]]
    seconds: Callable[[str], float | None]
    session: tuple[str, ...]
    refusals: Refusals

    def refusal(self, fault: str, name: str = "") -> CallError:
        """The refusal of a fault; `name` is the parameter at fault, where there is one."""
        body = self.refusals[fault].items()
        return CallError(**{key: v.replace("{}", name) if isinstance(v, str) else v for key, v in body})


def _epoch(timestamp: str) -> float | None:
    """Seconds since the epoch; IOP writes milliseconds, or ISO 8601 with its zone."""
    try:
        if timestamp.isascii() and timestamp.isdigit():
            return int(timestamp) / 1000
        written = datetime.fromisoformat(timestamp)
    except (ValueError, OverflowError):
        return None
    return written.timestamp() if written.tzinfo else None


def _beijing(timestamp: str) -> float | None:
    """Seconds since the epoch; TOP writes the wall clock of GMT+8."""
    try:
        return datetime.strptime(timestamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).timestamp()
    except (ValueError, OverflowError):
        return None


_SYSTEM = ("method", "app_key", "timestamp", "sign_method", "sign")

IOP = Protocol(_SYSTEM, 7_200, {"sha256": sign_sha256}, _epoch, ("access_token", "session"), IOP_REFUSALS)
TOP = Protocol(
    (*_SYSTEM, "v"), 600, {"md5": sign_md5, "hmac": sign_hmac}, _beijing, ("session",), TOP_REFUSALS
)


def invalid(name: str) -> CallError:
    """The refusal of a parameter's value."""
    return CallError(type="ISV", code=f"isv.invalid-parameter:{name}", msg=f"Invalid parameter: {name}")


def system_call(path: str) -> Protocol:
    """What IOP demands of a system call at `/rest`, whose path is part of what is signed."""
    required = tuple(name for name in _SYSTEM if name != "method")
    return replace(IOP, required=required, signers={"sha256": partial(sign_sha256, path=path)})


def admit(protocol: Protocol, parameters: Parameters, settings: Settings, now: float) -> None:
    """Check application, signature and timestamp, in this order; `now` in epoch seconds. Raises `CallError`."""
    for name in protocol.required:
        if not parameters.get(name):
            raise protocol.refusal("missing", name)
    if parameters["app_key"] != settings["app_key"]:
        raise protocol.refusal("key")
    sign = protocol.signers.get(parameters["sign_method"])
    if sign is None or not _same(parameters["sign"], sign(parameters, settings["app_secret"])):
        raise protocol.refusal("signature")
    there = protocol.seconds(parameters["timestamp"])
    if there is None or abs(now - there) > protocol.tolerance:
        raise protocol.refusal("clock")


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
