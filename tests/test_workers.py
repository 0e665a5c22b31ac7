"""Workers: two processes serve as one. What one of them is told, the other knows within the stated bound."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from joserfc import jws

from gateway.oauth.keyfile import State, read, write
from gateway.oauth.keys import key_file
from gateway.oauth.rotation import PUBLISHED
from gateway.settings import Settings
from gateway.store.database import writer
from tests.conftest import empty_database
from tests.inspection import CALLER
from tests.people import LI, SECRET, Flow, settle
from tests.processes import command, forked
from tests.test_logs import free_port

BOUND = 2
"""Seconds within which every worker knows what was revoked; README states it."""

MANY = 12
"""Connections of their own: enough that both workers take some of them."""

_TLS = ssl.create_default_context()
"""Never used, but a client makes one of its own if it is not given one, which takes longer than all it asks."""


@dataclass
class Pair:
    """`gateway serve --workers 2` at work."""

    settings: Settings
    process: subprocess.Popen[str]

    def connect(self) -> httpx.Client:
        return httpx.Client(base_url=self.settings.origin, timeout=20, verify=_TLS)

    def each(self, ask: Callable[[httpx.Client], Any], times: int = MANY) -> list[Any]:
        """What is answered on so many connections at once."""

        def once(_: int) -> Any:
            with self.connect() as client:
                return ask(client)

        with ThreadPoolExecutor(times) as threads:
            return list(threads.map(once, range(times)))

    def statuses(self, token: str) -> set[int]:
        """How both workers answer the bearer of a token."""
        return set(self.each(lambda client: self.use(client, token)))

    def use(self, client: httpx.Client, token: str) -> int:
        return client.post("/graphql", json=CALLER, headers={"authorization": f"Bearer {token}"}).status_code

    def token(self, application: str = "silent") -> str:
        data = {"grant_type": "client_credentials", "client_id": application, "client_secret": SECRET}
        with self.connect() as client:
            found: str = client.post("/oauth/token", data=data).json()["access_token"]
        return found

    def personal(self, application: str = "desk") -> dict[str, Any]:
        """The tokens of an application that acts for Li Wei."""

        async def walk() -> dict[str, Any]:
            async with httpx.AsyncClient(base_url=self.settings.origin, timeout=20, verify=_TLS) as browser:
                return await Flow(browser, application=application).tokens()

        return asyncio.run(walk())

    def run(self, *arguments: str) -> None:
        """A command of the operator's, in a process of its own."""
        done = forked(command, self.settings.state, *arguments)
        done.join(60)
        assert done.exitcode == 0

    def workers(self) -> list[int]:
        """The processes that serve, of this one's children."""
        children = psutil.Process(self.process.pid).children()
        return [each.pid for each in children if serves(each)]


def serves(process: psutil.Process) -> bool:
    """Whether it is a worker, and not one that has just died."""
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:
        return False


async def furnish(settings: Settings) -> None:
    """A database with applications and people."""
    await empty_database(settings)
    database = writer(settings.database)
    async with database.begin() as connection:
        await settle(connection)
    await database.dispose()


@contextmanager
def serving(state: Path, workers: int = 2, **environ: str) -> Iterator[Pair]:
    """Workers over applications and people, until the block ends; what they log is in `log` in their folder."""
    port = free_port()
    settings = Settings(state=state, origin=f"http://127.0.0.1:{port}")
    asyncio.run(furnish(settings))
    told = {"GATEWAY_STATE": str(state), "GATEWAY_ORIGIN": settings.origin}
    arguments = [sys.executable, "-m", "gateway", "serve", "--workers", str(workers), "--port", str(port)]
    with (
        open(state / "log", "wb") as log,
        subprocess.Popen(
            arguments, env={**os.environ, **told, **environ}, stderr=log, text=True, start_new_session=True
        ) as process,
    ):
        pair = Pair(settings, process)
        try:
            until(lambda: answers(pair, workers), 90)
            yield pair
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def until(true: Callable[[], bool], patience: float) -> None:
    ends = time.monotonic() + patience
    while not true():
        assert time.monotonic() < ends, "it did not become true"
        time.sleep(0.1)


