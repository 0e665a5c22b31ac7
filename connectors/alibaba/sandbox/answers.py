"""Answers: what a call gives back, as JSON or as TOP's XML, and always with HTTP 200."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

import orjson
from starlette.responses import Response


def as_json(body: Mapping[str, object]) -> Response:
    """The body as JSON."""
    return Response(orjson.dumps(body), media_type="application/json;charset=UTF-8")


def as_xml(body: Mapping[str, object]) -> Response:
    """The body as TOP writes it for whoever does not ask for JSON: one element a name, lists repeat theirs."""
    text = '<?xml version="1.0" encoding="utf-8" ?>' + "".join(_element(*each) for each in body.items())
    return Response(text, media_type="text/xml;charset=UTF-8")


def _element(name: str, value: object) -> str:
    if isinstance(value, list):
        return "".join(_element(name, each) for each in value)
    inner = "".join(_element(*each) for each in value.items()) if isinstance(value, dict) else _text(value)
    return f"<{name}>{inner}</{name}>"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else escape(str(value))
