"""A partner to measure by: it answers each call after so many milliseconds, or never, and does little else."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import uvloop

_RECORD = b'{"order_id":8012345678901234,"gmt_create":"2017-03-01 12:00:00","pay_amount":{"amount":"12.34"}}'
_BODY = b'{"result":{"target_list":{"order_dto":[' + b",".join([_RECORD] * 10) + b"]}}}"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_BODY)
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class _Connection(asyncio.Protocol):
    """One request at a time, with as much HTTP as it must speak."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._came = b""

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, ended, body = self._came.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not ended or (length is not None and len(body) < int(length[1])):
            return
        self._came = b""
        path = head.split(b" ", 2)[1].decode()
        asked = parse_qs(urlsplit(path).query)
        if path.startswith("/hang"):
            return
        wait = float(asked.get("ms", ["0"])[0]) / 1000
        if wait:
            asyncio.get_running_loop().call_later(wait, self._answer)
        else:
            self._answer()

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(_ANSWER + _BODY)  # type: ignore[attr-defined]


@asynccontextmanager
async def partner_process() -> AsyncIterator[str]:
    """The partner in a process of its own; its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.partner", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