def answers(pair: Pair, workers: int = 2) -> bool:
    """Whether it is served, by all: each has been through its start."""
    assert pair.process.poll() is None
    try:
        return pair.each(lambda client: client.get("/readyz").status_code, 4) == [200] * 4 and len(
            pair.workers()
        ) == (workers if workers > 1 else 0)
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with serving(tmp_path_factory.mktemp("workers")) as found:
        yield found


def test_a_token_of_one_worker_is_good_at_the_other(pair: Pair) -> None:
    tokens = pair.each(lambda _: pair.token(), 4)
    assert all(pair.statuses(token) == {200} for token in tokens)


def test_a_revoked_token_is_refused_by_both_within_the_bound(pair: Pair) -> None:
    """A18: though both have verified it before."""
    token, other = pair.token(), pair.token()
    assert pair.statuses(token) == {200}
    data = {"token": token, "client_id": "silent", "client_secret": SECRET}
    with pair.connect() as client:
        assert client.post("/oauth/revoke", data=data).status_code == 200
    time.sleep(BOUND)
    assert pair.statuses(token) == {401}
    assert pair.statuses(other) == {200}


def test_a_family_that_is_revoked_ends_at_both_within_the_bound(pair: Pair) -> None:
    tokens = pair.personal()
    assert pair.statuses(tokens["access_token"]) == {200}
    data = {"token": tokens["refresh_token"], "client_id": "desk"}
    with pair.connect() as client:
        assert client.post("/oauth/revoke", data=data).status_code == 200
    time.sleep(BOUND)
    assert pair.statuses(tokens["access_token"]) == {401}


def test_an_application_that_is_disabled_stops_at_both_within_the_bound(pair: Pair) -> None:
    """A17: by the operator's command, which nobody tells the workers of."""
    token, other = pair.token("silent"), pair.personal()["access_token"]
    assert pair.statuses(token) == {200}
    pair.run("app", "disable", "silent")
    time.sleep(BOUND)
    assert pair.statuses(token) == {401}
    assert pair.statuses(other) == {200}
    data = {"grant_type": "client_credentials", "client_id": "silent", "client_secret": SECRET}
    assert set(pair.each(lambda client: client.post("/oauth/token", data=data).status_code, 3)) == {400}
    pair.run("app", "enable", "silent")
    time.sleep(BOUND)
    assert pair.statuses(pair.token("silent")) == {200}


def test_a_person_who_is_disabled_stops_at_both_within_the_bound(pair: Pair) -> None:
    """A17."""
    token, service = pair.personal()["access_token"], pair.token()
    assert pair.statuses(token) == {200}
    pair.run("user", "disable", LI)
    time.sleep(BOUND)
    assert pair.statuses(token) == {401}
    assert pair.statuses(service) == {200}
    pair.run("user", "enable", LI)


def test_a_budget_is_one_for_both_and_holds_soon_after_it_is_set(pair: Pair) -> None:
    """Whichever of them is asked; and what another application does with its own is not touched."""
    pair.run("app", "set", "silent", "--cost-per-minute", "10")
    time.sleep(BOUND)
    token, other = pair.token("silent"), pair.personal()["access_token"]
    found = Counter(pair.each(lambda client: [pair.use(client, token) for _ in range(5)][-1]))
    found.update(pair.each(lambda client: pair.use(client, token)))
    assert found.keys() <= {200, 429}
    assert found[429] > 0
    assert pair.statuses(other) == {200}
    pair.run("app", "set", "silent", "--cost-per-minute", "0")
    time.sleep(BOUND)
    assert pair.statuses(token) == {200}


