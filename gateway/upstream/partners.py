"""Partners: the way to each one that the operator gave an address, open as long as a worker serves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from gateway.upstream.terms import Terms
from gateway.upstream.upstream import Upstream

FOLDER = "partners"
"""The folder below the state folder in which workers and syncs share what they know of partners."""


class Declared(NamedTuple):
    """What a connector declares of its partner's API."""

    name: str
    terms: Terms


class Partners:
    """Partners by the names of their connectors. Raises `SettingsError` for a quota in the settings that is none."""

    def __init__(
        self, declared: Iterable[Declared], settings: Mapping[str, Mapping[str, str]], state: Path
    ) -> None:
        self._declared = list(declared)
        self._settings = settings
        self._folder = state / FOLDER
        self._found: dict[str, Upstream] = {}
        for name, terms in self._declared:
            terms.settled(settings.get(name, {}))

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Have a way to each, for the length of the block."""
        async with AsyncExitStack() as stack:
            for name, terms in self._declared:
                settings = self._settings.get(name, {})
                if "url" in settings:
                    upstream = Upstream(name, settings, terms, self._folder, live=True)
                    self._found[name] = await stack.enter_async_context(upstream)
            try:
                yield
            finally:
                self._found.clear()

    def get(self, name: str) -> Upstream | None:
        """The way to a partner, None where there is no address of it."""
        return self._found.get(name)
