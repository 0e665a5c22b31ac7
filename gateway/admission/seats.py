"""Seats: which workers live. A worker's seat is a lock that it holds for life, and that ends however it ends."""

from __future__ import annotations

import ctypes
import fcntl
import os
from pathlib import Path
from types import TracebackType

SEATS = 64
"""Workers of one state folder that can count together."""


# As fcntl's, but the interpreter is kept: let go, a thread that reads rows would take it, and the loop would wait for
# it at every lock.
_flock = ctypes.PyDLL(None).flock


class FileLock:
    """An exclusive lock on an open file, for a few statements at a time; whoever dies in them lets it go."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> None:
        if _flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _flock(self._descriptor, fcntl.LOCK_UN)


def private_file(path: Path) -> int:
    """A file that only its owner reads, made where it is missing, open for reading and writing. Raises `OSError`."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def claim(folder: Path, number: int) -> int | None:
    """Take a seat if nobody lives who has it: the open file whose closing, or the process's end, leaves it."""
    descriptor = private_file(folder / f"worker-{number}")
    try:
        # A lock of the open file, not of the process: two gateways in one process are two workers.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def claim_any(folder: Path) -> tuple[int, int]:
    """The first free seat and its open file. Raises `OSError` where all are taken."""
    for number in range(SEATS):
        if (descriptor := claim(folder, number)) is not None:
            return number, descriptor
    raise OSError("all seats are taken")