def test_of_thirty_who_use_one_refresh_token_at_both_one_succeeds(pair: Pair) -> None:
    """A2: the claim is one statement of the database, whichever worker makes it; and then the family is dead."""
    tokens = pair.personal()
    data = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": "desk"}
    found = Counter(pair.each(lambda client: client.post("/oauth/token", data=data).status_code, 30))
    assert found == {200: 1, 400: 29}
    time.sleep(BOUND)
    assert pair.statuses(tokens["access_token"]) == {401}


def test_no_request_fails_while_the_key_is_replaced(pair: Pair) -> None:
    """A19: applications get tokens and use them all the time, at both workers, while the operator rotates."""
    path, found, stop = key_file(pair.settings.state), Counter[int](), threading.Event()
    first = {key.kid for key in read(path)}

    def load(_: int) -> None:
        token = pair.token()
        while not stop.is_set():
            with pair.connect() as client:
                found[pair.use(client, token)] += 1
            token = pair.token()

    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(load, number) for number in range(4)]
        try:
            pair.run("keys", "rotate")
            # The wait, compressed: both workers have published the next key by now.
            time.sleep(1.5)
            keys = read(path)
            write(path, [replace(key, due=key.due and key.due - PUBLISHED) for key in keys])
            pair.run("keys", "rotate")
            time.sleep(1.5)
        finally:
            stop.set()
        for each in running:
            each.result()
    assert found.keys() == {200}
    assert found[200] > 10
    [current] = [key.kid for key in read(path) if key.state is State.CURRENT]
    assert current not in first
    with pair.connect() as client:
        listed = client.get("/oauth/jwks.json").json()["keys"]
    assert first < {key["kid"] for key in listed}
    signed = {jws.extract_compact(pair.token().encode()).headers()["kid"] for _ in range(6)}
    assert signed == {current}


def test_a_stolen_key_is_forgotten_by_both(pair: Pair) -> None:
    """`--now`: what was signed before is refused, what is signed after is good."""
    token = pair.token()
    assert pair.statuses(token) == {200}
    pair.run("keys", "rotate", "--now")
    time.sleep(BOUND)
    assert pair.statuses(token) == {401}
    assert pair.statuses(pair.token()) == {200}


def test_a_worker_that_is_killed_is_replaced_and_knows_what_was_revoked(pair: Pair) -> None:
    """D8: from its start on, though it was not there when it happened."""
    token, before = pair.token(), pair.workers()
    with pair.connect() as client:
        client.post("/oauth/revoke", data={"token": token, "client_id": "silent", "client_secret": SECRET})
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(set(pair.workers()) - set(before)) == 2 and answers(pair), 90)
    assert pair.statuses(token) == {401}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_end_with_the_command(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C reaches them all at once, SIGTERM the command alone; nothing is left running, and the port is free."""
    with serving(tmp_path) as pair:
        workers = pair.workers()
        (os.killpg if number is signal.SIGINT else os.kill)(pair.process.pid, number)
        assert pair.process.wait(20) in (0, 130)
        assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
        with socket.socket() as again:
            again.bind(("127.0.0.1", int(pair.settings.origin.rpartition(":")[2])))


def failing(state: Path, *arguments: str, **environ: str) -> tuple[int, str]:
    """The end of a command that serves nothing: its code and what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "serve", "--workers", "2", *arguments],
        env={**os.environ, "GATEWAY_STATE": str(state), **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr


def test_what_would_stop_every_worker_is_told_once(tmp_path: Path) -> None:
    """No worker is started over and over."""
    code, said = failing(tmp_path, "--port", str(free_port()), GATEWAY_ORIGIN="http://gateway.example")
    assert code == 2
    assert "gateway: origin must be https" in said
    assert "Traceback" not in said


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = failing(tmp_path, "--port", str(port))
    assert code == 2
    assert f"nothing is served on port {port}" in said
    assert "Traceback" not in said
    assert all(json.loads(line) for line in said.splitlines() if line.startswith("{"))
