"""Connections to one partner, kept open between calls, and one try of a call over one of them."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, quote_plus, urlsplit

from gateway.errors import Kind, PartnerError, SettingsError
from gateway.telemetry.tracing import traceparent
from gateway.upstream.http import DEADLINE, Answer, Request
from gateway.upstream.wire import Broken, Message, TooLarge, Wire

_IDLE = 30.0
"""Seconds that a connection is kept without a call."""

_KEPT = 32
"""Connections to one address that are kept so."""

_USUAL = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "silk-road-gateway"}
_FORM = "application/x-www-form-urlencoded"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_METHOD = re.compile(r"[A-Z]+")
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")

# What a path may hold as it is; an escape that is there already stays one.
_PATH = "/%:@!$&'()*+,;=~?"


class Address(NamedTuple):
    """Where a partner is."""

    host: str
    port: int
    tls: bool
    named: str
    path: str


class Connections:
    """Connections by the address they lead to."""

    def __init__(self, partner: str, settings: Mapping[str, str], largest: int) -> None:
        self._partner = partner
        self._settings = settings
        self._largest = largest
        self._idle: dict[Address, list[tuple[float, Wire]]] = {}
        self._tls: ssl.SSLContext | None = None
        self._open = False

    def open(self) -> None:
        """Be ready to send."""
        self._open = True

    def close(self) -> None:
        """Let go of all connections."""
        self._open = False
        for kept in self._idle.values():
            for _, wire in kept:
                wire.abort()
        self._idle.clear()

    async def send(self, request: Request, seconds: float) -> Answer:
        """One try. Raises `PartnerError`: TRANSIENT when no answer comes, DRIFT for one that says too much."""
        if not self._open:
            raise RuntimeError("an Upstream is used within `async with`")
        address = self._address(request.base)
        data = _bytes(request, address, traceparent(self._partner))
        wire = self._kept(address)
        heard = wire is not None
        try:
            async with asyncio.timeout(seconds):
                if wire is None:
                    wire = await self._connect(address)
                heard = True
                found = await wire.ask(data)
        except TooLarge:
            raise PartnerError(Kind.DRIFT, f"an answer of more than {self._largest} bytes") from None
        except Broken as error:
            raise self._failure(str(error), heard) from None
        except TimeoutError:
            _abort(wire)
            raise self._failure("it took too long", heard, DEADLINE) from None
        except OSError as error:
            # The error's text may hold the address; its class says enough.
            raise self._failure(type(error).__name__, heard) from None
        except BaseException:
            _abort(wire)
            raise
        self._keep(address, wire)
        return _answer(found)

    def _failure(self, reason: str, heard: bool, code: str | None = None) -> PartnerError:
        message = f"no answer from {self._partner}: {reason}"
        return PartnerError(Kind.TRANSIENT, message, code=code, unheard=not heard)

    def _address(self, base: str) -> Address:
        address = parsed(self._settings[base])
        if address is None:
            raise SettingsError(
                f"{base} in [connectors.{self._partner}] must be an address with http or https"
            )
        return address

    async def _connect(self, address: Address) -> Wire:
        if address.tls and self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        _, wire = await asyncio.get_running_loop().create_connection(
            lambda: Wire(self._largest), address.host, address.port, ssl=self._tls if address.tls else None
        )
        return wire

    def _kept(self, address: Address) -> Wire | None:
        """A connection that has been kept: the one used last, so that those not needed any more grow old."""
        kept = self._idle.get(address, [])
        while kept:
            since, wire = kept.pop()
            if wire.reusable and time.monotonic() - since < _IDLE:
                return wire
            wire.abort()
        return None

    def _keep(self, address: Address, wire: Wire) -> None:
        kept = self._idle.setdefault(address, [])
        if not wire.reusable or not self._open or len(kept) >= _KEPT:
            wire.abort()
            return
        kept.append((time.monotonic(), wire))
        since, oldest = kept[0]
        if not oldest.reusable or time.monotonic() - since > _IDLE:
            kept.pop(0)
            oldest.abort()


@lru_cache(maxsize=64)
def parsed(url: str) -> Address | None:
    """The address in a URL; None where there is none."""
    try:
        found = urlsplit(url)
        port = found.port
    except ValueError:
        return None
    if found.scheme not in ("http", "https") or not found.hostname:
        return None
    tls = found.scheme == "https"
    named = found.netloc.rpartition("@")[2]
    return Address(found.hostname, port or (443 if tls else 80), tls, named, found.path.rstrip("/"))


def _bytes(request: Request, address: Address, traced: Mapping[str, str]) -> bytes:
    """The request as it goes out. Raises `PartnerError` (DRIFT) for what cannot be sent, such as a broken token."""
    target = address.path + _quoted(request.path)
    if request.query:
        target += ("&" if "?" in target else "?") + _encoded(request.query)
    body = request.body if request.body is not None else b""
    headers = {"host": address.named, **_USUAL}
    if request.form is not None and request.body is None:
        body = _encoded(request.form).encode()
        headers["content-type"] = _FORM
    headers.update((name.lower(), value) for name, value in (*request.headers.items(), *traced.items()))
    if body or request.method not in ("GET", "HEAD", "DELETE", "OPTIONS"):
        headers["content-length"] = str(len(body))
    lines = [f"{request.method} {target} HTTP/1.1"]
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise PartnerError(Kind.DRIFT, "a header that cannot be sent", unheard=True)
        lines.append(f"{name}: {value}")
    if not _METHOD.fullmatch(request.method):
        raise PartnerError(Kind.DRIFT, "a method that cannot be sent", unheard=True)
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@lru_cache(maxsize=1_024)
def _quoted(path: str) -> str:
    return quote(path, safe=_PATH)


def _encoded(values: Mapping[str, str]) -> str:
    """As application/x-www-form-urlencoded; most of what is sent needs no other spelling."""
    return "&".join(f"{_spelled(name)}={_spelled(value)}" for name, value in values.items())


def _spelled(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else quote_plus(text)


def _abort(wire: Wire | None) -> None:
    if wire is not None:
        wire.abort()


def _answer(found: Message) -> Answer:
    return Answer(found.status, found.headers, found.body)
