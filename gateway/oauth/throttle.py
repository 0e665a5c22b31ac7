"""Throttling: who fails to authenticate too often has to wait, before the next try costs anything."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address

from authlib.oauth2.rfc6749 import OAuth2Error
from cachetools import TTLCache

WINDOW = 60
"""Seconds from a first failure until it and those after it are forgotten."""

MAX_PER_NAME = 10
"""Failures for one name from one address."""

MAX_PER_ADDRESS = 100
"""Failures from one address, whatever the names."""

MAX_PASSWORDS = 10
"""Passwords from one address that are looked at, or wait for it, at the same time."""

MAX_WRITERS = 50
"""Requests from one address that hold the database's write lock, or wait for it, at the same time."""

SIZE = 10_000
"""Counters of each kind; beyond it those that were not needed for longest are dropped."""


class Throttled(OAuth2Error):  # type: ignore[misc]
    """Too many failures; the next attempt is heard in `seconds` (429, RFC 6585)."""

    error = "temporarily_unavailable"
    description = "Too many attempts to authenticate have failed; wait as long as Retry-After says."
    status_code = 429

    def __init__(self, seconds: int, description: str | None = None) -> None:
        super().__init__(description)
        self.seconds = seconds


@dataclass(slots=True)
class _Window:
    ends: float
    failures: int = 0


class Throttle:
    """Counts failures by name and address together, and by address alone; never by name alone.

    So guessing from elsewhere locks nobody out. A name says what it is of: `application:shop`, `user:anna`. Counts are
    kept in the memory of one worker: several of them allow as many times the failures. `clock` gives seconds and never
    jumps.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_name: TTLCache[tuple[str, str], _Window] = TTLCache(SIZE, WINDOW, clock)
        self._by_address: TTLCache[str, _Window] = TTLCache(SIZE, WINDOW, clock)
        self._at_once: Counter[tuple[str, str]] = Counter()

    def wait(self, name: str, address: str) -> int:
        """Seconds until an attempt is heard, 0 where it is now."""
        from_where = source(address)
        named, all_of_it = self._by_name.get((name[:100], from_where)), self._by_address.get(from_where)
        ends = [
            window.ends
            for window, most in ((named, MAX_PER_NAME), (all_of_it, MAX_PER_ADDRESS))
            if window is not None and window.failures >= most
        ]
        return max(1, math.ceil(max(ends) - self._clock())) if ends else 0

    def failed(self, name: str, address: str) -> None:
        """Count a failure."""
        from_where = source(address)
        ends = self._clock() + WINDOW
        self._by_name.setdefault((name[:100], from_where), _Window(ends)).failures += 1
        self._by_address.setdefault(from_where, _Window(ends)).failures += 1

    @contextmanager
    def turn(self, what: str, address: str, most: int) -> Iterator[None]:
        """One of the turns that an address has at once for what is dear. Raises `Throttled` where none is left."""
        turns = what, source(address)
        if self._at_once[turns] >= most:
            raise Throttled(1, "Too many requests at once; wait as long as Retry-After says.")
        self._at_once[turns] += 1
        try:
            yield
        finally:
            self._at_once[turns] -= 1
            if not self._at_once[turns]:
                del self._at_once[turns]


def source(address: str) -> str:
    """Who is behind an address: of IPv6 the network, for its holder has 2^64 addresses to try from."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    return str(found.ipv4_mapped or IPv6Network((int(found), 64), strict=False))
