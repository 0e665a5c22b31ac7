"""Draining: told to end or to replace its workers, the gateway fails no request that anybody was let in with."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import requests
from urllib3.exceptions import NewConnectionError

from tests.subscribers import Station
from tests.test_workers import Pair, serves, serving, until

BODY = b'{"query": "{ caller { party } }"}'


class Load:
    """Clients that ask all the time, over connections that they keep, and never ask the same again.

    A client ends when a new connection is refused, as a balancer would go elsewhere then.
    """

    def __init__(self, pair: Pair) -> None:
        self.address = f"{pair.settings.origin}/graphql"
        self.headers = {"authorization": f"Bearer {pair.token()}", "content-type": "application/json"}
        self.port = int(pair.settings.origin.rpartition(":")[2])
        self.found: Counter[object] = Counter()
        self.sent = 0
        self.stop = threading.Event()

    def count(self, outcome: object) -> None:
        self.found[outcome] += 1

    @property
    def pause(self) -> float:
        """Not in step with anybody."""
        return random.uniform(0.01, 0.06)

    async def _aiohttp(self) -> None:
        async with aiohttp.ClientSession(headers=self.headers) as session:
            while not self.stop.is_set():
                try:
                    async with session.post(self.address, data=BODY) as response:
                        await response.read()
                        self.count(response.status)
                    await asyncio.sleep(self.pause)
                except aiohttp.ClientConnectorError as error:
                    if error.os_error.errno == errno.ECONNREFUSED:
                        return
                    self.count(repr(error))
                except aiohttp.ClientError as error:
                    self.count(repr(error))

    def with_aiohttp(self) -> None:
        async def several() -> None:
            await asyncio.gather(*(self._aiohttp() for _ in range(3)))

        asyncio.run(several())

    def with_requests(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not self.stop.is_set():
                try:
                    self.count(session.post(self.address, BODY, headers=self.headers).status_code)
                    time.sleep(self.pause)
                except requests.ConnectionError as error:
                    if refused(error):
                        return
                    self.count(repr(error))

    def with_new_connections(self) -> None:
        while not self.stop.is_set():
            try:
                self.count(requests.post(self.address, BODY, headers=self.headers, timeout=20).status_code)
                time.sleep(self.pause)
            except requests.ConnectionError as error:
                if refused(error):
                    return
                self.count(repr(error))

    def slowly(self, seconds: float) -> bytes:
        """An operation whose body takes so long to come; all of its answer."""
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        start = f"POST /graphql HTTP/1.1\r\nhost: x\r\n{head}content-length: {len(BODY)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(start.encode() + BODY[:5])
            self.sent += 1
            time.sleep(seconds)
            connection.sendall(BODY[5:])
            found = b""
            while more := connection.recv(65536):
                found += more
        return found


def refused(error: BaseException) -> bool:
    """Whether nobody listens any more."""
    reason = getattr(error.args[0], "reason", None)
    return isinstance(reason, NewConnectionError) and isinstance(reason.__cause__, ConnectionRefusedError)


@contextmanager
def loaded(pair: Pair) -> Iterator[tuple[Load, ThreadPoolExecutor]]:
    """The gateway under load, which has reached it when the block begins, and is over when it ends."""
    load = Load(pair)
    with ThreadPoolExecutor(8) as threads:
        running = [
            threads.submit(each)
            for each in (load.with_aiohttp, load.with_requests, load.with_new_connections)
        ]
        try:
            until(lambda: load.found[200] > 15, 30)
            yield load, threads
        finally:
            load.stop.set()
        for each in running:
            each.result(30)


@pytest.mark.parametrize("workers", [1, 2])
def test_no_request_fails_when_it_is_told_to_end(tmp_path: Path, workers: int) -> None:
    """SIGTERM under load: not ready at once, still accepting for the time that is set; nobody in flight is lost."""
    with serving(tmp_path, workers, GATEWAY_DRAIN="1.5") as pair, loaded(pair) as (load, threads):
        slow: list[Future[bytes]] = [threads.submit(load.slowly, 3.0) for _ in range(3)]
        until(lambda: load.sent == 3, 5)
        before = load.found[200]
        pair.process.send_signal(signal.SIGTERM)
        until(lambda: set(pair.each(lambda client: client.get("/readyz").status_code, 4)) == {503}, 5)
        assert {client.status_code for client in pair.each(lambda client: client.get("/healthz"), 4)} == {200}
        assert pair.use(pair.connect(), load.headers["authorization"][7:]) == 200
        assert pair.process.wait(20) == 0
        assert load.found[200] > before
        answers = [each.result() for each in slow]
    assert load.found.keys() == {200}, load.found
    for answer in answers:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), answer
        assert b"connection: close" in head.lower()
        assert body == b'{"data":{"caller":{"party":"ALIBABA"}}}' or b'"party":"ALIBABA"' in body


def test_no_request_fails_while_all_workers_are_replaced(tmp_path: Path) -> None:
    """SIGHUP under load: each worker's successor serves before it leaves, and it is never `not ready`."""
    with serving(tmp_path, 2, GATEWAY_DRAIN="60") as pair, loaded(pair) as (load, threads):
        before, ready = set(pair.workers()), set[int]()
        slow = threads.submit(load.slowly, 2.0)
        until(lambda: load.sent == 1, 5)
        pair.process.send_signal(signal.SIGHUP)

        def replaced() -> bool:
            ready.update(pair.each(lambda client: client.get("/readyz").status_code, 2))
            return not before & set(pair.workers()) and len(pair.workers()) == 2

        until(replaced, 60)
        assert ready == {200}
        assert slow.result().startswith(b"HTTP/1.1 200")
    assert load.found.keys() == {200}, load.found


