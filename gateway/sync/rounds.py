"""Rounds: everything new of every partner, in an order in which each record finds its client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.clients.linking import LinkReport, link
from gateway.sync.datasets import Dataset
from gateway.sync.pull import Progress, Watch, pull
from gateway.upstream.http import Upstream


class Source(NamedTuple):
    """A partner as a round needs it: its name, its address and keys, its datasets."""

    name: str
    settings: Mapping[str, str]
    datasets: Sequence[Dataset]


Watcher = Callable[[str, Dataset], Watch]


async def pull_all(
    engine: AsyncEngine, sources: Iterable[Source], secret: bytes, watcher: Watcher
) -> LinkReport:
    """Pull what is new: first who the clients are, then, once they are linked, all that belongs to them.

    Raises `PartnerError` when a partner gives up; what was pulled until then is kept, and the next round goes on there.
    """
    known = list(sources)
    await _pull(engine, known, lambda dataset: "accounts" in dataset.covers, watcher)
    async with engine.begin() as connection:
        await link(connection, secret)
    await _pull(engine, known, lambda dataset: "accounts" not in dataset.covers, watcher)
    async with engine.begin() as connection:
        return await link(connection, secret)


async def _pull(
    engine: AsyncEngine, sources: Iterable[Source], wanted: Callable[[Dataset], bool], watcher: Watcher
) -> None:
    for source in sources:
        async with Upstream(source.name, source.settings) as upstream:
            for dataset in filter(wanted, source.datasets):
                await pull(engine, upstream, source.name, dataset, watcher(source.name, dataset))


__all__ = ["Progress", "Source", "pull_all"]
