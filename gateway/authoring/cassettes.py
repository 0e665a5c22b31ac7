"""Cassettes: what a partner answered once, to be played where it cannot be asked.

Signatures, times and tokens of a request differ each time, so that a request is answered with what was answered to the
most alike one: of the same method and path, with the most equal parameters. Of parameters only a digest is kept, and of
tokens in answers nothing; what else a partner answers is in the file as it came, and is as secret as that.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.errors import SettingsError

_TOKEN = re.compile(rb"""((?:access|refresh|id)_?token\\?"\s*:\s*\\?")[^"\\]*""", re.IGNORECASE)
"""A token in JSON, also in JSON within a text of JSON."""

_SECRET = re.compile("secret|password|sign|token|session|key", re.IGNORECASE)
"""Parameters of which not even a digest is kept; they tell no request from another."""

_KEPT = ("content-type", "date", "retry-after")
_PASSED = ("accept", "authorization", "content-type", "cookie")
_NO_WORDS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request as it is recognised, and the answer to it; the body is in base64."""

    method: str
    path: str
    parameters: Mapping[str, str]
    status: int
    headers: Mapping[str, str]
    body: str


class Recorder:
    """An ASGI application in front of a partner: passes every request on and keeps what was answered."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self.exchanges: list[Exchange] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request as the partner does."""
        # They take a sixth of every command's start, and only recording needs them.
        import aiohttp
        from yarl import URL

        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        sent = await request.body()
        passed = {
            name: value for name, value in request.headers.items() if name in _PASSED or name.startswith("x-")
        }
        async with (
            aiohttp.ClientSession(raise_for_status=False) as session,
            session.request(
                request.method,
                # As it came: a signature may be over the very text.
                URL(self._url + request.scope["raw_path"].decode() + f"?{request.url.query}", encoded=True),
                data=sent or None,
                headers=passed,
                allow_redirects=False,
            ) as answer,
        ):
            body = await answer.read()
            kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
            status = answer.status
        redacted = base64.b64encode(_TOKEN.sub(rb"\1recorded", body)).decode()
        known = await parameters(request)
        self.exchanges.append(Exchange(request.method, request.url.path, known, status, kept, redacted))
        await Response(body, status, kept)(scope, receive, send)

    def write(self, path: Path) -> None:
        """Keep the recording, for its owner alone."""
        path.touch(0o600)
        path.write_bytes(orjson.dumps([asdict(each) for each in self.exchanges], option=orjson.OPT_INDENT_2))


class Player:
    """An ASGI application that answers as a partner once did; 404 where it was asked nothing alike."""

    def __init__(self, path: Path) -> None:
        try:
            self._exchanges = [Exchange(**each) for each in orjson.loads(path.read_bytes())]
        except (OSError, ValueError, TypeError) as error:
            raise SettingsError(f"{path} is no cassette: {type(error).__name__}") from None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        known = await parameters(request)
        alike = [
            each for each in self._exchanges if (each.method, each.path) == (request.method, request.url.path)
        ]
        best = max(alike, key=lambda each: _likeness(each.parameters, known), default=None)
        found = Response(status_code=404)
        if best is not None:
            found = Response(base64.b64decode(best.body), best.status, dict(best.headers))
        await found(scope, receive, send)


async def parameters(request: Request) -> dict[str, str]:
    """The parameters of query and form, and of a JSON body the whole, each as a digest."""
    pairs: list[tuple[str, Any]] = list(request.query_params.items())
    body = await request.body()
    if "x-www-form-urlencoded" in request.headers.get("content-type", _NO_WORDS):
        pairs += parse_qsl(body.decode("latin-1"), keep_blank_values=True)
    elif body:
        pairs.append(("", body.decode("latin-1")))
    return {
        name: hashlib.sha256(str(value).encode()).hexdigest()[:16]
        for name, value in pairs
        if not _SECRET.search(name)
    }


def _likeness(one: Mapping[str, str], other: Mapping[str, str]) -> tuple[int, int]:
    """How many parameters are equal; and, less telling, how few are there in one alone."""
    return len(one.items() & other.items()), -len(one.keys() ^ other.keys())
