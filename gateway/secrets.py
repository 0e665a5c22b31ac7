"""Secrets: random bytes that a state folder keeps, the same for every worker."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def secret(path: Path) -> bytes:
    """32 random bytes kept in a file that only its owner reads; made, once, by whoever comes first."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(32))
        with contextlib.suppress(FileExistsError):
            # A link appears whole or not at all, and never replaces another worker's secret.
            os.link(draft, path)
        draft.unlink()
    return path.read_bytes()
