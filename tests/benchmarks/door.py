"""The door: what limits, cost, access and recording add to a request, found by leaving each out, and all.

Every way is the gateway as it is composed to be served, driven in process; what is left out of it, something stands in
for that does nothing. Not in these figures: what the row rules take, which is SQLite's, and the counting of the cost,
which is a multiplication per level.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
import uvloop
from graphql import get_variable_values
from rich.console import Console
from starlette.applications import Starlette
from starlette.routing import Route

from gateway.app import create_app, prepare
from gateway.endpoint.endpoint import Endpoint
from gateway.endpoint.execution import Execution
from gateway.endpoint.operations import Operation
from gateway.endpoint.shedding import Shedding
from gateway.engine.engine import Prepared
from gateway.engine.plan import Plan
from gateway.engine.run import Result
from gateway.logs import RequestLog, configure
from gateway.oauth.keys import signing_keys
from gateway.oauth.tokens import Caller, issue
from gateway.settings import Settings, load
from tests.benchmarks import hostile
from tests.benchmarks.contenders import CALLER
from tests.benchmarks.operations import Q1, Q2
from tests.benchmarks.timing import Answer, Times, timed

WHOLE, BARE = "as it is served", "without"

COUNTS = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder in which workers count; prometheus_client reads it as it is imported."""


def without_access(endpoint: Endpoint, execution: Execution) -> None:
    """The token is not looked at, and the document is not asked whether it is trusted."""

    class Anyone:
        async def authenticate(self, *_: Any) -> Caller:
            return CALLER

    class Anything:
        def resolve(self, caller: Caller, operation: Operation) -> Operation:
            return operation

        def keep(self, caller: Caller, operation: Operation) -> None:
            pass

    endpoint._authenticator = Anyone()
    execution._persisted = Anything()  # type: ignore[assignment]


def without_limits_and_cost(endpoint: Endpoint, execution: Execution) -> None:
    """Variables are not measured, and nothing is estimated; the document is known to the engine."""
    engine, schema, ever = execution._engine, execution._schema, execution._plan

    class Free(Prepared):
        def __init__(self, plan: Plan, inputs: Mapping[str, Any], variables: Any) -> None:
            self.plan, self.inputs, self.variables, self.cost = plan, inputs, variables, 0

    async def plan(caller: Caller, operation: Operation) -> Prepared:
        text, inputs, view = operation.document, operation.variables, schema.view(caller.scopes)
        key = (text, operation.name, view, ())
        if key not in engine._plans:
            return await ever(caller, operation)
        found = engine._plans.get(key, _unknown, lambda _: 0)
        defined = found.operation.variable_definitions or ()
        return Free(found, inputs, get_variable_values(schema.graphql, defined, dict(inputs)))

    execution._plan = plan  # type: ignore[method-assign, assignment]


def _unknown() -> Plan:
    raise KeyError


def without_admission(endpoint: Endpoint, execution: Execution) -> None:
    """Everybody comes in at once and for nothing."""

    class Open:
        turned_away = False
        headers: Mapping[str, str] = {}

        def __enter__(self) -> Open:
            return self

        def __exit__(self, *_: Any) -> None:
            pass

        def ticket(self, application: str) -> Open:
            return self

        def turn(self, work: float = 0) -> Any:
            return contextlib.nullcontext()

        def reserve(self, cost: float) -> None:
            pass

        def settle(self, cost: float) -> None:
            pass

    execution.admission = Open()  # type: ignore[assignment]


def without_recording(endpoint: Endpoint, execution: Execution) -> None:
    """No metrics; without the middleware no id and no line in the log either."""

    async def run(caller: Caller, prepared: Prepared) -> Result:
        return await prepared.run(execution._reach(caller), execution._settings.deadline)

    execution.run = run  # type: ignore[method-assign]


Without = Callable[[Endpoint, Execution], None]

PARTS: Mapping[str, tuple[Without, object]] = {
    "access": (without_access, None),
    "limits and cost": (without_limits_and_cost, None),
    "admission": (without_admission, Shedding),
    "recording": (without_recording, RequestLog),
}
"""For each part what takes it out of a gateway, and its middleware."""


def composed(settings: Settings, left_out: Sequence[str]) -> Starlette:
    """The gateway without some parts."""
    app = create_app(settings)
    [route] = [each for each in app.routes if isinstance(each, Route) and each.path == "/graphql"]
    endpoint: Endpoint = route.endpoint.app  # type: ignore[attr-defined]
    for name in left_out:
        take_out, middleware = PARTS[name]
        take_out(endpoint, endpoint._execution)
        app.user_middleware = [each for each in app.user_middleware if each.cls is not middleware]
    return app


Headers = Sequence[tuple[bytes, bytes]]


