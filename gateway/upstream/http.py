"""HTTP to a partner: one pool per partner, a time limit, a bounded answer, and patience with what may pass."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import orjson

from gateway.errors import Kind, PartnerError
from gateway.telemetry.calls import PartnerCall
from gateway.telemetry.tracing import traceparent

T = TypeVar("T")

MAX_ANSWER = 32 * 2**20
TRIES = 4
LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `path` is relative to the partner's address. `form` is sent url-encoded.

    `name` is what the call is called in metrics and traces: the partner's name for it, the same for all records.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    name: str = ""


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


class Upstream:
    """One partner over HTTP. `settings` are the partner's: `url`, and its keys and secrets."""

    def __init__(self, partner: str, settings: Mapping[str, str], timeout: float = 30.0) -> None:
        self.partner = partner
        self.settings = settings
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._timeout, raise_for_status=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def read(self, prepare: Callable[[], Request], accept: Callable[[Answer], T]) -> T:
        """What `accept` makes of the answer to a request that may be repeated safely.

        `prepare` is called anew for each try, for signatures hold a time. `accept` raises `PartnerError` for an answer
        that is an error, whatever its HTTP status; one that may pass is tried again, after the wait the partner asked
        for or a growing one of our own, `TRIES` times in all. A wait beyond `LONGEST_WAIT` is for the caller to make.
        """
        for attempt in range(1, TRIES + 1):
            try:
                with PartnerCall(self.partner, self.settings["url"], attempt) as call:
                    request = prepare()
                    call.name = request.name
                    return accept(await self.send(request))
            except PartnerError as error:
                too_long = (error.retry_after or 0) > LONGEST_WAIT
                if not error.retryable or too_long or attempt == TRIES:
                    raise
                await asyncio.sleep(_wait(attempt, error.retry_after))
        raise AssertionError("unreachable")

    async def send(self, request: Request) -> Answer:
        """One try. Raises `PartnerError` (TRANSIENT) when the partner cannot be reached or says too much."""
        if self._session is None:
            raise RuntimeError("an Upstream is used within `async with`")
        try:
            async with self._session.request(
                request.method,
                self.settings["url"].rstrip("/") + request.path,
                params=request.query or None,
                data=request.form,
                headers={**request.headers, **traceparent(self.partner)},
                allow_redirects=False,
            ) as response:
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        raise PartnerError(Kind.DRIFT, f"an answer of more than {MAX_ANSWER} bytes")
        except (aiohttp.ClientError, TimeoutError) as error:
            # The error's text may hold the address with its query, and so a token; its class says enough.
            raise PartnerError(
                Kind.TRANSIENT, f"no answer from {self.partner}: {type(error).__name__}"
            ) from None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, headers, bytes(body))


def _wait(attempt: int, asked: float | None) -> float:
    if asked is not None:
        return asked
    return float(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311 - spreads retries, guards nothing
