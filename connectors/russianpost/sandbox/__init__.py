"""Russian Post's stand-in: `POST /rtm34` over the parcels that `furnish` wrote."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from defusedxml.ElementTree import ParseError, fromstring
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.russianpost.sandbox.answers import failed, told
from connectors.russianpost.sandbox.parcels import FILE, furnish, operations_of
from connectors.russianpost.soap import DATA, ENVELOPE, OPERATION

__all__ = ["furnish", "sandbox"]

_REQUEST = f"{{{ENVELOPE}}}Body/{{{OPERATION}}}getOperationHistory"


def sandbox(folder: Path, settings: Mapping[str, str]) -> Starlette:
    """The service over `<folder>/russianpost.db`; `settings` has the login and the password."""
    books = sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True, check_same_thread=False)

    async def tracking(request: Request) -> Response:
        asked = _asked(await request.body())
        if asked is None or not request.headers.get("content-type", "").startswith("application/soap+xml"):
            return failed("Sender", "The message is not what getOperationHistory takes.")
        if (asked["login"], asked["password"]) != (settings["login"], settings["password"]):
            return failed("Sender", "Login or password is wrong.", "AuthorizationFault")
        if asked["Language"] not in ("RUS", "ENG"):
            return failed("Sender", "The language is not known.", "LanguageFault")
        number = asked["Barcode"]
        return told(number, operations_of(books, number, asked["Language"]))

    @asynccontextmanager
    async def closing(app: Starlette) -> AsyncIterator[None]:
        yield
        books.close()

    return Starlette(routes=[Route("/rtm34", tracking, methods=["POST"])], lifespan=closing)


def _asked(body: bytes) -> dict[str, str] | None:
    """What is asked, by element; None for a message that is not as the service has it."""
    try:
        call = fromstring(body, forbid_dtd=True).find(_REQUEST)
    except (ParseError, LookupError, ValueError):
        return None
    if call is None:
        return None
    header = call.find(f"{{{DATA}}}AuthorizationHeader")
    if header is None or header.get(f"{{{ENVELOPE}}}mustUnderstand") != "1":
        return None
    names = {
        "OperationHistoryRequest": ("Barcode", "MessageType", "Language"),
        "AuthorizationHeader": ("login", "password"),
    }
    found = {
        name: call.findtext(f"{{{DATA}}}{part}/{{{DATA}}}{name}") for part, of in names.items() for name in of
    }
    return None if None in found.values() else {name: str(text) for name, text in found.items()}
