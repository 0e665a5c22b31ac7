"""Requests to partners and their answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.errors import Kind, PartnerError

DEADLINE = "DEADLINE"
"""The code of the error of a call that had no more time."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `path` is relative to the partner's address. `form` is sent url-encoded, `body` as it is.

    `name` is what the call is called in metrics and traces: the partner's name for it, the same for all records.
    `base` is the setting with the address, for a partner that has several. `group` is what the partner counts it under,
    where it does not count all calls together (`Quota.group`).
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    name: str = ""
    body: bytes | None = field(default=None, repr=False)
    base: str = "url"
    group: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A partner's answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON, integers exact. Raises `PartnerError` (TRANSIENT) for anything else."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise PartnerError(Kind.TRANSIENT, f"the answer (HTTP {self.status}) is not JSON") from None
