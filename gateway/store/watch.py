"""Watch: whether a database was written to since somebody last asked, without a statement that reads of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import unquote

from sqlalchemy.ext.asyncio import AsyncEngine

Version = tuple[int, int]


class Watch:
    """Looks at the count of commits that SQLite keeps in shared memory; some microseconds, so it may be asked in the
    event loop. It has a connection of its own, which writes nothing: its own commits a connection does not count.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        assert engine.url.database is not None
        self._address = f"{engine.url.database}?mode=rw"
        self._path = Path(unquote(engine.url.database.removeprefix("file:")))
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._opened = 0

    def version(self) -> Version | None:
        """Differs from an earlier one where anything was committed since; None where nobody can know."""
        try:
            connection = self._connected()
            [[commits]] = connection.execute("PRAGMA data_version")
        except sqlite3.Error:
            self.close()
            return None
        return self._opened, commits

    def _connected(self) -> sqlite3.Connection:
        """A connection to the file that has the name now; one that was taken away or replaced changes no more."""
        file = identity(self._path)
        if self._connection is None or file != self._file:
            self.close()
            self._connection = sqlite3.connect(self._address, timeout=0, isolation_level=None, uri=True)
            self._file, self._opened = file, self._opened + 1
        return self._connection

    def close(self) -> None:
        """Let go of the database."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def identity(path: Path) -> tuple[int, int] | None:
    """Which file this is, by device and inode; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
