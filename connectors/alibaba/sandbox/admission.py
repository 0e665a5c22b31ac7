"""Admission: what a call must show before the partner looks at what it asks."""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from datetime import datetime

from connectors.alibaba.signing import sign_sha256

TOLERANCE = 7_200
"""Seconds that the caller's clock may be off."""

_REQUIRED = ("method", "app_key", "timestamp", "sign_method", "sign")


class CallError(Exception):
    """A call is refused; `body` goes into `error_response`."""

    def __init__(self, type_: str, code: str, message: str) -> None:
        super().__init__(code)
        self.body: dict[str, object] = {"type": type_, "code": code, "msg": message}


def invalid(name: str) -> CallError:
    """The refusal of a parameter's value."""
    return CallError("ISV", f"isv.invalid-parameter:{name}", f"Invalid parameter: {name}")


def admit(parameters: Mapping[str, str], settings: Mapping[str, str]) -> None:
    """Check application, signature, timestamp and token, in this order. Raises `CallError`."""
    for name in _REQUIRED:
        if not parameters.get(name):
            raise CallError("ISV", "MissingParameter", f"The input parameter {name} is mandatory")
    if parameters["app_key"] != settings["app_key"]:
        raise CallError("ISV", "InvalidAppKey", "The specified app key is invalid")
    expected = sign_sha256(parameters, settings["app_secret"])
    signed = hmac.compare_digest(parameters["sign"].encode(), expected.encode())
    if parameters["sign_method"] != "sha256" or not signed:
        raise CallError(
            "ISV", "IncompleteSignature", "The request signature does not conform to platform standards"
        )
    if abs(time.time() - _seconds(parameters["timestamp"])) > TOLERANCE:
        raise CallError(
            "ISV", "IllegalTimestamp", "The request timestamp differs too much from the platform's"
        )
    token = parameters.get("access_token") or parameters.get("session") or ""
    if not hmac.compare_digest(token.encode(), settings["access_token"].encode()):
        raise CallError("ISV", "IllegalAccessToken", "The specified access token is invalid or expired")


def _seconds(timestamp: str) -> float:
    """Seconds since the epoch; written as milliseconds, or as ISO 8601 with its zone."""
    try:
        if timestamp.isascii() and timestamp.isdigit():
            return int(timestamp) / 1000
        written = datetime.fromisoformat(timestamp)
    except (ValueError, OverflowError):
        written = None
    if written is None or written.tzinfo is None:
        raise CallError("ISV", "IllegalTimestamp", "The request timestamp cannot be read")
    return written.timestamp()
