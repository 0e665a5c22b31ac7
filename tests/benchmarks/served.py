"""Whole requests over HTTP: the gateway as it is served, and the other contenders behind the same server and tokens."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace
from typing import Any

import aiohttp
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from gateway.app import create_app
from gateway.oauth.keys import signing_keys
from gateway.oauth.tokens import Verifier, issue
from gateway.settings import Settings
from tests.benchmarks.contenders import CALLER, contenders
from tests.benchmarks.operations import Q1, Q2, Q3

WAYS = ("graphql-core", "graphql-core, documents kept", "engine", "by hand")


async def serve_and_time(settings: Settings, client: str, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of each way's requests; the server is a process of its own."""
    door = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{door.getsockname()[1]}"
    door.close()
    served = replace(settings, origin=address)
    command = ["-c", "from tests.benchmarks.served import main; main()", str(settings.state), address]
    server = await asyncio.create_subprocess_exec(_python(), *command)
    try:
        return await _time(served, client, rounds)
    finally:
        server.terminate()
        await server.wait()


async def _time(settings: Settings, client: str, rounds: int) -> dict[str, dict[str, list[float]]]:
    caller = replace(CALLER, expires=time.time() + 3600)
    token = issue(caller, signing_keys(settings.state), settings.issuer, settings.audience, int(time.time()))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    bodies = {
        "Q1": orjson.dumps({"query": Q1, "variables": {"id": client}}),
        "Q2": orjson.dumps({"query": Q2}),
        "Q3": orjson.dumps({"query": Q3}),
    }
    found: dict[str, dict[str, list[float]]] = {}
    async with aiohttp.ClientSession(headers=headers) as session:
        await _until_up(session, settings.origin)
        for name, body in bodies.items():
            found[name] = {way: [] for way in WAYS}
            for _ in range(rounds):
                for place, way in enumerate(WAYS):
                    url = settings.audience if way == "engine" else f"{settings.origin}/other/{place}/{name}"
                    started = time.perf_counter()
                    async with session.post(url, data=body) as response:
                        answer = await response.read()
                    found[name][way].append((time.perf_counter() - started) * 1000)
                    assert response.status == 200, answer[:200]
                    assert answer.startswith(b'{"data":{"client'), answer[:200]
    return found


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


def _python() -> str:
    import sys

    return sys.executable


async def _serve(state: str, origin: str) -> None:
    from pathlib import Path

    settings = Settings(state=Path(state), origin=origin)
    gateway = create_app(settings)
    verifier = Verifier(signing_keys(settings.state), settings.issuer, settings.audience)
    async with contenders(settings) as ways:

        async def other(request: Request) -> Response:
            verifier.authenticate(request.headers.get("authorization"))
            operation: dict[str, Any] = orjson.loads(await request.body())
            assert operation["query"]
            answer = ways.answers[request.path_params["name"]][WAYS[request.path_params["place"]]]
            return Response(await answer(), media_type="application/json")

        routes = [Route("/other/{place:int}/{name}", other, methods=["POST"]), Mount("/", gateway)]
        app = Starlette(routes=routes, lifespan=gateway.router.lifespan_context)
        port = int(origin.rpartition(":")[2])
        await uvicorn.Server(
            uvicorn.Config(app, "127.0.0.1", port, log_config=None, access_log=False)
        ).serve()


def main() -> None:
    """Serve all contenders; the arguments are the state folder and the address."""
    import sys

    import uvloop

    uvloop.run(_serve(sys.argv[1], sys.argv[2]))
