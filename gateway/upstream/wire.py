"""The wire: one HTTP/1.1 connection (RFC 9112), one exchange at a time, read by llhttp and bounded on the way in.

A client of our own, for a call by the lightest of others takes about twice the processor's time; `make bench` has the
figures. It does what calls to partners need: no redirects, no cookies, no proxies.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import Any, NamedTuple

import httptools

LARGEST_HEAD = 65_536
"""Bytes of a status line with headers, or of trailers."""

_FRAMING = 8
"""How many times larger than its content an answer may be by the way it is cut into chunks."""


class Broken(Exception):
    """An exchange that came to nothing; the text is ours, and holds nothing of it."""


class TooLarge(Exception):
    """An answer larger than may be."""


class Message(NamedTuple):
    """An answer as it came; names of headers are in lower case, values of the same name in one."""

    status: int
    headers: dict[str, str]
    body: bytes


class Wire(asyncio.Protocol):
    """One connection. An answer's body, unpacked, may have `largest` bytes."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._transport: Any = None
        self._asked: asyncio.Future[Message] | None = None
        self._parser: Any = None
        self._unpacker: Any = None
        self.reusable = False
        """Whether another exchange may follow on the last one."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = transport
        self.reusable = True

    def ask(self, request: bytes) -> asyncio.Future[Message]:
        """The answer to a request's bytes. Raises `Broken` or `TooLarge`; after that the connection is of no use."""
        self._parser = httptools.HttpResponseParser(self)
        self._asked = asyncio.get_running_loop().create_future()
        self._came = 0
        self._clear()
        self.reusable = False
        self._transport.write(request)
        return self._asked

    def abort(self) -> None:
        """Hang up at once."""
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._asked is None or self._asked.done():
            # Nobody asked for this.
            self.abort()
            return
        self._came += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(Broken("not HTTP"))
        if self._came > LARGEST_HEAD + (self._largest * _FRAMING if self._read_head else 0):
            self._fail(Broken("endless framing" if self._read_head else "endless headers"))

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.Protocol`; an answer of unstated length ends with its connection."""
        self.reusable = False
        if error is None and self._asked is not None and not self._asked.done() and self._until_end():
            self.on_message_complete()
            self.reusable = False
        self._fail(Broken("the connection was closed"))

    # What the parser calls

    def on_message_begin(self) -> None:
        """A status line follows; where the answer was whole already, nobody asked for it."""
        if self._asked is not None and self._asked.done():
            self.abort()
        self._clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header or a trailer."""
        self._head += len(name) + len(value)
        if self._head > LARGEST_HEAD:
            self._fail(Broken("endless headers"))
            return
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """The body follows."""
        self._read_head = True
        coding = self._headers.get("content-encoding", "identity").strip().lower()
        if coding in ("gzip", "x-gzip", "deflate"):
            self._unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
        elif coding not in ("identity", ""):
            self._fail(Broken("an unknown coding"))

    def on_body(self, part: bytes) -> None:
        """Some of the body."""
        if self._unpacker is not None:
            try:
                part = self._unpacker.decompress(part, self._largest + 1 - self._size)
            except zlib.error:
                self._fail(Broken("a broken coding"))
                return
        self._size += len(part)
        if self._size > self._largest:
            self._fail(TooLarge())
            return
        self._body.append(part)

    def on_message_complete(self) -> None:
        """All is there; what is only provisional (1xx) is followed by the answer."""
        status = self._parser.get_status_code()
        if status < 200 or self._asked is None or self._asked.done():
            return
        if self._unpacker is not None and self._size + len(self._body) and not self._unpacker.eof:
            self._fail(Broken("a coding cut short"))
            return
        self.reusable = self._parser.should_keep_alive()
        self._asked.set_result(Message(status, self._headers, b"".join(self._body)))

    def _clear(self) -> None:
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._head = self._size = 0
        self._unpacker = None
        self._read_head = False

    def _until_end(self) -> bool:
        return self._read_head and not self._headers.keys() & {"content-length", "transfer-encoding"}

    def _fail(self, error: Exception) -> None:
        if self._asked is not None and not self._asked.done():
            self._asked.set_exception(error)
            self.abort()
