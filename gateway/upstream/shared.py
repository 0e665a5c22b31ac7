"""Shared state: what all workers and syncs must agree on about a partner, in small files of the state folder.

Each file is changed under a lock of its own that ends with the process that holds it, whatever becomes of that.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson


class Shared:
    """A JSON object that processes share, readable by their owner only; without a path it is this object's alone."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._own: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        """What it holds; nothing where there is no file, or one that cannot be read as JSON."""
        if self._path is None:
            return self._own
        try:
            found = orjson.loads(self._path.read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, value: dict[str, Any]) -> None:
        """Replace what it holds, as a whole; to be called with the lock."""
        if self._path is None:
            self._own = value
            return
        part = self._path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(value))
        part.replace(self._path)

    @contextmanager
    def locked(self, wait: bool = True) -> Iterator[bool]:
        """Hold all others off who would change it; False where another has it and nobody waits."""
        if self._path is None:
            yield True
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(lock)
