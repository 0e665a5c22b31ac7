"""Signing keys at work: one signs, all that are published verify, and a changed key file is noticed by itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, KeySet

from gateway.errors import SettingsError
from gateway.oauth.keyfile import ALGORITHM, State, fresh, locked, read, write

__all__ = ["ALGORITHM", "Keys", "key_file", "signing_keys"]

logger = logging.getLogger("gateway.oauth.keys")

LOOK = 1.0
"""Seconds between two looks at the key file, and so the longest that a worker signs with a key that was replaced."""


class Keys:
    """The token service's key pairs by key id (RFC 7638 thumbprint): one signs, all verify and are published.

    Signing takes one key, never the set: from a set joserfc would pick at random, retired keys among them.
    """

    def __init__(self, current: ECKey, others: Sequence[ECKey] = ()) -> None:
        self._version = 0
        self._hold(current, others)

    def _hold(self, current: ECKey, others: Sequence[ECKey]) -> None:
        self._current = current
        self._all = {key.thumbprint(): key for key in (current, *others)}
        self._version += 1

    def _look(self) -> None:
        """Keys that are given in memory do not change."""

    @property
    def current(self) -> ECKey:
        """The key that signs. Take it once for one signature: the next call may give another."""
        self._look()
        return self._current

    @property
    def version(self) -> int:
        """Another number whenever there are other keys; what was verified by earlier ones may no longer hold."""
        self._look()
        return self._version

    def find(self, kid: str) -> ECKey | None:
        """The key that verifies what was signed under `kid`, or None for an id that is not ours."""
        self._look()
        return self._all.get(kid)

    def public_set(self) -> dict[str, Any]:
        """The public halves as a JWK Set (RFC 7517), each with `kid`, `use` and `alg`."""
        self._look()
        return dict(KeySet(list(self._all.values())).as_dict(private=False))


class _FileKeys(Keys):
    """The keys in a file that others may replace; `clock` gives seconds since the epoch."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._looked = clock()
        # The mark is taken before the file is read: a change in between is then seen at the next look.
        self._mark = _mark(path)
        self._entries = read(path)
        current, others = self._good(self._looked)
        super().__init__(current, others)

    def _good(self, now: float) -> tuple[ECKey, list[ECKey]]:
        """The current key, and the others that are published at a moment."""
        published = [each for each in self._entries if each.state_at(now) is not State.GONE]
        [current] = [each.pair for each in published if each.state is State.CURRENT]
        return current, [each.pair for each in published if each.state is not State.CURRENT]

    def _look(self) -> None:
        now = self._clock()
        if 0 <= now - self._looked < LOOK:
            return
        self._looked = now
        mark = _mark(self._path)
        if mark != self._mark:
            self._mark = mark
            self._read()
        current, others = self._good(now)
        if (
            current is not self._current
            or {key.thumbprint() for key in (current, *others)} != self._all.keys()
        ):
            self._hold(current, others)

    def _read(self) -> None:
        try:
            self._entries = read(self._path)
        except SettingsError as error:
            # With the keys it has a worker goes on; a worker that starts would stop here.
            logger.error("the key file cannot be used", extra={"reason": str(error)})


def _mark(path: Path) -> tuple[int, int, int] | None:
    """What changes whenever the file is replaced or written to; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def key_file(state: Path) -> Path:
    """Where the keys of a state folder are; a first one is made where there is none."""
    path = state / "signing-key.json"
    if not path.exists():
        with locked(path):
            # Another worker may have been first, and there must not be two keys.
            if not path.exists():
                write(path, [fresh(State.CURRENT, int(time.time()))])
    return path


def signing_keys(state: Path, clock: Callable[[], float] = time.time) -> Keys:
    """The keys in `<state>/signing-key.json`, made at the first call, as they are at any time.

    Raises `SettingsError` for a damaged file.
    """
    return _FileKeys(key_file(state), clock)
