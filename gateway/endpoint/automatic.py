"""Automatic persisted queries: documents that applications sent once, so as to name them by their hash from then on."""

from __future__ import annotations

import sys

from gateway.engine.recent import Recent


class Automatic:
    """What this worker keeps, of each application apart: none can fill, read or replace what another's is.

    `count` documents of `size` bytes in memory together are kept of an application, and of no more `applications`
    than that; an outside issuer can name as many as it likes.
    """

    def __init__(self, count: int = 500, size: int = 1_000_000, applications: int = 100) -> None:
        self._count = count
        self._size = size
        self._of: Recent[str, Recent[str, str]] = Recent(applications, applications)

    def get(self, application: str, hash: str) -> str | None:
        """The document that an application sent under this hash."""
        kept = self._of.find(application)
        return None if kept is None else kept.find(hash)

    def keep(self, application: str, hash: str, document: str) -> None:
        """Keep a document of an application; `hash` is its SHA-256 in hex, which the caller has checked."""
        kept = self._of.get(application, lambda: Recent(self._count, self._size), 1)
        kept.get(hash, lambda: document, sys.getsizeof(document))
