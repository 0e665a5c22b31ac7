"""Supervisor: the process above several workers, that begins, replaces and ends them, and fails no request doing so."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Set
from socket import socket

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from gateway.draining import Server

logger = logging.getLogger("gateway.supervisor")

STARTING = 60.0
"""Seconds that a worker may take until it serves."""

_ENDS = {signal.SIGINT, signal.SIGTERM}


class Worker(Process):
    """A process that serves; its server drains."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket], drain: float) -> None:
        super().__init__(config, sockets)
        self._drain = drain

    @property
    def server(self) -> Server:
        """The server in the worker's own process."""
        if self._server is None:
            self._server = Server(self.config, self._drain)
        assert isinstance(self._server, Server)
        return self._server

    def retire(self) -> None:
        """Have it end when it has answered what is in flight; the others take what is new."""
        if self.pid is not None and self.exitcode is None:
            os.kill(self.pid, signal.SIGHUP)


class Supervisor(Multiprocess):
    """uvicorn's, with workers that drain: `drain` seconds when all end, not at all when one is replaced.

    `patience` is how many seconds a worker may take to end; then it is killed.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket], drain: float, patience: float) -> None:
        super().__init__(config, sockets)
        self._drain = drain
        self._patience = patience
        self._retired: dict[Process, float] = {}
        self._pids: frozenset[int] = frozenset()

    @property
    def workers(self) -> Set[int]:
        """The ids of the processes that were begun and have not ended."""
        return self._pids

    def run(self) -> None:
        """Supervise until SIGTERM or Ctrl-C; the same again kills the workers and ends at once."""
        self.init_processes()
        while not self.should_exit.wait(0.2):
            self.handle_signals()
            self.keep_subprocess_alive()
            self._bury(time.monotonic())
        for each in self.sockets:
            # Who would wait in the workers' queue for nobody is refused instead, and goes elsewhere.
            each.close()
        self.signal_queue.clear()
        self.terminate_all()
        end = time.monotonic() + self._drain + self._patience
        self._retired |= dict.fromkeys(self.processes, end)
        while self._retired:
            for number in _ENDS.intersection(self.signal_queue):
                self._end_at_once(number)
            self._bury(time.monotonic())
            time.sleep(0.02)

    def init_processes(self) -> None:
        """Begin the workers."""
        self.processes = [self._begun() for _ in range(self.processes_num)]

    def restart_all(self) -> None:
        """Replace each worker by one that serves already."""
        for place, old in enumerate(self.processes):
            new = self._begun()
            if not self._serves(new):
                self._kill(new)
                logger.error("a new worker did not serve in time; the old ones go on")
                return
            self.processes[place] = new
            self._retire(old)

    def keep_subprocess_alive(self) -> None:
        """Replace whoever died or hangs; who could not even start ends all."""
        for place, worker in enumerate(self.processes):
            if worker.is_alive(timeout=self.config.timeout_worker_healthcheck):
                continue
            self._kill(worker)
            if worker.exitcode == STARTUP_FAILURE:
                self.should_exit.set()
                return
            logger.warning("a worker died", extra={"code": worker.exitcode})
            self.processes[place] = self._begun()

    def handle_ttin(self) -> None:
        """One more worker."""
        self.processes_num += 1
        self.processes.append(self._begun())

    def handle_ttou(self) -> None:
        """One worker fewer."""
        if self.processes_num > 1:
            self.processes_num -= 1
            self._retire(self.processes.pop())

    def _begun(self) -> Worker:
        worker = Worker(self.config, self.sockets, self._drain)
        worker.start()
        assert worker.pid is not None
        self._pids |= {worker.pid}
        return worker

    def _kill(self, worker: Process) -> None:
        worker.kill()
        worker.join()
        self._pids -= {worker.pid}

    def _serves(self, worker: Worker) -> bool:
        end = time.monotonic() + STARTING
        while time.monotonic() < end and worker.process.is_alive():
            if _ENDS.intersection(self.signal_queue):
                return False
            if worker.is_ready(timeout=1):
                return True
            time.sleep(0.05)
        return False

    def _retire(self, worker: Process) -> None:
        assert isinstance(worker, Worker)
        worker.retire()
        self._retired[worker] = time.monotonic() + self._patience

    def _bury(self, now: float) -> None:
        """Forget who has ended, and kill who does not."""
        for worker, end in list(self._retired.items()):
            if worker.process.is_alive() and now <= end:
                continue
            if worker.process.is_alive():
                logger.error("a worker did not end in time", extra={"pid": worker.pid})
            self._kill(worker)
            del self._retired[worker]

    def _end_at_once(self, number: int) -> None:
        for worker in self._retired:
            self._kill(worker)
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
