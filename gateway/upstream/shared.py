"""Shared state: what all workers and syncs must agree on about a partner, in small files of the state folder
that are for their owner's eyes.

Each file is changed under a lock that ends with the process that holds it, whatever becomes of that.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson


class Tally:
    """A small JSON object that processes share and change many times a second; without a path, this object's alone.

    It is one line, written over in place: a process that is killed meanwhile leaves it whole. What a machine's end
    makes of it may be unreadable, and counts as nothing.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._own: dict[str, Any] = {}
        self._file = -1

    def read(self) -> dict[str, Any]:
        """What it holds; to be called with the lock."""
        if self._path is None:
            return self._own
        size = os.fstat(self._file).st_size
        try:
            found = orjson.loads(os.pread(self._file, size, 0).partition(b"\n")[0])
        except orjson.JSONDecodeError:
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, value: dict[str, Any]) -> None:
        """Replace what it holds; to be called with the lock."""
        self._own = value
        if self._path is not None:
            os.pwrite(self._file, orjson.dumps(value) + b"\n", 0)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold all others off, for microseconds; the lock ends with the process."""
        if self._path is None:
            yield
            return
        file = self._opened(self._path)
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _opened(self, path: Path) -> int:
        if self._file >= 0 and os.fstat(self._file).st_nlink == 0:
            # It was taken away, and others have made a new one.
            self.close()
        if self._file < 0:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._file

    def __del__(self) -> None:
        self.close()


class Shared:
    """A JSON object that processes share and that must not be lost; without a path it is this object's alone."""

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
            file.flush()
            os.fsync(descriptor)
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
