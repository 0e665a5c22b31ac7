"""AliExpress's stand-in: IOP's `/sync` and `/rest`, TOP's `/router/rest` and `/token`, over a furnished SQLite file.

As the partner documents it: what a call must show (signature, timestamp, token), HTTP 200 for every error, the
envelopes, TOP's XML for whoever does not ask for JSON, `simplify`, the order list with its paging, filters, Pacific
times and silence about `FINISH`, and the records with their misspellings. Modelled: the methods of the venture's own
(`aliexpress.jv…`), the order of a list (newest change first), IOP's codes for a wrong timestamp or parameter, and that
times are compared as the wall shows them, the repeated hour too. One address serves both protocols here; the partner
has one for each.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.alibaba.sandbox.admission import IOP, TOP, CallError, Protocol, admit
from connectors.alibaba.sandbox.answers import as_json, as_xml
from connectors.alibaba.sandbox.faults import bent, refusal
from connectors.alibaba.sandbox.feeds import Feeds
from connectors.alibaba.sandbox.furnishing import FILE, furnish
from connectors.alibaba.sandbox.grants import Grants
from connectors.alibaba.sandbox.listings import Record
from connectors.alibaba.sandbox.methods import Method, methods
from connectors.alibaba.sandbox.push import events
from gateway.connector import clock, struck

__all__ = ["furnish", "sandbox"]


def sandbox(folder: Path, settings: Mapping[str, str]) -> Starlette:
    """The partner over `<folder>/alibaba.db`.

    `settings` has the app_key, app_secret and access_token, and may have a refresh_token and a code to begin with.
    """
    partner = Partner(folder / FILE, settings, Grants(settings), methods(Feeds()))
    app = Starlette(
        routes=[
            Route("/sync", partial(partner.business, IOP), methods=["GET", "POST"]),
            Route("/router/rest", partial(partner.business, TOP), methods=["GET", "POST"]),
            Route("/rest/{path:path}", partner.system, methods=["GET", "POST"]),
            Route("/token", partner.token, methods=["POST"]),
            Route("/_events", partial(events, partner.file, settings), methods=["POST"]),
        ]
    )
    app.state.grants = partner.grants
    return app


@dataclass(frozen=True, slots=True)
class Partner:
    """The partner at work: its books, the keys it accepts, the tokens it has given out, what it answers."""

    file: Path
    settings: Mapping[str, str]
    grants: Grants
    methods: Mapping[str, Method]

    async def business(self, protocol: Protocol, request: Request) -> Response:
        """One business call: read, admitted, answered. An error is a body like any other, with status 200."""
        parameters = await read_parameters(request)
        try:
            admit(protocol, parameters, self.settings, clock(request))
            if struck(request, "F12"):
                self.grants.expire_all()
            if fault := refusal(request, protocol):
                raise fault
            self._check_token(protocol, parameters)
            body = self.answer(protocol, parameters, request)
        except CallError as error:
            body = {"error_response": error.body | {"request_id": uuid4().hex}}
        return as_json(body) if protocol is IOP or parameters.get("format") == "json" else as_xml(body)

    def _check_token(self, protocol: Protocol, parameters: Mapping[str, str]) -> None:
        token = next((parameters[name] for name in protocol.session if parameters.get(name)), "")
        if not self.grants.holds(token):
            raise protocol.refusal("token")

    def answer(self, protocol: Protocol, parameters: Mapping[str, str], request: Request) -> Record:
        """The envelope of a call that succeeds. Raises `CallError`."""
        name = parameters["method"]
        method = self.methods.get(name)
        if method is None:
            raise protocol.refusal("method")
        # Opened for each call: the app may run in any thread, and opening takes a tenth of a millisecond.
        with closing(sqlite3.connect(f"file:{self.file}?mode=rw", uri=True)) as database:
            database.row_factory = sqlite3.Row
            found = bent(request, method(database, parameters))
        root = name.replace(".", "_") + "_response"
        return {root: {**found, "request_id": uuid4().hex, "_trace_id_": uuid4().hex}}

    async def system(self, request: Request) -> Response:
        """One system call of IOP."""
        path = "/" + request.path_params["path"]
        return as_json(self.grants.system_call(path, await read_parameters(request), clock(request)))

    async def token(self, request: Request) -> Response:
        """TOP's token endpoint."""
        return as_json(self.grants.form(await read_parameters(request)))


async def read_parameters(request: Request) -> dict[str, str]:
    """Query and form together, for the signature is over both. Files are no parameters."""
    form = await request.form()
    both = (*request.query_params.items(), *form.items())
    return {name: value for name, value in both if isinstance(value, str)}
