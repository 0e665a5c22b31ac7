"""Whole requests over HTTP: the gateway as it is served, and the other contenders behind the same server and tokens."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from gateway.app import create_app
from gateway.oauth.keys import signing_keys
from gateway.oauth.tokens import issue
from gateway.oauth.verification import Verifier
from gateway.settings import Settings
from tests.benchmarks.contenders import CALLER, ENGINE, WAYS, contenders
from tests.benchmarks.operations import Q1, Q2, Q3
from tests.benchmarks.timing import Answer, Times, agreed, timed


async def serve_and_time(settings: Settings, client: str, rounds: int) -> dict[str, Times]:
    """For each operation the times of each way's requests; the server is a process of its own."""
    bodies: dict[str, Any] = {
        "Q1": {"query": Q1, "variables": {"id": client}},
        "Q2": {"query": Q2},
        "Q3": {"query": Q3},
    }
    found: dict[str, Times] = {}
    async with _server(settings) as served, aiohttp.ClientSession(headers=_headers(served)) as session:
        await _until_up(session, served.origin)
        for name, body in bodies.items():
            ways = {way: _posted(session, _address(served, way, name), orjson.dumps(body)) for way in WAYS}
            await agreed(ways)
            found[name] = await timed(ways, rounds, time.perf_counter)
    return found


@asynccontextmanager
async def _server(settings: Settings) -> AsyncIterator[Settings]:
    """All contenders served on a free port, and the settings that say where."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        address = f"http://127.0.0.1:{door.getsockname()[1]}"
    command = ["-m", "tests.benchmarks.served", str(settings.state), address]
    server = await asyncio.create_subprocess_exec(sys.executable, *command)
    try:
        yield replace(settings, origin=address)
    finally:
        server.terminate()
        await server.wait()


def _headers(settings: Settings) -> dict[str, str]:
    caller = replace(CALLER, expires=time.time() + 3600)
    token = issue(caller, signing_keys(settings.state), settings.issuer, settings.audience, int(time.time()))
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def _address(settings: Settings, way: str, name: str) -> str:
    return settings.audience if way == ENGINE else f"{settings.origin}/other/{WAYS.index(way)}/{name}"


def _posted(session: aiohttp.ClientSession, address: str, body: bytes) -> Answer:
    async def answer() -> bytes:
        async with session.post(address, data=body) as response:
            found = await response.read()
        assert response.status == 200, found[:200]
        return found

    return answer


async def _until_up(session: aiohttp.ClientSession, origin: str) -> None:
    for _ in range(200):
        try:
            async with session.get(f"{origin}/healthz") as response:
                if response.status == 200:
                    return
        except aiohttp.ClientConnectionError:
            pass
        await asyncio.sleep(0.1)
    raise TimeoutError("the server did not come up")


async def _serve(settings: Settings) -> None:
    gateway = create_app(settings)
    verifier = Verifier(signing_keys(settings.state), settings.issuer, settings.audience)
    async with contenders(settings) as found:

        async def other(request: Request) -> Response:
            await verifier.authenticate(request.headers.get("authorization"))
            operation: dict[str, Any] = orjson.loads(await request.body())
            assert operation["query"]
            answer = found.ways[request.path_params["name"]][WAYS[request.path_params["place"]]]
            return Response(await answer(), media_type="application/json")

        routes = [Route("/other/{place:int}/{name}", other, methods=["POST"]), Mount("/", gateway)]
        app = Starlette(routes=routes, lifespan=gateway.router.lifespan_context)
        port = int(settings.origin.rpartition(":")[2])
        config = uvicorn.Config(app, "127.0.0.1", port, log_config=None, access_log=False)
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(_serve(Settings(state=Path(sys.argv[1]), origin=sys.argv[2])))
