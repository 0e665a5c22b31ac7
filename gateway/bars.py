"""Bars: what the terminal shows of long work; counts, rates and times."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.discovery import correspondents, discover
from gateway.errors import SettingsError
from gateway.secrets import secret
from gateway.settings import Settings
from gateway.sync.datasets import Dataset
from gateway.sync.pull import Progress as Pulled
from gateway.sync.pull import Watch
from gateway.sync.rounds import Source, in_turn, pull_all
from gateway.upstream.partners import FOLDER
from gateway.webhooks.work import Work


def bars(console: Console) -> Progress:
    """Progress bars with counts, rates and times."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:>12}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
    )


class Meter:
    """One bar: how many there are of how many, and how many a second; its time begins when something is shown."""

    def __init__(self, progress: Progress, label: str) -> None:
        self._progress = progress
        self._task: TaskID = progress.add_task(label, start=False, total=None, rate="", note="[dim]to come")
        self._started: float | None = None

    def start(self) -> float:
        """What it counts begins now; the clock's seconds."""
        self._progress.start_task(self._task)
        self._progress.update(self._task, note="")
        self._started = time.monotonic()
        return self._started

    def show(self, done: int, total: int | None, unreadable: int = 0) -> None:
        """Draw the bar anew."""
        started = self._started or self.start()
        rate = done / max(time.monotonic() - started, 1e-3)
        note = f"[yellow]{unreadable} unreadable" if unreadable else ""
        self._progress.update(
            self._task, completed=done, total=max(total or 0, done) or None, rate=f"{rate:,.0f}/s", note=note
        )

    def end(self) -> None:
        """Show the bar full, whatever was expected; one that never began stays as it is."""
        if self._started is None:
            return
        task = self._progress.tasks[self._task]
        self._progress.update(self._task, total=max(task.completed, 1), completed=max(task.completed, 1))


async def pull_round(
    settings: Settings, engine: AsyncEngine, console: Console, **options: Callable[[], Awaitable[None]]
) -> None:
    """One round over all partners with an address, with a bar for each dataset, those to come among them; options are
    `pull_all`'s.

    Raises `SettingsError` for settings of a partner that no connector is for.
    """
    if unknown := settings.connectors.keys() - {each.name for each in discover()}:
        raise SettingsError(f"no connector is there for [connectors.{min(unknown)}] in the settings")
    sources = [
        Source(each.name, settings.connectors[each.name], each.datasets, each.terms, settings.state / FOLDER)
        for each in discover()
        if each.name in settings.connectors
    ]
    with bars(console) as progress:
        meters = {
            (source.name, dataset.name): Meter(progress, f"pull {source.name} {dataset.name}")
            for source, dataset in in_turn(sources)
        }

        def watcher(name: str, dataset: Dataset) -> Watch:
            meter = meters[name, dataset.name]
            meter.start()
            return lambda pulled: _show(meter, pulled)

        report = await pull_all(engine, sources, secret(settings.state / "linking.key"), watcher, **options)
        for meter in meters.values():
            meter.end()
    # What messages said that were pulled; a gateway need not be serving.
    await Work(engine, correspondents(settings)).look()
    apart = f"; {report.refused} doubtful matches were left apart" if report.refused else ""
    console.print(f"  {report.accounts:,} accounts, {report.linked:,} of them linked just now{apart}")


def _show(meter: Meter, pulled: Pulled) -> None:
    meter.show(pulled.records, pulled.expected, pulled.unreadable)
