"""Tokens that partners grant: one of each for all workers and syncs, renewed by one of them while the others wait.

A second refresh would kill the token of the first (myTarget), a sixth token is refused, and a refresh token that was
used is gone: so what was granted is kept before it is used, and a renewal goes on when whoever wanted it hangs up.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.errors import Kind, PartnerError
from gateway.upstream.shared import Shared

if TYPE_CHECKING:
    from gateway.upstream.upstream import Upstream

_MARGIN = 60.0
"""Seconds before its end at which a token is renewed; a tenth of its life where that is less."""

_POLL = 0.02

_PATIENCE = 5.0
"""Seconds that who ends waits for a renewal: a token that was replaced and not kept is lost."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as granted; moments are epoch seconds, None where the partner names no end."""

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_at: float | None = None
    granted_at: float | None = None

    def lasts(self, now: float) -> bool:
        """Whether it can be used yet."""
        if self.expires_at is None:
            return True
        life = self.expires_at - self.granted_at if self.granted_at is not None else _MARGIN * 10
        return now < self.expires_at - min(_MARGIN, life / 10)


Acquire = Callable[["Upstream"], Awaitable[Token]]
"""Has a new token granted."""

Refresh = Callable[["Upstream", Token], Awaitable[Token]]
"""Has a token replaced."""


class Tokens:
    """The tokens of one partner, each by a name of the connector's choice.

    They are kept in `folder`, readable by their owner only, or where there is none with this object. Other settings
    are another client of the partner's, with tokens of its own.
    """

    def __init__(
        self,
        partner: str,
        settings: Mapping[str, str],
        folder: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._partner = partner
        self._client = repr(sorted(settings.items()))
        self._folder = folder
        self._clock = clock
        self._kept: dict[str, Shared] = {}
        self._renewals: dict[str, asyncio.Task[Token]] = {}

    async def fresh(
        self,
        upstream: Upstream,
        name: str,
        acquire: Acquire,
        refresh: Refresh | None = None,
        refused: str | None = None,
    ) -> Token:
        """The token of this name: the one there is, unless it is over or its access token is the `refused` one.

        Otherwise it is refreshed, where there is a way to, or acquired anew, by one caller for all. Raises
        `PartnerError`.
        """
        found = self._stored(name)
        if found is not None and self._serves(found, refused):
            return found
        if name not in self._renewals:
            renewal = asyncio.create_task(self._renew(upstream, name, acquire, refresh, refused))
            self._renewals[name] = renewal
            renewal.add_done_callback(lambda done: self._done(name, done))
        found = await asyncio.shield(self._renewals[name])
        if found.access == refused:
            # It was another's renewal, which began before this one's token was refused.
            return await self.fresh(upstream, name, acquire, refresh, refused)
        return found

    async def close(self) -> None:
        """Let renewals come to their end, for a while."""
        if renewals := list(self._renewals.values()):
            _, late = await asyncio.wait(renewals, timeout=_PATIENCE)
            for each in late:
                each.cancel()

    async def _renew(
        self, upstream: Upstream, name: str, acquire: Acquire, refresh: Refresh | None, refused: str | None
    ) -> Token:
        shared = self._shared(name)
        while True:
            with shared.locked(wait=False) as held:
                if held:
                    stale = self._stored(name)
                    if stale is not None and self._serves(stale, refused):
                        return stale
                    found = await _granted(upstream, stale, acquire, refresh)
                    shared.write(_plain(found, self._clock()))
                    return found
            await asyncio.sleep(_POLL)

    def _serves(self, token: Token, refused: str | None) -> bool:
        return token.access != refused and token.lasts(self._clock())

    def _stored(self, name: str) -> Token | None:
        value = self._shared(name).read()
        return Token(**value) if value else None

    def _shared(self, name: str) -> Shared:
        if name not in self._kept:
            path = None
            if self._folder is not None:
                digest = hashlib.sha256(f"{self._client}\n{name}".encode()).hexdigest()[:24]
                path = self._folder / f"{self._partner}-{digest}.token"
            self._kept[name] = Shared(path)
        return self._kept[name]

    def _done(self, name: str, renewal: asyncio.Task[Token]) -> None:
        del self._renewals[name]
        if not renewal.cancelled():
            # Where all who waited have hung up, nobody else looks.
            renewal.exception()


async def _granted(
    upstream: Upstream, stale: Token | None, acquire: Acquire, refresh: Refresh | None
) -> Token:
    if stale is not None and stale.refresh is not None and refresh is not None:
        try:
            return await refresh(upstream, stale)
        except PartnerError as error:
            if error.kind is not Kind.AUTH:
                raise
    return await acquire(upstream)


def _plain(token: Token, now: float) -> dict[str, Any]:
    return {
        "access": token.access,
        "refresh": token.refresh,
        "expires_at": token.expires_at,
        "granted_at": now if token.granted_at is None else token.granted_at,
    }
