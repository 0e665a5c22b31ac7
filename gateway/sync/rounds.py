"""Rounds: everything new of every partner, in an order in which each record finds its client."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.clients.changes import forget
from gateway.clients.linking import LinkReport, link
from gateway.errors import Kind, PartnerError, SettingsError
from gateway.logs import place
from gateway.sync.datasets import Dataset
from gateway.sync.letters import forget_letters
from gateway.sync.pull import Progress, Watch, pull
from gateway.sync.runs import fail
from gateway.telemetry.tracing import phase
from gateway.upstream.terms import DEFAULT_TERMS, Terms
from gateway.upstream.upstream import Upstream

logger = logging.getLogger("gateway.sync")


class Source(NamedTuple):
    """A partner as a round needs it: `state` is the folder of what syncs share with the workers."""

    name: str
    settings: Mapping[str, str]
    datasets: Sequence[Dataset]
    terms: Terms = DEFAULT_TERMS
    state: Path | None = None


Watcher = Callable[[str, Dataset], Watch]


async def _nothing() -> None:
    """Nobody waits for the clients to be known."""


async def pull_all(
    engine: AsyncEngine,
    sources: Iterable[Source],
    secret: bytes,
    watcher: Watcher,
    linked: Callable[[], Awaitable[None]] = _nothing,
) -> LinkReport:
    """Pull what is new: first who the clients are, then, once they are `linked`, all that belongs to them, their orders
    behind the rest, for there are most of them; what is about things that others brought comes last.

    A partner that gives up, or whose settings cannot be used, costs the others nothing. When all is done, a
    `PartnerError` says which pulls failed; what came until then is kept, and the next round goes on there.
    """
    known, failures = await _usable(engine, sources)
    async with engine.begin() as connection:
        await forget(connection, datetime.now(UTC))
        await forget_letters(connection, datetime.now(UTC))
    clients, *others = (partial(_is_of, turn=turn) for turn in _TURNS)
    failures += await _pull(engine, known, clients, watcher)
    async with engine.begin() as connection:
        early = await link(connection, secret)
    await linked()
    for wanted in others:
        failures += await _pull(engine, known, wanted, watcher)
    async with engine.begin() as connection:
        report = await link(connection, secret)
    if failures:
        raise PartnerError(failures[0].kind, "; ".join(failure.message for failure in failures))
    return replace(report, linked=report.linked + early.linked, founded=report.founded + early.founded)


_TURNS = range(4)


def in_turn(sources: Sequence[Source]) -> Iterator[tuple[Source, Dataset]]:
    """The datasets in the order in which a round pulls them."""
    for turn in _TURNS:
        for source in sources:
            yield from ((source, each) for each in source.datasets if _is_of(each, turn))


def _is_of(dataset: Dataset, turn: int) -> bool:
    """Whether it is the turn of a dataset."""
    if "accounts" in dataset.covers:
        return turn == 0
    if dataset.about is not None:
        return turn == 3
    return turn == (2 if "orders" in dataset.covers else 1)


async def _usable(engine: AsyncEngine, sources: Iterable[Source]) -> tuple[list[Source], list[PartnerError]]:
    """The sources whose settings can be used, and what is wrong with those of the others."""
    known, failures = [], []
    for source in sources:
        try:
            source.terms.settled(source.settings)
        except SettingsError as error:
            async with engine.begin() as connection:
                for dataset in source.datasets:
                    await fail(connection, source.name, dataset.name, error)
            failures.append(PartnerError(Kind.AUTH, f"{source.name}: {error}"))
        else:
            known.append(source)
    return known, failures


async def _pull(
    engine: AsyncEngine, sources: Iterable[Source], wanted: Callable[[Dataset], bool], watcher: Watcher
) -> list[PartnerError]:
    failures = []
    for source in sources:
        async with Upstream(source.name, source.settings, source.terms, source.state) as upstream:
            for dataset in filter(wanted, source.datasets):
                try:
                    with phase(f"pull {source.name} {dataset.name}"):
                        await pull(engine, upstream, source.name, dataset, watcher(source.name, dataset))
                except SQLAlchemyError:
                    raise
                except Exception as error:
                    async with engine.begin() as connection:
                        await fail(connection, source.name, dataset.name, error)
                    failures.append(_failure(source.name, dataset.name, error))
                    if failures[-1].retryable:
                        # Nobody answers there now: the partner's other datasets can wait for the next round.
                        break
    return failures


def _failure(connector: str, dataset: str, error: Exception) -> PartnerError:
    pulled = f"{connector} {dataset}"
    if isinstance(error, PartnerError):
        return PartnerError(error.kind, f"{pulled}: {error.message}")
    if isinstance(error, SettingsError):
        return PartnerError(Kind.AUTH, f"{pulled}: {error}")
    # The text of any other exception may hold what the partner sent.
    logger.error(
        "pull failed",
        extra={
            "connector": connector,
            "dataset": dataset,
            "kind": type(error).__name__,
            "where": place(error),
        },
    )
    return PartnerError(Kind.DRIFT, f"{pulled}: {type(error).__name__} at {place(error)}")


__all__ = ["Progress", "Source", "in_turn", "pull_all"]
