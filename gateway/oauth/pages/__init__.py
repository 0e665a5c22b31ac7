"""Pages: what a person sees of the token service, plain HTML without a script."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

_HERE = Path(__file__).parent

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'"
)

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@cache
def _templates() -> Environment:
    return Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined)


def page(name: str, status: int, target: str | None = None, **values: Any) -> HTMLResponse:
    """A page; `target` is where, besides to us, its forms may lead: browsers also hold the redirect to it."""
    policy = f"{_POLICY} {target}" if target else _POLICY
    html = _templates().get_template(f"{name}.html").render(**values)
    return HTMLResponse(html, status, {**_HEADERS, "Content-Security-Policy": policy})


async def style(_: Request) -> Response:
    """The pages' style."""
    css = (_HERE / "page.css").read_bytes()
    headers = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}
    return Response(css, media_type="text/css", headers=headers)
