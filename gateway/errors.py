"""Every way a thing can fail: a code, an HTTP status where one applies, and a sentence that says what to do."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any


class SettingsError(Exception):
    """The operator's settings cannot be used."""


class SchemaError(Exception):
    """The declarations of gateway and connectors do not make one schema; the gateway does not start."""


class Refusal(Exception):
    """A request is refused as a whole, before anything runs.

    `status` is the HTTP status, `code` goes to `extensions.code`, with `extensions` beside it, `headers` to the answer.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None, **extensions: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.extensions = {"code": code, **extensions}


class FieldError(Exception):
    """A field is null for a reason the caller should know; the rest of the answer stands."""

    def __init__(self, message: str, code: str, **extensions: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extensions = {"code": code, **extensions}


class Unreadable(Exception):
    """A partner's record cannot be read. The reason names fields, never values: it is stored and shown."""


class Kind(Enum):
    """Why a partner's answer was no answer, by what to do about it."""

    AUTH = "AUTH"
    THROTTLED = "THROTTLED"
    TRANSIENT = "TRANSIENT"
    BUSINESS = "BUSINESS"
    DRIFT = "DRIFT"
    RETIRED = "RETIRED"


LONGEST_ASKED = 86_400.0
"""Seconds that a partner may ask to wait; it is heard again the next day."""

_CODE = re.compile(r"[\w.:-]{1,80}")


def _code(said: str | None) -> str | None:
    """A code as it was said; None for a text, which might say anything, and of anybody."""
    return said if said is not None and _CODE.fullmatch(said) else None


class PartnerError(Exception):
    """A partner refused or failed a call. `retry_after` is in seconds; the message holds no personal datum.

    `code` and `sub_code` are the partner's own, where they look like codes: callers are told them. `unheard` says
    that the call never reached the partner's business, so that even one that changes something may be repeated.
    `whole` says of a refusal of too many calls that it is for all calls to the partner, not only for those of the
    same group or name. `partner` is the name of the connector.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        code: str | None = None,
        sub_code: str | None = None,
        retry_after: float | None = None,
        unheard: bool = False,
        whole: bool = False,
        partner: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.code = _code(code)
        self.sub_code = _code(sub_code)
        self.retry_after = None if retry_after is None else min(retry_after, LONGEST_ASKED)
        self.unheard = unheard
        self.whole = whole
        self.partner = partner

    def again(self) -> PartnerError:
        """The same for another who asks."""
        return PartnerError(
            self.kind,
            self.message,
            code=self.code,
            sub_code=self.sub_code,
            retry_after=self.retry_after,
            unheard=self.unheard,
            whole=self.whole,
            partner=self.partner,
        )

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later without anybody changing anything."""
        return self.kind in (Kind.THROTTLED, Kind.TRANSIENT)
