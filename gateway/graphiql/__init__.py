"""GraphiQL: the page a browser gets at `/graphql`; everything it needs is served by the gateway itself."""

from __future__ import annotations

import secrets
from functools import cache
from pathlib import Path

from starlette.responses import HTMLResponse
from starlette.routing import Mount

from gateway.graphiql.bundle import Bundle

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


def files() -> Mount:
    """The page's scripts and styles."""
    return Mount("/graphiql", Bundle(directory=_HERE / "static"), name="graphiql")
