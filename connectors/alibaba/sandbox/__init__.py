"""AliExpress's stand-in: `/sync` of the IOP platform over a furnished SQLite file.

As the partner documents it: what a call must show (signature, timestamp, token), HTTP 200 for every error,
the envelope, `simplify`, the order list with its paging, filters, Pacific times and silence about `FINISH`,
and `order_dto` with its misspellings. Modelled: the method for members, the order of a list (newest change
first), the codes for a wrong timestamp or parameter, and that times are compared as the wall shows them,
the repeated hour too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from uuid import uuid4

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.alibaba.sandbox.admission import CallError, admit
from connectors.alibaba.sandbox.furnishing import FILE, furnish
from connectors.alibaba.sandbox.listings import Listing, Record
from connectors.alibaba.sandbox.members import members
from connectors.alibaba.sandbox.orders import orders

__all__ = ["furnish", "sandbox"]

METHODS: Mapping[str, Listing] = {
    "aliexpress.solution.order.get": orders,
    "aliexpress.jv.member.list": members,
}


def sandbox(folder: Path, settings: Mapping[str, str]) -> Starlette:
    """The partner over `<folder>/alibaba.db`; `settings` has the app_key, app_secret and access_token."""
    endpoint = partial(sync, folder / FILE, settings)
    return Starlette(routes=[Route("/sync", endpoint, methods=["GET", "POST"])])


async def sync(file: Path, settings: Mapping[str, str], request: Request) -> Response:
    """One business call: read, admitted, answered. An error is a body like any other, with status 200."""
    parameters = await read_parameters(request)
    try:
        admit(parameters, settings)
        body = answer(file, parameters)
    except CallError as error:
        body = {"error_response": error.body | {"request_id": uuid4().hex}}
    return Response(orjson.dumps(body), media_type="application/json;charset=UTF-8")


async def read_parameters(request: Request) -> dict[str, str]:
    """Query and form together, for the signature is over both. Files are no parameters."""
    form = await request.form()
    both = (*request.query_params.items(), *form.items())
    return {name: value for name, value in both if isinstance(value, str)}


def answer(file: Path, parameters: Mapping[str, str]) -> Record:
    """The envelope of a call that succeeds. Raises `CallError`."""
    name = parameters["method"]
    method = METHODS.get(name)
    if method is None:
        raise CallError("ISV", "InvalidApiPath", "The specified API path is invalid")
    # Opened for each call: the app may run in any thread, and opening takes a tenth of a millisecond.
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        result = method.page(database, parameters)
    root = name.replace(".", "_") + "_response"
    return {root: {"result": result, "request_id": uuid4().hex, "_trace_id_": uuid4().hex}}
