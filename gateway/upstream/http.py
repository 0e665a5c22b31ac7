"""HTTP to a partner: requests, answers, and one try of a call within a time limit and a bound on what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from gateway.errors import Kind, PartnerError
from gateway.telemetry.tracing import traceparent

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
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    body: bytes | None = None
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


class Connections:
    """Connections to one partner, kept open between calls."""

    def __init__(self, partner: str, settings: Mapping[str, str], largest: int) -> None:
        self._partner = partner
        self._settings = settings
        self._largest = largest
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Be ready to send; to be called where the event loop runs."""
        # How many calls there are at a time is not for the pool to decide.
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(connector=connector, raise_for_status=False)

    async def close(self) -> None:
        """Let go of all connections."""
        if self._session is not None:
            await self._session.close()

    async def send(self, request: Request, seconds: float) -> Answer:
        """One try. Raises `PartnerError` (TRANSIENT) when the partner cannot be reached or says too much."""
        if self._session is None:
            raise RuntimeError("an Upstream is used within `async with`")
        try:
            async with self._session.request(
                request.method,
                self._settings[request.base].rstrip("/") + request.path,
                params=request.query or None,
                data=request.form if request.body is None else request.body,
                headers={**request.headers, **traceparent(self._partner)},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as response:
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > self._largest:
                        raise PartnerError(Kind.DRIFT, f"an answer of more than {self._largest} bytes")
        except (aiohttp.ClientError, TimeoutError) as error:
            # The error's text may hold the address with its query, and so a token; its class says enough.
            raise PartnerError(
                Kind.TRANSIENT,
                f"no answer from {self._partner}: {type(error).__name__}",
                code=DEADLINE if isinstance(error, TimeoutError) else None,
                unheard=isinstance(error, aiohttp.ClientConnectorError),
            ) from None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, headers, bytes(body))
