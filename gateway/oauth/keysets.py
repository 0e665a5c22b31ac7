"""Key sets: the keys that an outside issuer publishes (RFC 7517), fetched when they are needed and kept for a while."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

from joserfc.jwk import Key

from gateway.oauth.signatures import fits, public_key
from gateway.trust import Trust

logger = logging.getLogger("gateway.oauth.keysets")

FRESH = 600
"""Seconds after which keys are fetched again, while those at hand still serve."""

STALE = 3600
"""Seconds that keys serve while the issuer cannot be reached; and so the longest that a key it withdrew can."""

COOL_DOWN = 30
"""Seconds between two fetches: the key ids in tokens are written by anybody."""

PATIENCE = 5.0
"""Seconds that a fetch may take, discovery and all."""

_CANDIDATES = 4
"""Keys that one signature is tried on at most."""


class Unreachable(Exception):
    """There are no keys of the issuer that may still be used."""


class KeySet:
    """The keys of one issuer. `clock` gives seconds that never go back."""

    def __init__(
        self, trust: Trust, clock: Callable[[], float] = time.monotonic, patience: float = PATIENCE
    ) -> None:
        self._trust = trust
        self._clock = clock
        self._patience = patience
        self._keys: list[dict[str, Any]] = []
        self._fetched = self._tried = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, algorithm: str, kid: str | None) -> list[Key]:
        """The keys that may have made a signature: those of that id, or the only one there is for the algorithm.

        An unknown id makes the keys be fetched again, unless they have just been. Raises `Unreachable`.
        """
        if self._age() > FRESH:
            self._fetch()
        if found := self._fitting(algorithm, kid):
            return found
        self._fetch()
        if self._fetching is not None:
            # Whoever waits with others for one fetch must not end it for them by hanging up.
            await asyncio.shield(self._fetching)
        if self._age() > STALE:
            raise Unreachable
        return self._fitting(algorithm, kid)

    def _age(self) -> float:
        return self._clock() - self._fetched

    def _fitting(self, algorithm: str, kid: str | None) -> list[Key]:
        if self._age() > STALE:
            return []
        candidates = [jwk for jwk in self._keys if fits(jwk, algorithm) and kid in (None, jwk.get("kid"))]
        found = list(_usable(candidates[:_CANDIDATES], algorithm))
        return found if kid is not None or len(candidates) == 1 else []

    def _fetch(self) -> None:
        """Begin a fetch, unless one is on its way or was a moment ago."""
        if self._fetching is None and self._clock() - self._tried >= COOL_DOWN:
            self._tried = self._clock()
            self._fetching = asyncio.create_task(self._renew())
            self._fetching.add_done_callback(self._done)

    def _done(self, _: asyncio.Task[None]) -> None:
        self._fetching = None

    async def _renew(self) -> None:
        # Its HTTP client takes a sixth of the gateway's start, and most gateways trust no outside issuer.
        from gateway.oauth.published import Unpublished, published_keys

        try:
            self._keys = await published_keys(self._trust, self._patience)
        except Unpublished as error:
            reason = str(error)
            logger.warning("no keys of an issuer", extra={"issuer": self._trust.name, "reason": reason})
        else:
            self._fetched = self._clock()


def _usable(candidates: list[dict[str, Any]], algorithm: str) -> Iterator[Key]:
    for jwk in candidates:
        try:
            yield public_key(jwk, algorithm)
        except ValueError:
            continue