def asking(app: Starlette, body: bytes, headers: Headers) -> Answer:
    """A way to the answer of an app, as a server calls it."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "headers": [*headers, (b"content-length", str(len(body)).encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }

    async def answer() -> bytes:
        parts: list[bytes] = []
        coming = [{"type": "http.request", "body": body}]

        async def receive() -> dict[str, Any]:
            return coming.pop() if coming else await asyncio.get_running_loop().create_future()

        async def send(message: Any) -> None:
            parts.append(message.get("body", b""))

        await app(dict(scope), receive, send)
        return b"".join(parts)

    return answer


def bearer(settings: Settings) -> str:
    """A token of the caller of all benchmarks."""
    caller = replace(CALLER, expires=time.time() + 3600)
    return f"Bearer {issue(caller, signing_keys(settings.state), settings.issuer, settings.audience, int(time.time()))}"


@contextlib.asynccontextmanager
async def pair(settings: Settings, left_out: Sequence[str]) -> AsyncIterator[Mapping[str, Starlette]]:
    """The gateway whole, and without some parts; two at a time, for each has readers and followers at work."""
    apps = {WHOLE: composed(settings, []), BARE: composed(settings, left_out)}
    async with (
        apps[WHOLE].router.lifespan_context(apps[WHOLE]),
        apps[BARE].router.lifespan_context(apps[BARE]),
    ):
        yield apps


class Operations:
    """The operations that are timed; `SMALL` needs no database, so that nothing hides what the door takes."""

    SMALL = "query Small { caller { party } }"

    def __init__(self, settings: Settings) -> None:
        self._headers = [
            (b"authorization", bearer(settings).encode()),
            (b"content-type", b"application/json"),
        ]

    async def bodies(self, app: Starlette) -> dict[str, bytes]:
        """What is posted for each."""
        listed = await self._data(app, "{ clients(first: 3) { nodes { id orders { totalCount } } } }")
        busy = max(listed["clients"]["nodes"], key=lambda each: each["orders"]["totalCount"])
        return {
            "small": _body(self.SMALL),
            "Q1": _body(Q1, id=busy["id"]),
            "Q2": _body(Q2),
        }

    async def ways(self, apps: Mapping[str, Starlette], body: bytes) -> dict[str, Answer]:
        """Each app's way to an answer, of which the data is the same for all."""
        found = {name: asking(app, body, self._headers) for name, app in apps.items()}
        data = [orjson.loads(await answer())["data"] for answer in found.values()]
        assert all(each and each == data[0] for each in data), "the answers differ"
        return found

    async def _data(self, app: Starlette, document: str) -> Any:
        return orjson.loads(await asking(app, _body(document), self._headers)())["data"]


def _body(document: str, **variables: Any) -> bytes:
    return orjson.dumps({"query": document, "variables": variables})


def added(times: Times) -> tuple[float, float]:
    """Microseconds that parts add: the median over the rounds, and between the best of either way."""
    whole, bare = times[WHOLE], times[BARE]
    median = statistics.median(a - b for a, b in zip(whole, bare, strict=True))
    return median * 1_000, (min(whole) - min(bare)) * 1_000


async def measure(console: Console, settings: Settings, rounds: int) -> None:
    """The tables: what each part adds to a small operation, and what all of them add to Q1 and Q2."""
    operations = Operations(settings)
    # What is at the door runs in the loop's thread; SQLite's threads would only add their moods.
    console.print("What the door adds to a request, CPU time of the loop's thread:")
    for label, left_out in (*((name, [name]) for name in PARTS), ("all together", list(PARTS))):
        async with pair(settings, left_out) as apps:
            bodies = await operations.bodies(apps[WHOLE])
            small = await operations.ways(apps, bodies["small"])
            console.print(f"{label:>16}: {told(await timed(small, 50 * rounds, time.thread_time))}")
            if left_out == list(PARTS):
                for name in ("Q1", "Q2"):
                    await in_place(console, name, await operations.ways(apps, bodies[name]), rounds)


async def in_place(console: Console, name: str, ways: Mapping[str, Answer], rounds: int) -> None:
    """What the door adds to an operation that takes a while, whose own times scatter by more than that."""
    found = await timed(ways, 5 * rounds, time.thread_time)
    [bare] = (await timed({BARE: ways[BARE]}, 3 * rounds, time.process_time)).values()
    _, best = added(found)
    share = best / 10 / min(bare)
    console.print(
        f"{'to ' + name:>16}: {told(found)}: {share:.1f} % of the {min(bare):.2f} ms it takes at best, all threads",
        soft_wrap=True,
    )


def told(times: Times) -> str:
    """What parts add, in words."""
    median, best = added(times)
    return f"{median:.0f} µs (median), {best:.0f} µs (best of either)"


def record_to_nowhere() -> None:
    """Log as a gateway that is served does, into a file that keeps nothing."""
    with contextlib.redirect_stderr(open(os.devnull, "w", encoding="utf-8")):
        configure()


def door(rounds: int) -> None:
    """Both tables, by a process of their own: it counts in files, as a worker does."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.benchmarks.door", str(rounds)]
        subprocess.run(command, env={**os.environ, COUNTS: folder}, check=True)


async def _measured(console: Console, settings: Settings, rounds: int) -> None:
    await prepare_database(settings)
    await measure(console, settings, rounds)


async def prepare_database(settings: Settings) -> None:
    """Bring it to the newest form; the demo may have filled it long ago."""
    await asyncio.to_thread(lambda: asyncio.run(prepare(settings)))


if __name__ == "__main__":
    ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    if COUNTS not in os.environ:
        door(ROUNDS)
    else:
        record_to_nowhere()
        settings = load()
        uvloop.run(_measured(Console(), settings, ROUNDS))
        headers = {"Authorization": bearer(settings), "Content-Type": "application/json"}
        hostile.show(Console(), hostile.holds(create_app(settings), headers, 5))
