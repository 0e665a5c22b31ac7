"""The bundle: what the page loads, as it lies in the folder or packed for whoever takes it so: a third of the bytes."""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from pathlib import Path

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

_PACKED = frozenset((".css", ".js", ".json", ".svg", ".ttf", ".txt"))
"""What gets smaller by it; other fonts are packed already."""

_GZIP = re.compile(r"(?:^|[\s,])(?:gzip|\*)\s*(?:;\s*q=(?P<quality>[0-9.]+)\s*)?(?:,|$)", re.IGNORECASE)


class Bundle(StaticFiles):
    """The files of a folder, which does not change while it is served but by an update."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The answer to a request; each file is packed once, when it is first asked for so."""
        response = await super().get_response(path, scope)
        response.headers["X-Content-Type-Options"] = "nosniff"
        # A worker has the policy of its own file: it needs nothing from anywhere.
        response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
        # Asked again each time, which an ETag makes cheap: after an update no page mixes old and new scripts.
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Vary"] = "Accept-Encoding"
        if isinstance(response, FileResponse) and Path(response.path).suffix in _PACKED:
            sent = Headers(scope=scope)
            if takes_gzip(sent.get("accept-encoding", "")) and "range" not in sent:
                return await self._packed(response, sent)
        return response

    async def _packed(self, plain: FileResponse, sent: Headers) -> Response:
        headers = plain.headers.mutablecopy()
        headers["Content-Encoding"] = "gzip"
        # A part of the packed bytes is of no use to anybody.
        del headers["Accept-Ranges"]
        # Other bytes have another tag (RFC 9110, 8.8.3.3).
        headers["ETag"] = f'{plain.headers["etag"][:-1]}-gzip"'
        if self.is_not_modified(headers, sent):
            return NotModifiedResponse(headers)
        body = await to_thread.run_sync(_pack, str(plain.path), plain.headers["etag"])
        headers["Content-Length"] = str(len(body))
        return Response(body, headers=dict(headers))


def takes_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header lets an answer be packed (RFC 9110, 12.5.3)."""
    found = _GZIP.search(header)
    return found is not None and (found["quality"] is None or bool(found["quality"].strip("0.")))


@lru_cache(maxsize=100)
def _pack(path: str, tag: str) -> bytes:
    """The packed bytes of a file, of which there is a new version with a new tag."""
    return gzip.compress(Path(path).read_bytes(), mtime=0)
