"""Exposition: `/metrics` on an address of its own, answered by the process that the operator began.

It tells of all callers' use, so it is for who runs the gateway alone: on loopback unless the operator says otherwise,
never where callers are let in. A thread answers it, so that it does so also when an event loop is busy.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from prometheus_client import CollectorRegistry, Metric, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from gateway.errors import SettingsError
from gateway.settings import Settings
from gateway.telemetry import metrics
from gateway.telemetry.families import added, keep, read
from gateway.telemetry.progress import SyncProgress

logger = logging.getLogger("gateway.telemetry")

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_PID = re.compile(r"_([0-9]+)\.db$")


def _folder(settings: Settings) -> Path:
    return settings.state / "metrics"


def _syncs(settings: Settings) -> Path:
    return _folder(settings) / "syncs.json"


def share_among_workers(settings: Settings) -> None:
    """Have the workers that are begun from now on count in files, from zero. Raises `SettingsError`."""
    folder = _folder(settings)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in folder.glob("*.db"):
            old.unlink()
    except OSError as error:
        raise SettingsError(f"{folder} cannot be used: {error.strerror}") from None
    # Where prometheus_client looks, as soon as a worker imports it.
    os.environ[_VARIABLE] = str(folder)


def keep_counts(settings: Settings) -> None:
    """Add what this process counted to what syncs have, for it ends now. Raises `SettingsError`."""
    keep(_syncs(settings), metrics.registry.collect())


class Whole(Collector):
    """The metrics of this process or of its workers, of the syncs that have ended, and of the database."""

    def __init__(self, settings: Settings, workers: Callable[[], Collection[int]] | None) -> None:
        self._settings = settings
        self._workers = workers
        self._progress = SyncProgress(settings.database)
        self._past: list[Metric] = []
        self._turn = Lock()

    def collect(self) -> Iterator[Metric]:
        """All families."""
        yield from added([*self._serving(), *read(_syncs(self._settings))])
        yield from self._progress.collect()

    def _serving(self) -> Iterator[Metric]:
        if self._workers is None:
            yield from metrics.registry.collect()
            return
        with self._turn:
            alive = self._workers()
            files = [str(each) for each in _folder(self._settings).glob("*.db")]
            dead = [each for each in files if int(_PID.findall(each)[0]) not in alive]
            if dead:
                # What they counted stays counted, what they were doing is over.
                lasting = [each for each in dead if "/gauge_" not in each]
                self._past = added([*self._past, *_merged(lasting)])
                for each in dead:
                    os.unlink(each)
            yield from self._past
            yield from _merged(sorted(set(files) - set(dead)))


def _merged(files: list[str]) -> Iterable[Metric]:
    merged: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
    return merged


@contextmanager
def exposed(settings: Settings, workers: Callable[[], Collection[int]] | None = None) -> Iterator[int | None]:
    """Serve the metrics while the block runs; the port, None where they are not served.

    `workers` gives the ids of the processes that serve, where it is not this one.

    Raises `SettingsError` for an address that the operator named and that cannot be had. The one that nobody named
    gives way, for there may be several gateways on a machine.
    """
    host, port = settings.metrics or ("127.0.0.1", 9464)
    if not host:
        yield None
        return
    whole = CollectorRegistry()
    whole.register(Whole(settings, workers))
    try:
        server, thread = start_http_server(port, host, whole)
    except OSError as error:
        if settings.metrics:
            raise SettingsError(f"metrics cannot be served on {host}:{port}: {error.strerror}") from None
        logger.warning(
            "metrics are not served", extra={"address": f"{host}:{port}", "reason": error.strerror}
        )
        yield None
        return
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
