"""GraphiQL: the page a browser gets at `/graphql`; everything it needs is served by the gateway itself."""

from __future__ import annotations

import os
import secrets
from functools import cache
from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_HERE = Path(__file__).parent

# The nonce is for the style elements that the editor adds as it runs; what its workers may do stands with the files.
_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@cache
def _html() -> str:
    return (_HERE / "index.html").read_text(encoding="utf-8")


def page() -> HTMLResponse:
    """The page; its policy lets it ask no other host, and run no script but the gateway's own files."""
    nonce = secrets.token_urlsafe(16)
    return HTMLResponse(
        _html().replace("{nonce}", nonce),
        headers={
            "Content-Security-Policy": _POLICY.format(nonce=nonce),
            "Cross-Origin-Opener-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "Vary": "Accept",
        },
    )


class _Files(StaticFiles):
    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["X-Content-Type-Options"] = "nosniff"
        # A worker has the policy of its own file: it needs nothing from anywhere.
        response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
        # Asked again each time, which an ETag makes cheap: after an update no page mixes old and new scripts.
        response.headers["Cache-Control"] = "no-cache"
        return response


def files() -> Mount:
    """The page's scripts and styles."""
    return Mount("/graphiql", _Files(directory=_HERE / "static"), name="graphiql")
