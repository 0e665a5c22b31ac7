"""Faulty: a sandbox that can be told to misbehave, by `POST /_faults` while it is at work.

`POST` adds to what was told, `DELETE` forgets all of it, `GET` shows what is in force and what came of it. A fault is
`{fault, rate, count, seed, path, seconds}`, of which only `fault` must be there; see `faults.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.sandboxes.calls import KEY, Call
from gateway.sandboxes.deliveries import Delivery
from gateway.sandboxes.faults import GENERIC, Fault, FaultError, Told

PATH = "/_faults"


class Faulty:
    """A partner's sandbox, with the faults it was told; `own` are those that the partner's protocol adds."""

    def __init__(self, app: ASGIApp, own: Mapping[str, str] | None = None) -> None:
        self.known = {**GENERIC, **(own or {})}
        self.calls = 0
        self.told: list[Told] = []
        self._app = app

    def tell(self, *faults: Fault) -> None:
        """Put faults in force, beside those that are."""
        self.told += map(Told, faults)

    def forget(self) -> None:
        """Behave well again, and count the calls anew."""
        self.told.clear()
        self.calls = 0

    def shown(self) -> dict[str, Any]:
        """What is in force, how many calls there were, and what there is to tell, as JSON."""
        told = [each.shown() for each in self.told]
        return {"calls": self.calls, "faults": told, "known": self.known}

    def stalls(self) -> float | None:
        """How long a TLS handshake that begins now is left unanswered; None where it is not."""
        strike = Call(self.told, "").strike("tls-stall")
        return strike and strike.seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the sandbox does, but for the faults."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == scope.get("root_path", "") + PATH:
            await (await self._administered(Request(scope, receive)))(scope, receive, send)
        else:
            self.calls += 1
            address = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
            call = Call(self.told, address)
            wrong = call.strike("wrong-clock")
            now = time.time() + (wrong.seconds if wrong else 0)
            await Delivery(self._app, {**scope, KEY: call}, receive, send, call, now).run()

    async def _administered(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.forget()
        elif request.method == "POST":
            try:
                said = json.loads(await request.body())
                self.tell(*[Fault.told(each, self.known) for each in _several(said)])
            except (FaultError, ValueError, RecursionError) as error:
                text = str(error) if isinstance(error, FaultError) else "the body is not JSON"
                return JSONResponse({"error": text}, 400)
        elif request.method != "GET":
            return Response(status_code=405, headers={"allow": "GET, POST, DELETE"})
        return JSONResponse(self.shown())


def _several(said: Any) -> Iterable[Any]:
    return said if isinstance(said, list) else [said]