@pytest.mark.parametrize("workers", [1, 2])
def test_told_twice_it_ends_at_once(tmp_path: Path, workers: int) -> None:
    """Whatever is in flight, and whatever time is set."""
    with serving(tmp_path, workers, GATEWAY_DRAIN="60") as pair:
        load, pids = Load(pair), pair.workers()
        with ThreadPoolExecutor(1) as threads:
            slow = threads.submit(load.slowly, 3.0)
            pair.process.send_signal(signal.SIGTERM)
            until(lambda: set(pair.each(lambda client: client.get("/readyz").status_code, 2)) == {503}, 5)
            began = time.monotonic()
            pair.process.send_signal(signal.SIGTERM)
            assert pair.process.wait(5) == -signal.SIGTERM
            assert time.monotonic() - began < 2
            assert slow.exception() or not slow.result()
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


SUPERVISOR = """
import sys, uvicorn
from gateway.supervisor import Supervisor
config = uvicorn.Config("starlette.applications:Starlette", port=0, workers=2, factory=True, log_config=None)
with config.bind_socket() as listening:
    print(listening.getsockname()[1], flush=True)
    Supervisor(config, [listening], drain=0, patience=1).run()
"""


def test_a_worker_that_does_not_end_is_killed() -> None:
    """One that is stopped, say: the others and the port are free in time."""
    command = [sys.executable, "-c", SUPERVISOR]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            until(lambda: accepts(port), 60)
            [first, second] = [each for each in psutil.Process(process.pid).children() if serves(each)]
            first.suspend()
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
            assert not first.is_running()
            assert not second.is_running()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def accepts(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_who_listens_is_told_of_the_end(tmp_path: Path) -> None:
    """A WebSocket is closed with 1001 and a stream completed; neither holds the process up."""
    with serving(tmp_path, 1) as pair:
        station = Station(pair.settings, Load(pair).port)

        token = pair.token()

        async def listen() -> tuple[int, tuple[str, Any]]:
            async with station.socket() as socket, station.stream(token=token) as events:
                await socket.init(token)
                await socket.subscribe()
                await socket.say("ping")
                assert (await socket.hear())["type"] == "pong"
                pair.process.send_signal(signal.SIGTERM)
                (code, _), said = await asyncio.gather(socket.closed(), events.event())
                return code, said

        assert asyncio.run(listen()) == (1001, ("complete", None))
        assert pair.process.wait(20) == 0
