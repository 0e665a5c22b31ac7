"""Automatic persisted queries: documents that applications sent once, so as to name them by their hash from then on."""

from __future__ import annotations

import sys
from collections import OrderedDict


class Kept:
    """The documents of one application, by their SHA-256 in hex; what was not used for longest goes first."""

    def __init__(self, count: int, size: int) -> None:
        self._count = count
        self._size = size
        self._documents: OrderedDict[str, str] = OrderedDict()
        self._held = 0

    def get(self, hash: str) -> str | None:
        """The document of a hash."""
        found = self._documents.get(hash)
        if found is not None:
            self._documents.move_to_end(hash)
        return found

    def keep(self, hash: str, document: str) -> None:
        """Keep a document, unless it alone is more than may be kept."""
        size = sys.getsizeof(document)
        if hash in self._documents or size > self._size:
            return
        self._documents[hash] = document
        self._held += size
        while self._held > self._size or len(self._documents) > self._count:
            _, gone = self._documents.popitem(last=False)
            self._held -= sys.getsizeof(gone)


class Automatic:
    """What this worker keeps, of each application apart: none can fill, read or replace what another's is.

    `count` documents of `size` bytes in memory together are kept of an application, and of no more `applications`
    than that; an outside issuer can name as many as it likes.
    """

    def __init__(self, count: int = 500, size: int = 1_000_000, applications: int = 100) -> None:
        self._count = count
        self._size = size
        self._applications = applications
        self._of: OrderedDict[str, Kept] = OrderedDict()

    def get(self, application: str, hash: str) -> str | None:
        """The document that an application sent under this hash."""
        kept = self._of.get(application)
        if kept is None:
            return None
        self._of.move_to_end(application)
        return kept.get(hash)

    def keep(self, application: str, hash: str, document: str) -> None:
        """Keep a document of an application; `hash` is its SHA-256 in hex, which the caller has checked."""
        kept = self._of.get(application)
        if kept is None:
            kept = self._of[application] = Kept(self._count, self._size)
            if len(self._of) > self._applications:
                self._of.popitem(last=False)
        self._of.move_to_end(application)
        kept.keep(hash, document)
